//! The only writer of stdout and stderr: stdout is the product, stderr the conversation. Stages send events; one thread
//! prints them.

mod bug;
mod failure;
mod json;
mod log;
mod options;
mod product;
mod progress;
mod steps;
mod streams;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod veil;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

pub use options::{Color, ColorChoice, Device, Devices, Flags, Format, Log, Mode, Options, Verbosity, Width};
pub use product::Product;
pub use streams::{ConsoleError, Stream, Streams};
pub use veil::Veil;

use crate::error::Failure;
use crate::event::{Event, Events};
use crate::host::env::Env;
use text::Text;

/// How often bars move.
const TICK: Duration = Duration::from_millis(100);

/// How often `--json` reports a transfer.
const TRANSFER: Duration = Duration::from_secs(1);

/// Transfers that `--json` follows at a time.
const TRANSFERS: usize = 64;

/// The stage that no stage is: it tells the printing thread to end, after everything that was sent before.
const END: &str = "\0end";

/// The console of one run. Dropped without [`Console::finish`] it leaves the terminal clean and prints nothing more.
#[derive(Debug)]
pub struct Console {
    options: Options,
    streams: Streams,
    sender: Sender<Event>,
    thread: Option<JoinHandle<Printer>>,
}

impl Console {
    /// Starts to print on the process's own streams, without the secrets of its environment; stages get clones of the
    /// events' end. A panic is shown in the same way from now on, and ends the process.
    pub fn start(options: Options, env: &Env) -> (Self, Events) {
        let veil = Veil::over(env);
        bug::tell(options, veil.clone());
        Self::start_on(options, Streams::real(&veil))
    }

    /// Starts to print on given streams.
    pub fn start_on(options: Options, streams: Streams) -> (Self, Events) {
        let (sender, receiver) = channel();
        let printer = Printer::new(options, streams.clone());
        // A machine that has no thread left still gets the result; only the progress is missing.
        let thread = Builder::new().name("console".into()).spawn(move || printer.run(&receiver)).ok();
        let events = if thread.is_some() { Events::new(sender.clone()) } else { Events::silent() };
        (Self { options, streams, sender, thread }, events)
    }

    /// Prints everything that was sent, then the result or the failure, and gives the exit code: 0, or the failure's.
    /// Events that come later are dropped. A stdout whose reader has left is no failure; one that cannot be written for
    /// another reason is (`console.stdout`).
    pub fn finish(mut self, outcome: &Result<Product, Failure>) -> u8 {
        let printer = self.stop();
        let stopped = printer.is_none();
        let mut printer = printer.unwrap_or_else(|| Printer::new(self.options, self.streams.clone()));
        let mut exit = printer.end(outcome);
        if let Some(fault) = self.streams.stdout.take_fault() {
            let failure = Failure::from(ConsoleError::Stdout(fault));
            printer.stderr(&failure);
            exit = if exit == 0 { failure.kind.exit_code() } else { exit };
        }
        if stopped {
            let failure = Failure::from(ConsoleError::Stopped);
            printer.stderr(&failure);
            exit = if exit == 0 { failure.kind.exit_code() } else { exit };
        }
        exit
    }

    /// Ends the thread and takes back what it printed with; `None` when it died. A thread that never began is replaced
    /// in silence.
    fn stop(&mut self) -> Option<Printer> {
        match self.thread.take() {
            Some(thread) => {
                drop(self.sender.send(Event::Stages(vec![(END, 0)])));
                thread.join().ok()
            }
            None => Some(Printer::new(self.options, self.streams.clone())),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if self.thread.is_some()
            && let Some(mut printer) = self.stop()
        {
            printer.quiet_down();
        }
    }
}

/// What the thread prints with.
#[derive(Debug)]
enum Printer {
    Text(Box<Text>),
    Json(Json),
}

impl Printer {
    fn new(options: Options, streams: Streams) -> Self {
        match options.mode {
            Mode::Human | Mode::Plain(_) => Self::Text(Box::new(Text::new(options, streams))),
            Mode::Json => Self::Json(Json { options, streams, transfers: BTreeMap::new() }),
        }
    }

    fn run(mut self, receiver: &Receiver<Event>) -> Self {
        let mut ticked = Instant::now();
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Event::Stages(stages)) if stages == [(END, 0)] => return self,
                Err(RecvTimeoutError::Disconnected) => return self,
                Ok(event) => self.event(&event),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if ticked.elapsed() >= TICK {
                self.tick();
                ticked = Instant::now();
            }
        }
    }

    fn event(&mut self, event: &Event) {
        match self {
            Self::Text(text) => text.event(event),
            Self::Json(json) => json.event(event),
        }
    }

    fn tick(&mut self) {
        match self {
            Self::Text(text) => text.tick(),
            Self::Json(_) => {}
        }
    }

    fn quiet_down(&mut self) {
        match self {
            Self::Text(text) => text.quiet_down(),
            Self::Json(_) => {}
        }
    }

    fn end(&mut self, outcome: &Result<Product, Failure>) -> u8 {
        match (self, outcome) {
            (Self::Text(text), Ok(product)) => text.product(product),
            (Self::Text(text), Err(failure)) => text.failure(failure),
            (Self::Json(json), Ok(product)) => json.write(&json::result(product)),
            (Self::Json(json), Err(failure)) => json.write(&json::error(failure)),
        }
        outcome.as_ref().map_or_else(|failure| failure.kind.exit_code(), |_| 0)
    }

    /// Says on stderr what stdout cannot say.
    fn stderr(&mut self, failure: &Failure) {
        match self {
            Self::Text(text) => text.failure(failure),
            Self::Json(Json { options, streams, .. }) => {
                Text::new(Options { mode: Mode::Plain(Log::Lines), ..*options }, streams.clone()).failure(failure);
            }
        }
    }
}

/// Talks to programs.
#[derive(Debug)]
struct Json {
    options: Options,
    streams: Streams,
    transfers: BTreeMap<String, Instant>,
}

impl Json {
    fn event(&mut self, event: &Event) {
        let level = match event {
            Event::Warn { .. } | Event::Failed { .. } | Event::Report { .. } | Event::Document(_) => Verbosity::Quiet,
            Event::Check { outcome, .. } if *outcome != "passed" => Verbosity::Quiet,
            Event::Debug(_) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        if self.options.verbosity >= level && self.is_due(event) {
            json::event(event).iter().for_each(|value| self.write(value));
        }
    }

    /// A transfer is told at its begin, once a second, and at its end.
    fn is_due(&mut self, event: &Event) -> bool {
        let Event::Transfer { name, done, total } = event else { return true };
        if done >= total {
            self.transfers.remove(name);
            return true;
        }
        let followed = self.transfers.len();
        match self.transfers.get_mut(name) {
            Some(last) if last.elapsed() < TRANSFER => false,
            Some(last) => {
                *last = Instant::now();
                true
            }
            None if followed < TRANSFERS => {
                self.transfers.insert(name.clone(), Instant::now());
                true
            }
            None => false,
        }
    }

    fn write(&self, value: &serde_json::Value) {
        let charset = self.options.charset_of(self.options.devices.stdout);
        self.streams.stdout.write(&json::line(value, charset));
    }
}
