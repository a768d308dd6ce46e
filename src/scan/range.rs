//! Which versions a record affects, and the first one that it does not affect any more.

use super::osv::{Affected, Event, Range};
use super::version::GoVersion;

/// Whether a version is affected. No range and no list at all means every version, and so do ranges of which none is of
/// the type SEMVER: what cannot be compared is not taken for safe.
pub fn affects(affected: &Affected, version: &GoVersion) -> bool {
    if affected.versions.iter().any(|one| GoVersion::module(one).as_ref() == Some(version)) {
        return true;
    }
    let mut ranges = semantic(affected).peekable();
    match ranges.peek() {
        Some(_) => ranges.any(|range| contains(range, version)),
        None => !affected.ranges.is_empty() || affected.versions.is_empty(),
    }
}

/// The earliest version above a given one that fixes it in every given statement about the package.
pub fn fixed_in(statements: &[&Affected], version: &GoVersion) -> Option<GoVersion> {
    let events = statements.iter().flat_map(|affected| semantic(affected)).flat_map(|range| &range.events);
    let mut fixes: Vec<GoVersion> = events
        .filter_map(|event| match event {
            Event::Fixed(fixed) => GoVersion::module(fixed),
            _ => None,
        })
        .filter(|fixed| fixed > version)
        .collect();
    fixes.sort();
    fixes.into_iter().find(|fixed| !statements.iter().any(|affected| affects(affected, fixed)))
}

fn semantic(affected: &Affected) -> impl Iterator<Item = &Range> {
    affected.ranges.iter().filter(|range| range.kind == "SEMVER")
}

/// Goes through the events in the order of their versions. A version that cannot be read stands before all others: what
/// begins there begins at once, what ends there ends nothing.
fn contains(range: &Range, version: &GoVersion) -> bool {
    if range.events.is_empty() {
        return true;
    }
    let mut events: Vec<(Option<GoVersion>, &Event)> = range
        .events
        .iter()
        .map(|event| {
            let (Event::Introduced(text) | Event::Fixed(text) | Event::LastAffected(text) | Event::Limit(text)) = event;
            // `0` is before every version, also before 0.0.0-0.
            (GoVersion::module(text).filter(|_| text != "0"), event)
        })
        .collect();
    events.sort_by(|one, other| one.0.cmp(&other.0));
    let mut inside = false;
    for (at, event) in &events {
        let reached = at.as_ref().is_none_or(|at| version >= at);
        match event {
            Event::Introduced(_) if reached => inside = true,
            Event::Fixed(_) | Event::Limit(_) if reached && at.is_some() => inside = false,
            Event::LastAffected(_) if at.as_ref().is_some_and(|at| version > at) => inside = false,
            _ => {}
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn affected(ranges: &str) -> Affected {
        serde_json::from_str(&format!("{{\"package\":{{\"name\":\"m\",\"ecosystem\":\"Go\"}}{ranges}}}")).unwrap()
    }

    /// A range as `introduced..fixed` pairs; nothing behind the dots has no end.
    fn semver(pairs: &[(&str, &str)]) -> Affected {
        let events: Vec<String> = pairs
            .iter()
            .flat_map(|(from, to)| {
                let end = (!to.is_empty()).then(|| format!("{{\"fixed\":{to:?}}}"));
                [Some(format!("{{\"introduced\":{from:?}}}")), end].into_iter().flatten()
            })
            .collect();
        affected(&format!(",\"ranges\":[{{\"type\":\"SEMVER\",\"events\":[{}]}}]", events.join(",")))
    }

    fn hit(affected: &Affected, version: &str) -> bool {
        affects(affected, &GoVersion::module(version).unwrap())
    }

    #[test]
    fn ranges_are_closed_below_and_open_above() {
        let two = semver(&[("0", "1.2.3"), ("1.3.0-0", "1.3.5")]);
        let cases = [
            ("v0.0.0-20200101000000-abcdefabcdef", true),
            ("v1.2.2", true),
            ("v1.2.3-rc.1", true),
            ("v1.2.3-0.20200101000000-abcdefabcdef", true),
            ("v1.2.3", false),
            ("v1.2.9", false),
            ("v1.3.0-rc.1", true),
            ("v1.3.4", true),
            ("v1.3.5+incompatible", false),
            ("v2.0.0", false),
        ];
        for (version, wanted) in cases {
            assert_eq!(hit(&two, version), wanted, "{version}");
        }
        assert!(hit(&semver(&[("1.0.0", "")]), "v99.0.0"));
    }

    #[test]
    fn what_cannot_be_compared_is_not_taken_for_safe() {
        for ranges in [
            "",
            ",\"ranges\":[]",
            ",\"ranges\":[{\"type\":\"GIT\",\"events\":[{\"fixed\":\"abc\"}]}]",
            ",\"ranges\":[{\"type\":\"SEMVER\",\"events\":[]}]",
            ",\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"what?\"},{\"fixed\":\"ever\"}]}]",
        ] {
            assert!(hit(&affected(ranges), "v1.0.0"), "{ranges}");
        }
    }

    #[test]
    fn versions_may_be_listed_and_the_last_affected_one_be_named() {
        let listed = affected(",\"versions\":[\"1.0.0\",\"1.0.2\"]");
        assert!(hit(&listed, "v1.0.2") && !hit(&listed, "v1.0.1"));
        let last = affected(
            ",\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"1.0.0\"},{\"last_affected\":\"1.4.0\"}]}]",
        );
        assert!(hit(&last, "v1.4.0") && !hit(&last, "v1.4.1") && !hit(&last, "v0.9.0"));
    }

    #[test]
    fn the_fix_is_the_first_version_that_nothing_affects() {
        let fix = |statements: &[Affected], version: &str| {
            let statements: Vec<&Affected> = statements.iter().collect();
            fixed_in(&statements, &GoVersion::module(version).unwrap()).map(|version| version.to_string())
        };
        let two = semver(&[("1.0.0", "1.5.0"), ("2.0.0", "2.1.0")]);
        assert_eq!(fix(std::slice::from_ref(&two), "v1.1.0").as_deref(), Some("1.5.0"));
        assert_eq!(fix(&[two.clone(), semver(&[("1.4.0", "1.6.0")])], "v1.1.0").as_deref(), Some("1.6.0"));
        assert_eq!(fix(&[two], "v2.0.5").as_deref(), Some("2.1.0"));
        assert_eq!(fix(&[semver(&[("0", "")])], "v1.0.0"), None);
        assert_eq!(fix(&[semver(&[("0.1.0", "0.1.9"), ("1.0.0", "2.0.0")])], "v1.0.0").as_deref(), Some("2.0.0"));
    }

    proptest! {
        /// The law that the order of the events in the file decides nothing.
        #[test]
        fn events_may_come_in_any_order(seed in 0usize..24, major in 0u64..6, minor in 0u64..3) {
            let sorted = semver(&[("1.0.0", "2.0.0"), ("3.1.0", "4.0.0")]);
            let mut shuffled = sorted.clone();
            let events = &mut shuffled.ranges[0].events;
            // The permutation of four that the number names.
            let mut rest = events.clone();
            let mut code = seed;
            events.clear();
            for left in (1..=4).rev() {
                events.push(rest.remove(code % left));
                code /= left;
            }
            let version = GoVersion::module(&format!("v{major}.{minor}.0")).unwrap();
            prop_assert_eq!(affects(&sorted, &version), affects(&shuffled, &version));
            let fixed = fixed_in(&[&sorted], &version);
            prop_assert!(fixed.is_none_or(|fixed| fixed > version && !affects(&sorted, &fixed)));
        }
    }
}
