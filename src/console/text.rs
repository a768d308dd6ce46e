//! The conversation in lines on stderr, for a terminal with bars under them or for a log; the product on stdout.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::failure;
use super::json;
use super::log::{Sections, Severity, annotation, defuse};
use super::options::{Device, Log, Mode, Options, Verbosity};
use super::product::{Output, Product, Summary};
use super::progress::Progress;
use super::steps::{End, Lines, title};
use super::streams::Streams;
use super::style::{Paint, paint};
use crate::error::Failure;
use crate::event::Event;
use crate::host::clock;
use crate::sanitize::{Charset, ascii, sanitize, sanitize_line};
use crate::table::{Room, bytes, duration};

/// How often a log hears of work that goes on.
#[derive(Clone, Copy)]
struct Pace {
    /// A sign of life after that silence: CI systems end jobs that say nothing.
    silence: Duration,
    /// How far a transfer is.
    transfer: Duration,
}

const PACE: Pace = Pace { silence: Duration::from_secs(60), transfer: Duration::from_secs(10) };

/// Transfers that are followed at a time; one that never ends must not be remembered for ever.
const TRANSFERS: usize = 64;

/// Talks to people.
pub(super) struct Text {
    options: Options,
    streams: Streams,
    sections: Sections,
    progress: Option<Progress>,
    lines: Lines,
    running: Vec<(String, Instant)>,
    transfers: BTreeMap<String, Instant>,
    spoke: Instant,
    pace: Pace,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Text {
    pub(super) fn new(options: Options, streams: Streams) -> Self {
        let log = match options.mode {
            Mode::Plain(log) => log,
            Mode::Human | Mode::Json => Log::Lines,
        };
        let bars = options.mode == Mode::Human && options.verbosity > Verbosity::Quiet;
        Self {
            options,
            progress: bars.then(|| Progress::new(&streams, options.charset)),
            streams,
            sections: Sections::new(log, clock::now),
            lines: Lines { color: options.color },
            running: Vec::new(),
            transfers: BTreeMap::new(),
            spoke: Instant::now(),
            pace: PACE,
        }
    }

    /// Shows one event.
    pub(super) fn event(&mut self, event: &Event) {
        let loud = self.options.verbosity;
        match event {
            Event::Stages(stages) => self.stages(stages),
            Event::Started { step } => self.started(step),
            Event::Finished { step, cached, took, bytes } => {
                self.ended(step);
                let end = if *cached { End::Cached } else { End::Done(*took) };
                let line = self.lines.step(step, end, *bytes, self.room());
                self.say(Verbosity::Normal, &line);
            }
            Event::Failed { step } => {
                self.ended(step);
                let line = self.lines.step(step, End::Failed, 0, self.room());
                self.say(Verbosity::Quiet, &line);
            }
            Event::Stopped { step } => self.ended(step),
            Event::Info(text) => self.say(Verbosity::Normal, &format!("{}\n", sanitize(text).trim_end())),
            Event::Debug(text) if loud >= Verbosity::Verbose => {
                let text = paint(self.options.color, Paint::Dim, sanitize(text).trim_end());
                self.say(Verbosity::Verbose, &format!("{text}\n"));
            }
            Event::Debug(_) | Event::Report { .. } => {}
            Event::Document(text) => {
                let document = self.output(&Output::Text(text.clone()));
                self.streams.stdout.write(&document);
            }
            Event::Warn { code, text } => self.warn(code, text),
            Event::Check { name, outcome, why } => {
                let level = if *outcome == "passed" { Verbosity::Normal } else { Verbosity::Quiet };
                let line = self.lines.check(name, outcome, why);
                self.say(level, &line);
            }
            Event::Transfer { name, done, total } => self.transfer(name, *done, *total),
        }
    }

    /// Shows that time passes.
    pub(super) fn tick(&mut self) {
        if let Some(progress) = &self.progress {
            progress.tick();
        } else if self.spoke.elapsed() >= self.pace.silence {
            self.sign_of_life();
        }
    }

    /// Shows the result: the summary first, so that the product is the last thing somebody at a terminal reads.
    pub(super) fn product(&mut self, product: &Product) {
        self.quiet_down();
        for part in &product.summary {
            let text = match part {
                Summary::Note(note) => format!("{}\n", sanitize(note).trim_end()),
                Summary::Table(table) if table.is_empty() => continue,
                Summary::Table(table) => {
                    let text = table.render(self.room());
                    let (titles, rows) = text.split_once('\n').unwrap_or((&text, ""));
                    format!("{}\n{rows}", paint(self.options.color, Paint::Strong, titles))
                }
            };
            self.say(Verbosity::Normal, &text);
        }
        self.streams.stdout.write(&self.output(&product.output));
    }

    /// Shows a failure.
    pub(super) fn failure(&mut self, failure: &Failure) {
        self.quiet_down();
        let text = failure::render(failure, self.options.color, self.room());
        self.say(Verbosity::Quiet, &text);
        if self.options.mode == Mode::Plain(Log::GitHub) {
            let message = match &failure.hint {
                Some(hint) => format!("{}\nhint: {hint}", failure.message),
                None => failure.message.clone(),
            };
            let title = format!("error[{}]", failure.code);
            self.command(&annotation(Severity::Error, &title, &message, failure.place.as_ref()));
        }
    }

    /// Takes the bars away and closes the open group: what follows must not be folded away.
    pub(super) fn quiet_down(&mut self) {
        if let Some(mut progress) = self.progress.take() {
            progress.clear();
        }
        self.running.clear();
        let end = self.sections.close();
        self.command(&end);
    }

    fn stages(&mut self, stages: &[(&'static str, usize)]) {
        self.running.clear();
        self.transfers.clear();
        if self.options.verbosity == Verbosity::Quiet {
            return;
        }
        if let Some(progress) = &mut self.progress {
            progress.clear();
        }
        let title = title(stages);
        match self.options.mode {
            Mode::Plain(_) => {
                let names: Vec<_> = stages.iter().map(|(name, _)| *name).collect();
                let start = self.sections.open(&names.join("-"), &title);
                self.command(&start);
            }
            Mode::Human | Mode::Json => {
                let title = paint(self.options.color, Paint::Strong, &title);
                self.say(Verbosity::Normal, &format!("{title}\n"));
            }
        }
        if let Some(progress) = &mut self.progress {
            progress.stages(stages);
        }
    }

    fn started(&mut self, step: &str) {
        self.running.push((step.to_owned(), Instant::now()));
        match &mut self.progress {
            Some(progress) => progress.start(step),
            None => self.say(Verbosity::Verbose, &format!("  started   {}\n", sanitize_line(step))),
        }
    }

    fn ended(&mut self, step: &str) {
        self.running.retain(|(running, _)| running != step);
        if let Some(progress) = &mut self.progress {
            progress.end(step);
        }
    }

    fn warn(&mut self, code: &str, text: &str) {
        if self.options.mode == Mode::Plain(Log::GitHub) {
            return self.command(&annotation(Severity::Warning, &format!("warning[{code}]"), text, None));
        }
        let title = paint(self.options.color, Paint::Warning, &format!("warning[{}]", sanitize_line(code)));
        self.say(Verbosity::Quiet, &format!("{title}: {}\n", sanitize(text).trim_end().replace('\n', "\n  ")));
    }

    fn transfer(&mut self, name: &str, done: u64, total: u64) {
        if let Some(progress) = &mut self.progress {
            return progress.transfer(name, done, total);
        }
        if done >= total {
            self.transfers.remove(name);
            return;
        }
        let followed = self.transfers.len();
        match self.transfers.get_mut(name) {
            Some(last) if last.elapsed() >= self.pace.transfer => *last = Instant::now(),
            Some(_) => return,
            None => {
                if followed < TRANSFERS {
                    self.transfers.insert(name.to_owned(), Instant::now());
                }
                return;
            }
        }
        let line = format!("  {} of {}  {}\n", bytes(done), bytes(total), sanitize_line(name));
        self.say(Verbosity::Normal, &line);
    }

    fn sign_of_life(&mut self) {
        let Some((oldest, since)) = self.running.first() else { return };
        let others = match self.running.len() - 1 {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        let line = format!("  still at {} ({}){others}\n", sanitize_line(oldest), duration(since.elapsed()));
        self.say(Verbosity::Quiet, &line);
    }

    /// Writes lines that are safe for a terminal already.
    fn say(&mut self, level: Verbosity, text: &str) {
        if self.options.verbosity < level {
            return;
        }
        let text = self.for_log(text);
        let text = self.in_charset(&text, self.options.devices.stderr);
        match &self.progress {
            Some(progress) => progress.suspend(|| self.streams.stderr.write(&text)),
            None => self.streams.stderr.write(&text),
        }
        self.spoke = Instant::now();
    }

    /// Writes a command of ours to the log.
    fn command(&mut self, text: &str) {
        if !text.is_empty() {
            self.streams.stderr.write(text);
            self.spoke = Instant::now();
        }
    }

    fn for_log<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.options.mode == Mode::Plain(Log::GitHub) {
            Cow::Owned(text.split('\n').map(defuse).collect::<Vec<_>>().join("\n"))
        } else {
            Cow::Borrowed(text)
        }
    }

    fn in_charset<'a>(&self, text: &'a str, device: Device) -> Cow<'a, str> {
        match self.options.charset_of(device) {
            Charset::Ascii => ascii(text),
            Charset::Unicode => Cow::Borrowed(text),
        }
    }

    fn room(&self) -> Room {
        self.options.room((self.streams.columns)())
    }

    /// The product as bytes for stdout.
    fn output(&self, output: &Output) -> String {
        let device = self.options.devices.stdout;
        let exact = match (device, self.options.mode) {
            (Device::File, _) => true,
            // A CI runner reads stdout through a pipe too, and obeys what it finds there.
            (Device::Pipe, Mode::Plain(Log::GitHub | Log::GitLab)) | (Device::Terminal, _) => false,
            (Device::Pipe, _) => true,
        };
        let shown = |safe: &str| self.in_charset(&self.for_log(safe), device).into_owned();
        match output {
            Output::Nothing => String::new(),
            Output::Json(value) => json::document(value, self.options.charset_of(device)),
            Output::Lines(lines) if exact => {
                lines.iter().map(|line| line.replace('\n', "\\u{a}").replace('\r', "\\u{d}") + "\n").collect()
            }
            Output::Lines(lines) => lines.iter().map(|line| shown(&sanitize_line(line)) + "\n").collect(),
            Output::Text(text) => {
                let text = if exact { text.clone() } else { shown(&sanitize(text)) };
                let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                text + end
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::options::{Color, Devices, Width};
    use crate::console::tests::{Capture, fake_width};
    use crate::console::{Stream, Streams};

    fn log(pace: Pace) -> (Text, Capture) {
        let stderr = Capture::default();
        let streams =
            Streams { stdout: Stream::new(std::io::sink()), stderr: Stream::new(stderr.clone()), columns: fake_width };
        let options = Options {
            mode: Mode::Plain(Log::Lines),
            color: Color::Off,
            charset: Charset::Unicode,
            verbosity: Verbosity::Normal,
            width: Width::Unlimited,
            devices: Devices { stdout: Device::Pipe, stderr: Device::Pipe },
        };
        let mut text = Text::new(options, streams);
        text.pace = pace;
        (text, stderr)
    }

    #[test]
    fn a_silent_log_is_told_what_takes_so_long() {
        let (mut text, stderr) = log(Pace { silence: Duration::ZERO, ..PACE });
        text.tick();
        assert_eq!(stderr.text(), "", "nothing runs");
        text.event(&Event::Started { step: "build a\u{1b}".into() });
        text.event(&Event::Started { step: "build b".into() });
        text.tick();
        let said = stderr.text();
        assert!(said.starts_with("  still at build a\\u{1b} (") && said.ends_with("), and 1 more\n"), "{said}");
        text.pace = PACE;
        text.tick();
        assert_eq!(stderr.text().lines().count(), 1, "it has just spoken");
    }

    #[test]
    fn a_long_transfer_tells_how_far_it_is() {
        let at = |done| Event::Transfer { name: "go1.26".into(), done, total: 80_000_000 };
        let (mut text, stderr) = log(PACE);
        [at(1), at(2), at(80_000_000)].iter().for_each(|event| text.event(event));
        assert_eq!(stderr.text(), "", "a quick one says nothing");
        text.pace = Pace { transfer: Duration::ZERO, ..PACE };
        [at(1), at(40_000_000), at(80_000_000)].iter().for_each(|event| text.event(event));
        assert_eq!(stderr.text(), "  40.0 MB of 80.0 MB  go1.26\n");
    }

    #[test]
    fn transfers_that_never_end_are_not_remembered_for_ever() {
        let (mut text, _) = log(PACE);
        for n in 0..1000 {
            text.event(&Event::Transfer { name: n.to_string(), done: 1, total: 2 });
        }
        assert_eq!(text.transfers.len(), TRANSFERS);
    }
}
