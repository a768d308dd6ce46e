//! How to talk: decided once from the flags, the environment and what stdout and stderr are.

use std::io::IsTerminal;

use crate::host::env::Env;
use crate::host::files;
use crate::sanitize::Charset;
use crate::table::Room;

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Somebody at a terminal: lines and progress bars on stderr.
    Human,
    /// A log: lines on stderr.
    Plain(Log),
    /// A program: one JSON event a line on stdout, nothing on stderr.
    Json,
}

/// Which log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// A pipe, a file, an unknown CI system.
    Lines,
    /// GitHub Actions: groups and annotations by workflow commands.
    GitHub,
    /// GitLab CI: collapsible sections.
    GitLab,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings, what did not pass, the result.
    Quiet,
    /// Also stages, steps and notes.
    #[default]
    Normal,
    /// Also what helps to find a mistake.
    Verbose,
}

/// Whether escape sequences colour the text. Nothing is said by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// No escape sequences.
    Off,
    /// SGR sequences.
    On,
}

/// What a standard stream is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// A terminal.
    Terminal,
    /// A regular file.
    File,
    /// A pipe, a socket, a device.
    Pipe,
}

/// Both output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Devices {
    /// Standard output.
    pub stdout: Device,
    /// Standard error.
    pub stderr: Device,
}

/// How wide lines may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As wide as the terminal is at that moment.
    Terminal,
    /// That many columns.
    Columns(usize),
    /// As wide as they like.
    Unlimited,
}

/// A user's choice of colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// As the environment says.
    #[default]
    Auto,
    /// `--color always`.
    Always,
    /// `--color never`.
    Never,
}

/// A user's choice of form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Lines, even on a terminal.
    Plain,
    /// `--json`.
    Json,
}

/// What the command line says about output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The form.
    pub format: Format,
    /// The colour.
    pub color: ColorChoice,
    /// The amount.
    pub verbosity: Verbosity,
}

/// How the console talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For whom.
    pub mode: Mode,
    /// With colour or without.
    pub color: Color,
    /// In which characters.
    pub charset: Charset,
    /// How much.
    pub verbosity: Verbosity,
    /// How wide.
    pub width: Width,
    /// Where it goes: a product for a terminal or a CI log is made safe, one for a file or a program is exact; a terminal
    /// that is not in UTF-8 gets ASCII alone.
    pub devices: Devices,
}

impl Options {
    /// Decides for this process.
    pub fn detect(env: &Env, flags: Flags) -> Self {
        let devices = Devices { stdout: stdout_device(), stderr: stderr_device() };
        Self::decide(env, flags, devices)
    }

    /// Decides from the environment: `CI`, `GITHUB_ACTIONS`, `GITLAB_CI`, `TERM=dumb`, `NO_COLOR` (no-color.org),
    /// `CLICOLOR_FORCE` (bixense.com/clicolors), `COLUMNS`, and `LC_ALL`, `LC_CTYPE`, `LANG` in the order of POSIX.
    pub fn decide(env: &Env, flags: Flags, devices: Devices) -> Self {
        let mode = mode(env, flags.format, devices.stderr);
        let columns = env.var("COLUMNS").and_then(|text| text.parse().ok()).filter(|n| (20..=1000).contains(n));
        let width = match (columns, mode) {
            (Some(columns), _) => Width::Columns(columns),
            (None, Mode::Human) => Width::Terminal,
            (None, _) => Width::Unlimited,
        };
        let color = color(env, flags.color, mode);
        Self { mode, color, charset: charset(env), verbosity: flags.verbosity, width, devices }
    }

    /// What a device shows without harm.
    pub(super) fn charset_of(&self, device: Device) -> Charset {
        if device == Device::Terminal { self.charset } else { Charset::Unicode }
    }

    pub(super) fn room(&self, terminal: usize) -> Room {
        let width = match self.width {
            Width::Terminal => Some(terminal),
            Width::Columns(columns) => Some(columns),
            Width::Unlimited => None,
        };
        Room { width, charset: self.charset }
    }
}

fn mode(env: &Env, format: Format, stderr: Device) -> Mode {
    let on = |name: &str| env.var(name).is_some_and(|value| !matches!(value, "false" | "0"));
    let log = match () {
        () if on("GITHUB_ACTIONS") => Log::GitHub,
        () if on("GITLAB_CI") => Log::GitLab,
        () => Log::Lines,
    };
    let terminal = stderr == Device::Terminal && log == Log::Lines && !on("CI") && env.var("TERM") != Some("dumb");
    match format {
        Format::Json => Mode::Json,
        Format::Auto if terminal => Mode::Human,
        Format::Auto | Format::Plain => Mode::Plain(log),
    }
}

fn color(env: &Env, choice: ColorChoice, mode: Mode) -> Color {
    match choice {
        _ if mode == Mode::Json => Color::Off,
        ColorChoice::Always => Color::On,
        ColorChoice::Never => Color::Off,
        ColorChoice::Auto if env.var("NO_COLOR").is_some() => Color::Off,
        ColorChoice::Auto if env.var("CLICOLOR_FORCE").is_some_and(|value| value != "0") => Color::On,
        ColorChoice::Auto if mode == Mode::Human => Color::On,
        ColorChoice::Auto => Color::Off,
    }
}

fn charset(env: &Env) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.var(name)).unwrap_or("");
    let locale = locale.to_ascii_lowercase();
    // Windows has no locale variables; its console takes UTF-16 from the standard library.
    if cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8") { Charset::Unicode } else { Charset::Ascii }
}

fn stdout_device() -> Device {
    let stdout = std::io::stdout();
    if stdout.is_terminal() {
        return Device::Terminal;
    }
    #[cfg(unix)]
    if files::is_regular(&stdout) {
        return Device::File;
    }
    Device::Pipe
}

fn stderr_device() -> Device {
    let stderr = std::io::stderr();
    if stderr.is_terminal() {
        return Device::Terminal;
    }
    #[cfg(unix)]
    if files::is_regular(&stderr) {
        return Device::File;
    }
    Device::Pipe
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Devices = Devices { stdout: Device::Terminal, stderr: Device::Terminal };
    const PIPES: Devices = Devices { stdout: Device::Pipe, stderr: Device::Pipe };

    fn decide(vars: &[(&str, &str)], flags: Flags, devices: Devices) -> Options {
        Options::decide(&Env::of("/".into(), vars.iter().copied()), flags, devices)
    }

    #[test]
    fn a_terminal_gets_bars_and_a_log_gets_lines() {
        let auto = Flags::default();
        assert_eq!(decide(&[], auto, TERMINAL).mode, Mode::Human);
        assert_eq!(decide(&[], auto, PIPES).mode, Mode::Plain(Log::Lines));
        assert_eq!(decide(&[("TERM", "dumb")], auto, TERMINAL).mode, Mode::Plain(Log::Lines));
        assert_eq!(decide(&[("CI", "true")], auto, TERMINAL).mode, Mode::Plain(Log::Lines));
        assert_eq!(decide(&[("CI", "false")], auto, TERMINAL).mode, Mode::Human);
        assert_eq!(decide(&[("GITHUB_ACTIONS", "true")], auto, PIPES).mode, Mode::Plain(Log::GitHub));
        assert_eq!(decide(&[("GITLAB_CI", "true")], auto, PIPES).mode, Mode::Plain(Log::GitLab));
        assert_eq!(decide(&[], Flags { format: Format::Plain, ..auto }, TERMINAL).mode, Mode::Plain(Log::Lines));
        let json = Flags { format: Format::Json, color: ColorChoice::Always, ..auto };
        let options = decide(&[("GITHUB_ACTIONS", "true")], json, PIPES);
        assert_eq!((options.mode, options.color), (Mode::Json, Color::Off));
    }

    #[test]
    fn colour_is_asked_for_or_seen_by_somebody() {
        let color = |vars: &[(&str, &str)], choice, devices| {
            decide(vars, Flags { color: choice, ..Flags::default() }, devices).color
        };
        let auto = ColorChoice::Auto;
        assert_eq!(color(&[], auto, TERMINAL), Color::On);
        assert_eq!(color(&[], auto, PIPES), Color::Off);
        assert_eq!(color(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], auto, TERMINAL), Color::Off);
        assert_eq!(color(&[("NO_COLOR", "")], auto, TERMINAL), Color::On);
        assert_eq!(color(&[("CLICOLOR_FORCE", "1")], auto, PIPES), Color::On);
        assert_eq!(color(&[("CLICOLOR_FORCE", "0")], auto, PIPES), Color::Off);
        assert_eq!(color(&[("TERM", "dumb")], auto, TERMINAL), Color::Off);
        assert_eq!(color(&[("NO_COLOR", "1")], ColorChoice::Always, PIPES), Color::On);
        assert_eq!(color(&[], ColorChoice::Never, TERMINAL), Color::Off);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let charset = |vars: &[(&str, &str)]| decide(vars, Flags::default(), TERMINAL).charset;
        assert_eq!(charset(&[("LANG", "de_DE.UTF-8")]), Charset::Unicode);
        assert_eq!(charset(&[("LANG", "C.utf8")]), Charset::Unicode);
        if cfg!(unix) {
            assert_eq!(charset(&[]), Charset::Ascii);
            assert_eq!(charset(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]), Charset::Ascii);
        }
    }

    #[test]
    fn absurd_widths_do_not_count() {
        let width = |columns, devices| decide(&[("COLUMNS", columns)], Flags::default(), devices).width;
        assert_eq!(width("100", PIPES), Width::Columns(100));
        assert_eq!(width("0", TERMINAL), Width::Terminal);
        assert_eq!(width("99999999999999999999", PIPES), Width::Unlimited);
        assert_eq!(width("-5", PIPES), Width::Unlimited);
    }
}
