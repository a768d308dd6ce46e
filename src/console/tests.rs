use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::error::{Kind, Place};
use crate::sanitize::Charset;
use crate::table::{Column, Table};

#[derive(Clone, Default)]
pub(super) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("capture").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Capture {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("capture").clone()).expect("UTF-8")
    }
}

pub(super) fn fake_width() -> usize {
    60
}

fn options(mode: Mode) -> Options {
    Options {
        mode,
        color: Color::Off,
        charset: Charset::Unicode,
        verbosity: Verbosity::Normal,
        width: if mode == Mode::Human { Width::Terminal } else { Width::Unlimited },
        devices: Devices {
            stdout: Device::Pipe,
            stderr: if mode == Mode::Human { Device::Terminal } else { Device::Pipe },
        },
    }
}

/// Sends events, finishes, and gives stdout, stderr and the exit code.
fn run(options: Options, events: &[Event], outcome: &Result<Product, Failure>) -> (String, String, u8) {
    let (stdout, stderr) = (Capture::default(), Capture::default());
    let streams =
        Streams { stdout: Stream::new(stdout.clone()), stderr: Stream::new(stderr.clone()), columns: fake_width };
    let (console, sender) = Console::start_on(options, streams);
    events.iter().for_each(|event| sender.send(event.clone()));
    let exit = console.finish(outcome);
    (stdout.text(), stderr.text(), exit)
}

fn release() -> Vec<Event> {
    let (one, two) = ("build nats-server linux/amd64".to_owned(), "build nats-server linux/386".to_owned());
    vec![
        Event::Stages(vec![("build", 2)]),
        Event::Started { step: one.clone() },
        Event::Started { step: two.clone() },
        Event::Debug("go build".into()),
        Event::Finished { step: one, cached: false, took: Duration::from_millis(4200), bytes: 6_100_000 },
        Event::Warn { code: "build.no-licence", text: "no LICENSE\n::error::fake\u{1b}[2J".into() },
        Event::Finished { step: two, cached: true, took: Duration::ZERO, bytes: 5_900_000 },
        Event::Stages(vec![("verify", 0)]),
        Event::Check { name: "signature".into(), outcome: "passed", why: String::new() },
        Event::Info("::add-mask::x ##[error]y".into()),
    ]
}

fn product() -> Product {
    let mut table = Table::new([Column::text("target"), Column::number("size")]);
    table.push(["linux/amd64", "6.1 MB"]);
    Product::lines(["dist/a.tar.gz"]).with_note("released 1.2.3").with_table(table)
}

fn failure() -> Failure {
    Failure {
        code: "config.unknown-key",
        kind: Kind::Config,
        message: "unknown key `tragets`".into(),
        causes: vec!["a cause".into()],
        hint: Some("did you mean `targets`?".into()),
        place: Some(Place::of("sealift.toml", "tragets = 1\n", 0..7)),
        detail: Some("::warning::from a tool".into()),
    }
}

#[test]
fn a_plain_log_is_lines() {
    let (stdout, stderr, exit) = run(options(Mode::Plain(Log::Lines)), &release(), &Ok(product()));
    assert_eq!((stdout.as_str(), exit), ("dist/a.tar.gz\n", 0));
    assert_eq!(
        stderr,
        "build (2 steps)
  built       6.1 MB     4.2s  nats-server linux/amd64
warning[build.no-licence]: no LICENSE\n  ::error::fake\\u{1b}[2J
  built       5.9 MB   cached  nats-server linux/386
verify
  passed    signature
::add-mask::x ##[error]y
released 1.2.3
target         size
linux/amd64  6.1 MB
"
    );
}

#[test]
fn a_github_log_has_groups_and_obeys_nothing_from_outside() {
    let (_, stderr, exit) = run(options(Mode::Plain(Log::GitHub)), &release(), &Err(failure()));
    assert_eq!(exit, 3);
    assert_eq!(
        stderr,
        "::group::build (2 steps)
  built       6.1 MB     4.2s  nats-server linux/amd64
::warning title=warning[build.no-licence]::no LICENSE%0A::error::fake\\u{1b}[2J
  built       5.9 MB   cached  nats-server linux/386
::endgroup::
::group::verify
  passed    signature
\\u{3a}:add-mask::x #\\u{23}[error]y
::endgroup::
error[config.unknown-key]: unknown key `tragets`
 --> sealift.toml:1:1
  |
1 | tragets = 1
  | ^^^^^^^
    \\u{3a}:warning::from a tool
caused by: a cause
hint: did you mean `targets`?
::error file=sealift.toml,line=1,col=1,endColumn=8,title=error[config.unknown-key]::unknown key `tragets`%0Ahint: did you mean `targets`?
"
    );
}

#[test]
fn a_gitlab_log_has_sections_that_close() {
    let (_, stderr, _) = run(options(Mode::Plain(Log::GitLab)), &release(), &Ok(product()));
    assert_eq!(stderr.matches("section_start:").count(), 2);
    assert_eq!(stderr.matches("section_end:").count(), 2);
    let end = stderr.find("sealift_verify_2\r\u{1b}[0K\nreleased").expect("the section ends before the summary");
    assert!(stderr[..end].contains("section_end:"));
}

#[test]
fn json_is_one_event_a_line_and_ends_with_the_result() {
    let (stdout, stderr, _) = run(options(Mode::Json), &release(), &Ok(product()));
    assert_eq!(stderr, "");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0], json!({"type": "stage", "name": "build", "steps": 2}));
    assert_eq!(
        lines[3],
        json!({
            "type": "finished", "step": "build nats-server linux/amd64",
            "cached": false, "took_ms": 4200, "bytes": 6_100_000,
        })
    );
    assert!(lines.iter().all(|line| line["type"] != "debug"));
    assert_eq!(lines.last(), Some(&json!({"type": "result", "exit": 0, "product": ["dist/a.tar.gz"]})));
}

#[test]
fn json_ends_with_the_error() {
    let (stdout, _, exit) = run(options(Mode::Json), &[], &Err(failure()));
    assert_eq!(exit, 3);
    assert_eq!(
        serde_json::from_str::<Value>(&stdout).expect("JSON"),
        json!({
            "type": "error", "code": "config.unknown-key", "kind": "config", "exit": 3,
            "message": "unknown key `tragets`", "causes": ["a cause"], "hint": "did you mean `targets`?",
            "place": {"file": "sealift.toml", "line": 1, "column": 1, "text": "tragets = 1", "length": 7},
            "detail": "::warning::from a tool",
        })
    );
}

#[test]
fn json_transfers_are_told_at_both_ends() {
    let at = |done| Event::Transfer { name: "go".into(), done, total: 100 };
    let (stdout, _, _) = run(options(Mode::Json), &[at(1), at(2), at(3), at(100)], &Ok(Product::nothing()));
    let told: Vec<u64> = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter_map(|line| line["done"].as_u64())
        .collect();
    assert_eq!(told, [1, 100]);
}

#[test]
fn quiet_says_what_did_not_pass() {
    let quiet = Options { verbosity: Verbosity::Quiet, ..options(Mode::Plain(Log::Lines)) };
    let mut events = release();
    events.push(Event::Check { name: "expiry".into(), outcome: "not run", why: "no clock".into() });
    let (stdout, stderr, _) = run(quiet, &events, &Ok(product()));
    assert_eq!(stdout, "dist/a.tar.gz\n");
    assert_eq!(
        stderr,
        "warning[build.no-licence]: no LICENSE\n  ::error::fake\\u{1b}[2J\n  not run   expiry: no clock\n"
    );
}

#[test]
fn verbose_says_more() {
    let verbose = Options { verbosity: Verbosity::Verbose, ..options(Mode::Plain(Log::Lines)) };
    let (_, stderr, _) = run(verbose, &release(), &Ok(product()));
    assert!(stderr.contains("  started   build nats-server linux/386\ngo build\n"), "{stderr}");
}

#[test]
fn a_terminal_is_clean_after_bars() {
    let (stdout, stderr, _) = run(options(Mode::Human), &release(), &Ok(product()));
    assert_eq!(stdout, "dist/a.tar.gz\n");
    let screen = Screen::show(&stderr, fake_width());
    assert_eq!(
        screen,
        "build (2 steps)
  built       6.1 MB     4.2s  nats-server linux/amd64
warning[build.no-licence]: no LICENSE\n  ::error::fake\\u{1b}[2J
  built       5.9 MB   cached  nats-server linux/386
verify
  passed    signature
::add-mask::x ##[error]y
released 1.2.3
target         size
linux/amd64  6.1 MB"
    );
}

#[test]
fn bars_are_eight_and_one_and_fit_the_terminal() {
    let stderr = Capture::default();
    let streams = Streams { stdout: Stream::new(io::sink()), stderr: Stream::new(stderr.clone()), columns: fake_width };
    let mut text = Text::new(options(Mode::Human), streams);
    text.event(&Event::Stages(vec![("build", 30)]));
    for n in 0..11 {
        text.event(&Event::Started { step: format!("build {n} {}\u{1b}[2J", "long".repeat(30)) });
    }
    // The bars draw at most twenty times a second.
    std::thread::sleep(Duration::from_millis(120));
    text.tick();
    text.event(&Event::Info("hello".into()));
    let screen = Screen::show(&stderr.text(), fake_width());
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines.len(), 2 + 8 + 1, "{screen}");
    assert_eq!(lines[..2], ["build (30 steps)", "hello"]);
    assert!(lines[2].contains("build 0 long") && lines[9].contains("build 7 long"), "{screen}");
    assert!(lines[10].contains("0/30  3 more running: build"), "{screen}");
    text.event(&Event::Failed { step: format!("build 0 {}\u{1b}[2J", "long".repeat(30)) });
    text.event(&Event::Transfer { name: "go1.26".into(), done: 1, total: 10 });
    text.quiet_down();
    let screen = Screen::show(&stderr.text(), fake_width());
    assert!(screen.ends_with("\\u{1b}[2J"), "{screen}");
    assert!(screen.lines().nth(2).is_some_and(|line| line.starts_with("  failed    build 0 long")), "{screen}");
}

#[test]
fn every_bar_draws_what_it_should() {
    for charset in [Charset::Ascii, Charset::Unicode] {
        let stderr = Capture::default();
        let streams =
            Streams { stdout: Stream::new(io::sink()), stderr: Stream::new(stderr.clone()), columns: fake_width };
        let mut text = Text::new(Options { charset, ..options(Mode::Human) }, streams);
        text.event(&Event::Stages(vec![("build", 4)]));
        text.event(&Event::Started { step: "build µ".into() });
        text.event(&Event::Started { step: "build b".into() });
        text.event(&Event::Finished { step: "build b".into(), cached: true, took: Duration::ZERO, bytes: 1 });
        text.event(&Event::Transfer { name: "go1.26".into(), done: 0, total: 50_000_000 });
        text.event(&Event::Transfer { name: "go1.26".into(), done: 25_000_000, total: 50_000_000 });
        std::thread::sleep(Duration::from_millis(120));
        text.tick();
        text.event(&Event::Info("drawn".into()));
        let screen = Screen::show(&stderr.text(), fake_width());
        assert!(screen.contains(" go1.26 ") && screen.contains("25.00 MB of 50.00 MB"), "{screen}");
        assert!(screen.contains("1/4  about "), "{screen}");
        assert_eq!(screen.is_ascii(), charset == Charset::Ascii, "{screen}");
    }
}

/// Stages that overlap have one bar: a step counts for the stage that its first word names, and those that are not done
/// are named.
#[test]
fn one_bar_counts_the_stages_that_overlap() {
    let stderr = Capture::default();
    let streams = Streams { stdout: Stream::new(io::sink()), stderr: Stream::new(stderr.clone()), columns: fake_width };
    let mut text = Text::new(options(Mode::Human), streams);
    let finished = |step: &str| Event::Finished { step: step.into(), cached: true, took: Duration::ZERO, bytes: 1 };
    text.event(&Event::Stages(vec![("build", 1), ("package", 2)]));
    for step in ["build a", "package a", "other a"] {
        text.event(&Event::Started { step: step.into() });
        text.event(&finished(step));
    }
    std::thread::sleep(Duration::from_millis(120));
    text.tick();
    text.event(&Event::Info("drawn".into()));
    let screen = Screen::show(&stderr.text(), fake_width());
    assert_eq!(screen.lines().next(), Some("build 1, package 2 (3 steps)"));
    let bar = screen.lines().last().unwrap_or_default();
    assert!(bar.contains("2/3  about ") && bar.ends_with("left: package"), "{screen}");
    text.event(&finished("package b"));
    text.quiet_down();
}

#[test]
fn a_product_is_exact_for_programs_and_safe_for_terminals_and_runners() {
    let text = Ok(Product::text("a\u{1b}[2J\r\n::error::b"));
    let to = |mode, stdout| Options { devices: Devices { stdout, stderr: Device::Pipe }, ..options(mode) };
    let stdout = |mode, stdout| run(to(mode, stdout), &[], &text).0;
    let exact = "a\u{1b}[2J\r\n::error::b\n";
    assert_eq!(stdout(Mode::Plain(Log::Lines), Device::Pipe), exact);
    assert_eq!(stdout(Mode::Human, Device::Pipe), exact);
    assert_eq!(stdout(Mode::Plain(Log::GitHub), Device::File), exact);
    assert_eq!(stdout(Mode::Plain(Log::GitHub), Device::Pipe), "a\\u{1b}[2J\n\\u{3a}:error::b\n");
    assert_eq!(stdout(Mode::Human, Device::Terminal), "a\\u{1b}[2J\n::error::b\n");
    let lines = Ok(Product::lines(["a\nb", "c\u{202e}"]));
    let stdout = |device| run(to(Mode::Human, device), &[], &lines).0;
    assert_eq!(stdout(Device::Pipe), "a\\u{a}b\nc\u{202e}\n");
    assert_eq!(stdout(Device::Terminal), "a\\u{a}b\nc\\u{202e}\n");
    let json = Ok(Product::json(json!({"a": "\u{202e}"})));
    assert_eq!(run(options(Mode::Human), &[], &json).0, "{\n  \"a\": \"\\u202e\"\n}\n");
    let old = Options { charset: Charset::Ascii, ..to(Mode::Human, Device::Terminal) };
    assert_eq!(run(old, &[], &Ok(Product::lines(["\u{6db}"]))).0, "\\u{6db}\n");
    assert_eq!(run(old, &[], &Ok(Product::json(json!("\u{6db}")))).0, "\"\\u06db\"\n");
}

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_left_ends_quietly_and_a_full_disk_does_not() {
    for mode in [Mode::Human, Mode::Plain(Log::Lines), Mode::Json] {
        let run = |kind| {
            let stderr = Capture::default();
            let stdout = Stream::new(Broken(kind));
            let streams = Streams { stdout, stderr: Stream::new(stderr.clone()), columns: fake_width };
            let (console, events) = Console::start_on(options(mode), streams);
            events.info("hello");
            (console.finish(&Ok(Product::lines(["x"]))), stderr.text())
        };
        let (exit, stderr) = run(io::ErrorKind::BrokenPipe);
        assert_eq!(exit, 0);
        assert!(!stderr.contains("error"), "{stderr}");
        let (exit, stderr) = run(io::ErrorKind::StorageFull);
        assert_eq!(exit, Kind::Tool.exit_code());
        assert!(stderr.contains("error[console.stdout]: cannot write the result to stdout\ncaused by: "), "{stderr}");
    }
}

#[test]
fn a_terminal_that_is_gone_stops_nothing() {
    let streams = Streams {
        stdout: Stream::new(io::sink()),
        stderr: Stream::new(Broken(io::ErrorKind::Other)),
        columns: fake_width,
    };
    let (console, events) = Console::start_on(options(Mode::Human), streams);
    release().into_iter().for_each(|event| events.send(event));
    assert_eq!(console.finish(&Ok(product())), 0);
}

#[test]
fn finishing_waits_for_no_stage_and_leaves_no_thread() {
    let (stdout, stderr) = (Capture::default(), Capture::default());
    let streams =
        Streams { stdout: Stream::new(stdout.clone()), stderr: Stream::new(stderr.clone()), columns: fake_width };
    let (console, events) = Console::start_on(options(Mode::Plain(Log::Lines)), streams.clone());
    events.info("before");
    assert_eq!(console.finish(&Ok(Product::nothing())), 0);
    // The sender is still alive; nobody listens any more.
    events.info("after");
    assert_eq!(stderr.text(), "before\n");
    let (console, events) = Console::start_on(options(Mode::Plain(Log::GitHub)), streams);
    events.send(Event::Stages(vec![("build", 0)]));
    drop(console);
    assert_eq!(stderr.text(), "before\n::group::build\n::endgroup::\n");
    // The captures' other owners, the thread among them, are gone.
    assert_eq!(Arc::strong_count(&stdout.0), 1);
}

#[test]
fn a_console_without_its_thread_still_tells_the_result() {
    let finish = |thread| {
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let streams =
            Streams { stdout: Stream::new(stdout.clone()), stderr: Stream::new(stderr.clone()), columns: fake_width };
        let options = options(Mode::Plain(Log::Lines));
        let console = Console { options, streams, sender: channel().0, thread };
        (console.finish(&Ok(Product::lines(["x"]))), stdout.text(), stderr.text())
    };
    assert_eq!(finish(None), (0, "x\n".into(), String::new()));
    let dead = std::thread::spawn(|| -> Printer { std::panic::resume_unwind(Box::new("dead")) });
    let (exit, stdout, stderr) = finish(Some(dead));
    assert_eq!((exit, stdout.as_str()), (Kind::Bug.exit_code(), "x\n"));
    assert!(stderr.starts_with("error[console.stopped]: "), "{stderr}");
}

/// What a terminal shows after some output: enough of ECMA-48 for the bars, and a panic for anything else.
struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    width: usize,
}

impl Screen {
    fn show(output: &str, width: usize) -> String {
        let mut screen = Self { lines: vec![Vec::new()], row: 0, column: 0, width };
        let mut rest = output.chars();
        while let Some(c) = rest.next() {
            match c {
                '\n' => screen.down(1),
                '\r' => screen.column = 0,
                '\u{1b}' => screen.command(&mut rest),
                c => screen.put(c),
            }
        }
        let lines = screen.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    fn command(&mut self, rest: &mut std::str::Chars<'_>) {
        assert_eq!(rest.next(), Some('['));
        let digits: String = rest.clone().take_while(char::is_ascii_digit).collect();
        let n = digits.parse().unwrap_or(1);
        match rest.nth(digits.len()) {
            Some('A') => self.row = self.row.checked_sub(n).expect("above the screen"),
            Some('B') => self.down(n),
            Some('K') if digits == "2" => self.lines[self.row].clear(),
            other => panic!("unknown command {other:?}"),
        }
    }

    fn down(&mut self, n: usize) {
        self.row += n;
        self.column = 0;
        self.lines.resize(self.lines.len().max(self.row + 1), Vec::new());
    }

    fn put(&mut self, c: char) {
        if self.column == self.width {
            self.down(1);
        }
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = c;
        self.column += 1;
    }
}
