//! How many links may run at once: by what each needed the last time, so that ten of 6 GB do not kill a runner.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::host::machine;

/// What a build is taken to need when it was never seen: a link of a large service.
pub const UNKNOWN: u64 = 1 << 30;

/// Memory that is shared out to builds.
pub struct Memory {
    capacity: u64,
    free: Mutex<u64>,
    changed: Condvar,
}

/// A share, given back when dropped.
pub struct Permit<'a> {
    memory: &'a Memory,
    weight: u64,
}

impl Memory {
    /// Four fifths of what is available now.
    pub fn of_machine() -> Self {
        Self::of(machine::available_memory() / 5 * 4)
    }

    /// A given amount, in bytes.
    pub fn of(capacity: u64) -> Self {
        Self { capacity, free: Mutex::new(capacity), changed: Condvar::new() }
    }

    /// Waits until a share is free. A share larger than everything gets everything: it runs alone.
    pub fn acquire(&self, weight: u64) -> Permit<'_> {
        let weight = weight.min(self.capacity);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < weight {
            free = self.changed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= weight;
        Permit { memory: self, weight }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.memory.free.lock().unwrap_or_else(PoisonError::into_inner) += self.weight;
        self.memory.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn never_more_at_once_than_there_is() {
        let memory = Memory::of(10);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        machine::parallel(&[6, 4, 5, 100, 3, 3, 3, 1], 8, |weight| {
            let _permit = memory.acquire(*weight);
            let held = now.fetch_add((*weight).min(10), Ordering::SeqCst) + (*weight).min(10);
            most.fetch_max(held, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(5));
            now.fetch_sub((*weight).min(10), Ordering::SeqCst);
            Ok::<_, ()>(())
        })
        .unwrap();
        assert!(most.load(Ordering::SeqCst) <= 10);
        assert_eq!(*memory.free.lock().unwrap(), 10);
    }
}
