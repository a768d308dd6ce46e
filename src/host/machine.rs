//! What this machine has: cores and memory.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory in bytes that could be used now without swapping: what the kernel calls available, or what is left of a
/// cgroup's limit when that is less. Systems that do not say count as having 4 GiB.
pub fn available_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<u64>().ok());
    let available = kib.map_or(4 << 30, |kib| kib * 1024);
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    match (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")) {
        (Some(max), Some(current)) => available.min(max.saturating_sub(current)),
        _ => available,
    }
}

/// Applies a function to every item, on at most `threads` threads, and gives the results in the order of the items. The
/// first error in that order is returned; items that come after a failed one may not have been looked at.
pub fn parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = || {
        let mut mine = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            mine.push((index, result));
        }
        mine
    };
    let mut results: Vec<(usize, Result<R, E>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.clamp(1, items.len().max(1))).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a worker does not panic")).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Works on jobs while `feed` still gives them out, on `threads` threads, and gives the results in the order of the
/// jobs' places, whichever ended first. All that was given out is worked on, also after a failure.
pub fn as_they_come<P: Ord + Send, J: Send, R: Send>(
    threads: usize,
    feed: impl FnOnce(&Sender<(P, J)>),
    work: impl Fn(&P, J) -> R + Sync,
) -> Vec<R> {
    let (give, take) = channel::<(P, J)>();
    let take = Mutex::new(take);
    let run = || {
        let mut mine = Vec::new();
        loop {
            // The lock is held while waiting: one worker waits for the next job, the others for the lock.
            let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((place, job)) = next else { return mine };
            let result = work(&place, job);
            mine.push((place, result));
        }
    };
    let mut results: Vec<(P, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(run)).collect();
        feed(&give);
        drop(give);
        threads.into_iter().flat_map(|thread| thread.join().expect("a worker does not panic")).collect()
    });
    results.sort_by(|(a, _), (b, _)| a.cmp(b));
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::{as_they_come, parallel};

    #[test]
    fn jobs_are_worked_on_while_they_come_and_results_are_in_order() {
        let (seen, first) = std::sync::mpsc::channel();
        let seen = std::sync::Mutex::new(seen);
        let feed = |give: &std::sync::mpsc::Sender<(u32, u32)>| {
            give.send((9, 9)).unwrap();
            // Work has begun before the last job is there.
            assert_eq!(first.recv().unwrap(), 9);
            (0..9).rev().for_each(|job| give.send((job, job)).unwrap());
        };
        let work = |_: &u32, job| {
            seen.lock().unwrap().send(job).unwrap();
            job * 2
        };
        assert_eq!(as_they_come(3, feed, work), (0..10).map(|job| job * 2).collect::<Vec<u32>>());
        assert_eq!(as_they_come(2, |_: &std::sync::mpsc::Sender<(u32, u32)>| {}, work), Vec::<u32>::new());
    }

    #[test]
    fn results_keep_their_order_and_the_first_error_wins() {
        let items: Vec<u32> = (0..100).collect();
        let doubled: Result<Vec<u32>, ()> = parallel(&items, 4, |item| Ok(item * 2));
        assert_eq!(doubled.unwrap(), (0..100).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(parallel(&items, 4, |item| if *item == 7 { Err(*item) } else { Ok(()) }), Err(7));
        assert_eq!(parallel(&[] as &[u32], 4, |_| Ok::<_, ()>(())), Ok(vec![]));
    }
}
