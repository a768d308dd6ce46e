//! The one place where futures run: two threads for all connections of the process, and a way to wait for a future that
//! never waits longer than it is told to.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::host::process::Children;

/// How often a wait looks whether the user wants to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// What every wait obeys.
#[derive(Clone, Default)]
pub(super) struct Patience {
    /// The longest time in which nothing happens.
    pub idle: Duration,
    /// Whose end ends every wait.
    pub children: Option<Children>,
}

/// Why a wait ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nothing happened for too long.
    Silent,
    /// The user wants to stop.
    Stopped,
}

/// The runtime of the process. It is never shut down: a connection that is open at the end of the process ends with it.
pub(super) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    // Two threads, so that encryption of one connection does not hold the others up.
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("network").enable_all().build()?;
    // Somebody else may have been faster; then this one goes, before anything runs on it.
    Ok(RUNTIME.get_or_init(|| runtime))
}

impl Patience {
    /// Waits for a future on the caller's thread.
    pub fn wait<F: Future>(&self, runtime: &Runtime, future: F) -> Result<F::Output, Gone> {
        runtime.block_on(async {
            let mut future = pin!(future);
            let end = Instant::now() + self.idle;
            loop {
                if self.stopped() {
                    return Err(Gone::Stopped);
                }
                let left = end.saturating_duration_since(Instant::now());
                if let Ok(output) = tokio::time::timeout(left.min(GLANCE), future.as_mut()).await {
                    return Ok(output);
                }
                if left.is_zero() {
                    return Err(Gone::Silent);
                }
            }
        })
    }

    /// Sleeps; gives whether the sleep was whole, and not ended because the user wants to stop.
    pub fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.stopped() {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }

    pub fn stopped(&self) -> bool {
        self.children.as_ref().is_some_and(Children::stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_its_future_its_patience_or_the_run() {
        let runtime = runtime().unwrap();
        let mut patience = Patience { idle: Duration::from_millis(1), children: None };
        assert_eq!(patience.wait(runtime, async { 7 }), Ok(7));
        assert_eq!(patience.wait(runtime, std::future::pending::<()>()), Err(Gone::Silent));
        let children = Children::default();
        children.stop();
        (patience.idle, patience.children) = (Duration::from_secs(3600), Some(children));
        assert_eq!(patience.wait(runtime, std::future::pending::<()>()), Err(Gone::Stopped));
        assert!(!patience.sleep(Duration::from_secs(3600)));
    }
}
