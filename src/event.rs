//! What stages tell while they work. They send; one thread in `console` prints.

use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::error::{Fault, Kind};

/// Something a user may want to see.
#[derive(Clone, Debug)]
pub enum Event {
    /// Stages begin that work side by side: the word of each, with which its steps begin too, and how many steps it has
    /// (0 when unknown).
    Stages(Vec<(&'static str, usize)>),
    /// A step begins.
    Started {
        /// What the step makes: unique in a run, for example `build api linux/amd64`.
        step: String,
    },
    /// A step ended well.
    Finished {
        /// As in [`Event::Started`].
        step: String,
        /// Whether its result came from the store.
        cached: bool,
        /// How long it took.
        took: Duration,
        /// Bytes of its output.
        bytes: u64,
    },
    /// A step failed; the failure itself is returned by the stage.
    Failed {
        /// As in [`Event::Started`].
        step: String,
    },
    /// A step did not end because the user said stop: nothing is wrong with it.
    Stopped {
        /// As in [`Event::Started`].
        step: String,
    },
    /// A line worth reading in an ordinary run.
    Info(String),
    /// A line that nobody should miss.
    Warn {
        /// Stable code.
        code: &'static str,
        /// One sentence.
        text: String,
    },
    /// A line for `--verbose`.
    Debug(String),
    /// One check of a verification, as it is decided.
    Check {
        /// The check's name.
        name: String,
        /// `passed`, `failed` or `not run`.
        outcome: &'static str,
        /// Why, when it did not pass.
        why: String,
    },
    /// What a stage found out although the run fails, for programs.
    Report {
        /// The stage's word.
        name: &'static str,
        /// What it found out.
        data: serde_json::Value,
    },
    /// A document that was asked for on stdout although the run fails: byte for byte, for programs that read it there.
    Document(String),
    /// Bytes of a transfer.
    Transfer {
        /// What is transferred.
        name: String,
        /// How many bytes are there.
        done: u64,
        /// How many there will be.
        total: u64,
    },
}

/// The sending end that stages hold.
#[derive(Clone)]
pub struct Events(Option<Sender<Event>>);

impl Events {
    /// Sends to a console.
    pub fn new(sender: Sender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Says nothing to nobody: for library use.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Sends an event. A console that has gone away is no reason to fail a build.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            drop(sender.send(event));
        }
    }

    /// Sends [`Event::Failed`], or [`Event::Stopped`] where the fault is an interruption.
    pub fn failed(&self, step: String, fault: &impl Fault) {
        let stopped = fault.kind() == Kind::Interrupted;
        self.send(if stopped { Event::Stopped { step } } else { Event::Failed { step } });
    }

    /// Sends an [`Event::Info`].
    pub fn info(&self, text: impl Into<String>) {
        self.send(Event::Info(text.into()));
    }

    /// Sends an [`Event::Warn`].
    pub fn warn(&self, code: &'static str, text: impl Into<String>) {
        self.send(Event::Warn { code, text: text.into() });
    }

    /// Sends an [`Event::Debug`].
    pub fn debug(&self, text: impl Into<String>) {
        self.send(Event::Debug(text.into()));
    }
}
