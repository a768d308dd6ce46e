//! Bars on a terminal: one for each running step or transfer, eight at most, and one for all steps together.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::streams::Streams;
use crate::sanitize::{Charset, ascii, sanitize_line};
use crate::table::{duration, truncate};

/// More bars flicker, and nobody reads them.
const SHOWN: usize = 8;

/// What stands beside the words of the bar of all steps: margin, bar, gaps, a `/`, and room for `^C`.
const BESIDE: usize = 2 + 24 + 1 + 1 + 2 + 2;

/// The bars under the lines.
pub(super) struct Progress {
    bars: MultiProgress,
    columns: fn() -> usize,
    charset: Charset,
    shown: Vec<(String, ProgressBar)>,
    waiting: VecDeque<String>,
    total: Option<Total>,
}

/// The bar of all steps of the stages that work side by side.
struct Total {
    /// The stages, and how many steps of each are left.
    left: Vec<(&'static str, usize)>,
    bar: ProgressBar,
}

impl Progress {
    /// Draws on the terminal behind stderr.
    pub(super) fn new(streams: &Streams, charset: Charset) -> Self {
        let screen = Screen { streams: streams.clone(), drawing: Mutex::default() };
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(screen)));
        Self { bars, columns: streams.columns, charset, shown: Vec::new(), waiting: VecDeque::new(), total: None }
    }

    /// Begins stages; without a number of steps they have no bar.
    pub(super) fn stages(&mut self, stages: &[(&'static str, usize)]) {
        self.clear();
        let steps: usize = stages.iter().map(|(_, steps)| steps).sum();
        if steps > 0 {
            let bar = self.bars.add(ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden()));
            bar.set_style(self.style("  {bar:24} {pos}/{len}  {msg}"));
            self.total = Some(Total { left: stages.to_vec(), bar });
        }
    }

    /// Shows a step, or lets it wait for a place.
    pub(super) fn start(&mut self, step: &str) {
        if self.shown.len() < SHOWN {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            bar.set_style(self.style("  {spinner} {wide_msg} {elapsed:>6}"));
            self.show(step, bar);
        } else {
            self.waiting.push_back(step.to_owned());
        }
        self.count();
    }

    /// Takes a step away and gives its place to the one that waits longest.
    pub(super) fn end(&mut self, step: &str) {
        self.hide(step);
        self.waiting.retain(|waiting| waiting != step);
        if let Some(total) = &mut self.total {
            total.end(step);
        }
        if self.shown.len() < SHOWN
            && let Some(next) = self.waiting.pop_front()
        {
            self.start(&next);
        }
        self.count();
    }

    /// Moves a transfer's bar; one that finds no place is not shown.
    pub(super) fn transfer(&mut self, name: &str, done: u64, total: u64) {
        let known = self.shown.iter().find(|(shown, _)| shown == name).map(|(_, bar)| bar.clone());
        match known {
            _ if done >= total => self.hide(name),
            Some(bar) if bar.length() == Some(total) => bar.set_position(done),
            Some(_) => self.hide(name),
            None if self.shown.len() < SHOWN => {
                let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
                bar.set_style(self.style("  {bar:10} {wide_msg} {decimal_bytes} of {decimal_total_bytes} {eta:>5}"));
                self.show(name, bar);
            }
            None => {}
        }
    }

    /// Draws what time alone changes.
    pub(super) fn tick(&self) {
        self.shown.iter().for_each(|(_, bar)| bar.tick());
        if let Some(total) = &self.total {
            total.bar.tick();
        }
    }

    /// Writes while the bars are away.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        self.bars.suspend(write);
    }

    /// Takes every bar away and leaves the cursor at the start of an empty line.
    pub(super) fn clear(&mut self) {
        for (_, bar) in self.shown.drain(..) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        if let Some(Total { bar, .. }) = self.total.take() {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        self.waiting.clear();
        // Drawing on our screen cannot fail: a terminal that is gone is for the stream to notice.
        drop(self.bars.clear());
    }

    fn show(&mut self, name: &str, bar: ProgressBar) {
        // Above the bar of all steps, which stays the last line.
        let bar = match &self.total {
            Some(total) => self.bars.insert_before(&total.bar, bar),
            None => self.bars.add(bar),
        };
        let safe = sanitize_line(name);
        bar.set_message(match self.charset {
            Charset::Ascii => ascii(&safe).into_owned(),
            Charset::Unicode => safe.into_owned(),
        });
        self.shown.push((name.to_owned(), bar));
    }

    fn hide(&mut self, name: &str) {
        if let Some(at) = self.shown.iter().position(|(shown, _)| shown == name) {
            let (_, bar) = self.shown.remove(at);
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    /// What the bar of all steps says: when they will be done, how many run unseen, and which stages are not done. The
    /// names come last: where the terminal is narrow, they are what can be missed.
    fn count(&self) {
        let Some(Total { left, bar }) = &self.total else { return };
        let mut message = Vec::new();
        if bar.position() > 0 && bar.length().is_some_and(|length| bar.position() < length) {
            message.push(format!("about {} left", whole(bar.eta())));
        }
        if !self.waiting.is_empty() {
            message.push(format!("{} more running", self.waiting.len()));
        }
        let names: Vec<&str> = left.iter().filter(|(_, steps)| *steps > 0).map(|(name, _)| *name).collect();
        let colon = if message.is_empty() || names.is_empty() { "" } else { ": " };
        let text = format!("{}{colon}{}", message.join(", "), names.join(", "));
        // Never to the edge: a terminal shows `^C` behind the last line, and a line that wraps is not taken away.
        let digits = bar.length().unwrap_or_default().to_string().len();
        let room = (self.columns)().saturating_sub(BESIDE + 2 * digits);
        bar.set_message(truncate(&text, room, self.charset).into_owned());
    }

    fn style(&self, template: &str) -> ProgressStyle {
        // The templates are constants of this file and each is drawn in a test.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        match self.charset {
            Charset::Ascii => style.progress_chars("=> ").tick_chars("|/-\\ "),
            Charset::Unicode => style.progress_chars("━╸ ").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "),
        }
    }
}

impl Total {
    /// Counts a step of a stage, which its first word names; others (what a step does on its way) are no steps of these.
    fn end(&mut self, step: &str) {
        let word = step.split(' ').next().unwrap_or_default();
        if let Some((_, left)) = self.left.iter_mut().find(|(name, left)| *name == word && *left > 0) {
            *left -= 1;
            self.bar.inc(1);
        }
    }
}

/// An estimate in whole seconds: tenths would pretend.
fn whole(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..60 => format!("{}s", s.max(1)),
        _ => duration(time),
    }
}

/// A terminal for the bars that writes through the console's one stream: what goes wrong there is the stream's to keep,
/// so drawing never fails and never panics. One drawing is one write, which keeps it from flickering.
struct Screen {
    streams: Streams,
    drawing: Mutex<String>,
}

impl Screen {
    fn draw(&self, text: &str) -> io::Result<()> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    /// Moves the cursor by a CSI sequence (ECMA-48 §8.3.19–22). A count of 0 would mean 1 to a terminal.
    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.draw(&format!("\u{1b}[{n}{direction}")) }
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Screen")
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from((self.streams.columns)()).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(text)?;
        self.draw("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.drawing.lock().unwrap_or_else(PoisonError::into_inner));
        if !text.is_empty() {
            self.streams.stderr.write(&text);
        }
        Ok(())
    }
}
