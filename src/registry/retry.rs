//! When a request is tried again: a decision without clock and chance, from what happened so far.

use std::time::Duration;

/// How often and how long something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries, the first one included.
    pub tries: u32,
    /// The pause before the second try; it doubles with each.
    pub first: Duration,
    /// The longest pause of our own choice.
    pub longest: Duration,
    /// All pauses together; a registry that asks for more is given up at once.
    pub budget: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 6,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(15),
            budget: Duration::from_secs(120),
        }
    }
}

impl Retry {
    /// The pause before another try, or nothing when there is none: after `done` tries, with `spent` in pauses so far,
    /// where the registry asked for a pause or did not. Equal salts give equal pauses, and different ones spread the
    /// tries of several transfers over up to half of the pause.
    pub fn pause(&self, done: u32, spent: Duration, asked: Option<Duration>, salt: u32) -> Option<Duration> {
        if done >= self.tries {
            return None;
        }
        let own = self.first.saturating_mul(2u32.saturating_pow(done.saturating_sub(1))).min(self.longest);
        let pause = match asked {
            Some(asked) => asked,
            None => own + own.mul_f64(f64::from(salt % 64) / 128.0),
        };
        (spent + pause <= self.budget).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_and_end() {
        let retry = Retry { tries: 5, first: SECOND, longest: 3 * SECOND, budget: 60 * SECOND };
        let pauses: Vec<_> = (1..6).map(|done| retry.pause(done, Duration::ZERO, None, 0)).collect();
        assert_eq!(pauses, [Some(SECOND), Some(2 * SECOND), Some(3 * SECOND), Some(3 * SECOND), None]);
    }

    #[test]
    fn a_registry_may_ask_for_time_within_the_budget() {
        let retry = Retry { budget: 10 * SECOND, ..Retry::default() };
        assert_eq!(retry.pause(1, Duration::ZERO, Some(10 * SECOND), 9), Some(10 * SECOND));
        assert_eq!(retry.pause(1, SECOND, Some(10 * SECOND), 9), None);
        assert_eq!(retry.pause(1, Duration::ZERO, Some(Duration::MAX / 2), 9), None);
        assert_eq!(retry.pause(1, Duration::ZERO, Some(Duration::ZERO), 9), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn whatever_happens_tries_and_pauses_are_bounded(asked in prop::collection::vec(prop::option::of(0u64..400), 50), salt: u32) {
            let retry = Retry::default();
            let (mut done, mut spent) = (1, Duration::ZERO);
            for asked in asked {
                let Some(pause) = retry.pause(done, spent, asked.map(Duration::from_secs), salt) else { break };
                prop_assert_eq!(retry.pause(done, spent, asked.map(Duration::from_secs), salt), Some(pause));
                (done, spent) = (done + 1, spent + pause);
            }
            prop_assert!(done <= retry.tries && spent <= retry.budget);
        }
    }
}
