//! Tells how far a transfer is, not more often than anybody could see.

use crate::event::{Event, Events};

/// A transfer is told of at most so many times, and not for fewer bytes than these.
const STEPS: u64 = 200;
const STEP: u64 = 256 << 10;

/// One transfer of a known size.
pub(super) struct Progress {
    events: Events,
    name: String,
    total: u64,
    told: u64,
}

impl Progress {
    /// Nothing is told before there is something.
    pub fn new(events: &Events, name: String, total: u64) -> Self {
        Self { events: events.clone(), name, total, told: 0 }
    }

    /// So many bytes are there.
    pub fn at(&mut self, done: u64) {
        let step = STEP.max(self.total / STEPS);
        // A try that began again from the start goes back.
        if done < self.total && (done < self.told || done - self.told >= step) {
            self.told = done;
            self.send(done);
        }
    }

    fn send(&self, done: u64) {
        self.events.send(Event::Transfer { name: self.name.clone(), done, total: self.total });
    }
}

impl Drop for Progress {
    /// However it ended, it is over: a bar that nobody moves is taken away.
    fn drop(&mut self) {
        if self.told > 0 {
            self.send(self.total);
        }
    }
}
