//! A failure as text.

use unicode_width::UnicodeWidthChar;

use super::options::Color;
use super::style::{Paint, paint};
use crate::error::{Failure, Place};
use crate::sanitize::{sanitize, sanitize_line};
use crate::table::{Room, display_width};

/// Lines of a detail that are shown at its start and at its end when it has more than both together: a compiler says the
/// cause first, a test runner last.
const HEAD: usize = 40;
const TAIL: usize = 160;

/// A source line is shown in a window of this many columns at least, and at most where the width is unlimited.
const WINDOW: std::ops::RangeInclusive<usize> = 20..=160;

/// Draws a failure: `error[code]: message`, the place with the line and carets, the detail indented, each cause, the
/// hint. Every text is made safe; nothing but our own colour sequences commands the terminal.
pub(super) fn render(failure: &Failure, color: Color, room: Room) -> String {
    let title = paint(color, Paint::Error, &format!("error[{}]", sanitize_line(failure.code)));
    let mut out = format!("{title}: {}\n", hanging(&failure.message));
    if let Some(place) = &failure.place {
        out += &excerpt(place, color, room);
    }
    if let Some(detail) = &failure.detail {
        out += &block(detail);
    }
    for cause in &failure.causes {
        out += &format!("caused by: {}\n", hanging(cause));
    }
    if let Some(hint) = &failure.hint {
        out += &format!("{}: {}\n", paint(color, Paint::Hint, "hint"), hanging(hint));
    }
    out
}

/// Further lines of a text stand under its first, so that none of them looks like a line of ours.
fn hanging(text: &str) -> String {
    sanitize(text).trim_end().replace('\n', "\n  ")
}

fn block(detail: &str) -> String {
    let detail = sanitize(detail);
    let lines: Vec<&str> = detail.trim_end().lines().collect();
    let indented = |lines: &[&str]| {
        lines.iter().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect::<String>()
    };
    if lines.len() <= HEAD + TAIL {
        return indented(&lines);
    }
    let left_out = lines.len() - HEAD - TAIL;
    let (head, tail) = (indented(&lines[..HEAD]), indented(&lines[lines.len() - TAIL..]));
    format!("{head}    ({left_out} lines left out; --json has them all)\n{tail}")
}

fn excerpt(place: &Place, color: Color, room: Room) -> String {
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let window = room.width.unwrap_or(*WINDOW.end()).saturating_sub(number.len() + 3);
    let (text, blank, marked) = marked(place, window.clamp(*WINDOW.start(), *WINDOW.end()));
    let carets = paint(color, Paint::Error, &"^".repeat(marked));
    let file = sanitize_line(&place.file);
    format!(
        "{margin}--> {file}:{}:{}\n{margin} |\n{number} | {text}\n{margin} | {}{carets}\n",
        place.line,
        place.column,
        " ".repeat(blank)
    )
}

/// The part of a line that fits the window, the columns before the mark, and the columns of the mark (one at least).
fn marked(place: &Place, window: usize) -> (String, usize, usize) {
    let start = place.column.saturating_sub(1);
    let shown = |c: char| match c {
        '\t' => "    ".to_owned(),
        c => sanitize_line(c.encode_utf8(&mut [0; 4])).into_owned(),
    };
    // A line of a minified file may be megabytes long: look no further than one window around the mark.
    let skipped = {
        let before: Vec<char> = place.text.chars().take(start).collect();
        let mut room = window / 2;
        let kept = before.iter().rev().take_while(|c| {
            let width = display_width(&shown(**c));
            let fits = width <= room;
            room = room.saturating_sub(width);
            fits
        });
        let total: usize = before.iter().map(|c| c.width().unwrap_or(0)).sum();
        if total <= window / 2 { 0 } else { before.len() - kept.count() }
    };
    let (mut text, mut used, mut blank, mut mark) = (String::new(), 0, None, 0);
    for (at, c) in place.text.chars().enumerate().skip(skipped).take(window) {
        let piece = shown(c);
        let width = display_width(&piece);
        if used + width > window {
            break;
        }
        if at == start {
            blank = Some(used);
        }
        if (start..start.saturating_add(place.length.max(1))).contains(&at) {
            mark += width;
        }
        text += &piece;
        used += width;
    }
    (text, blank.unwrap_or(used), mark.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;
    use crate::sanitize::{Charset, is_hazard};

    fn failure() -> Failure {
        Failure {
            code: "config.unknown-key",
            kind: Kind::Config,
            message: "unknown key `tragets`".into(),
            causes: Vec::new(),
            hint: Some("did you mean `targets`?".into()),
            place: Some(Place::of("sealift.toml", "\n\n\n\n\n\n\n\n\n\ttragets = [\"linux/amd64\"]\n", 10..17)),
            detail: None,
        }
    }

    #[test]
    fn a_place_shows_its_line_and_carets() {
        let text = render(&failure(), Color::Off, Room::UNLIMITED);
        assert_eq!(
            text,
            "error[config.unknown-key]: unknown key `tragets`\n  --> sealift.toml:10:2\n   |\n10 |     tragets = [\"linux/amd64\"]\n   |     ^^^^^^^\nhint: did you mean `targets`?\n"
        );
    }

    #[test]
    fn colour_adds_and_takes_nothing() {
        let text = render(&failure(), Color::On, Room::UNLIMITED);
        assert!(text.starts_with("\u{1b}[1;31merror[config.unknown-key]\u{1b}[0m: unknown"), "{text:?}");
        assert!(text.contains("\u{1b}[36mhint\u{1b}[0m: did"));
        let plain = ["\u{1b}[1;31m", "\u{1b}[36m", "\u{1b}[0m"].iter().fold(text, |text, code| text.replace(code, ""));
        assert_eq!(plain, render(&failure(), Color::Off, Room::UNLIMITED));
    }

    #[test]
    fn a_tool_speaks_indented_and_causes_follow() {
        let text = render(
            &Failure {
                place: None,
                hint: None,
                message: "go build failed\nerror[fake]: not ours".into(),
                detail: Some("main.go:3: undefined: x\r\n\u{1b}[31mred\u{1b}[0m\n\n".into()),
                causes: vec!["exit status 1".into(), "killed".into()],
                ..failure()
            },
            Color::Off,
            Room::UNLIMITED,
        );
        assert_eq!(
            text,
            "error[config.unknown-key]: go build failed\n  error[fake]: not ours\n    main.go:3: undefined: x\n    \\u{1b}[31mred\\u{1b}[0m\ncaused by: exit status 1\ncaused by: killed\n"
        );
    }

    #[test]
    fn a_long_detail_keeps_both_ends_and_says_so() {
        let detail: String = (1..=1000).map(|n| format!("line {n}\n")).collect();
        let text = block(&detail);
        assert_eq!(text.lines().count(), HEAD + TAIL + 1);
        assert!(text.starts_with("    line 1\n") && text.ends_with("    line 1000\n"));
        assert!(text.contains("\n    (800 lines left out; --json has them all)\n    line 841\n"));
    }

    #[test]
    fn carets_stand_under_what_is_shown() {
        let place = Place { file: "f".into(), line: 1, column: 3, text: "漢\u{1b}x".into(), length: 1 };
        assert_eq!(marked(&place, 80), ("漢\\u{1b}x".into(), 8, 1));
        let place = Place { column: 2, ..place };
        assert_eq!(marked(&place, 80), ("漢\\u{1b}x".into(), 2, 6));
        let far = Place { file: "f".into(), line: 1, column: 500_001, text: "a".repeat(1_000_000), length: 3 };
        let (text, blank, mark) = marked(&far, 80);
        assert_eq!((text.len(), blank, mark), (80, 40, 3));
    }

    proptest! {
        #[test]
        fn any_failure_is_safe_and_keeps_its_margin(
            texts in prop::collection::vec(".{0,20}(\n|\r|\u{1b}|\u{202e}|::|).{0,20}", 5),
            column in 0usize..60, length in 0usize..60, width in 0usize..200,
        ) {
            let [message, cause, hint, line, detail] = <[String; 5]>::try_from(texts).expect("five");
            let text = line.replace('\n', " ");
            let place = Some(Place { file: cause.clone(), line: 7, column, text, length });
            let failure = Failure { message, causes: vec![cause], hint: Some(hint), place, detail: Some(detail), ..failure() };
            let text = render(&failure, Color::Off, Room { width: Some(width), charset: Charset::Unicode });
            prop_assert!(!text.chars().any(is_hazard), "{text:?}");
            for line in text.lines() {
                let ours = ["error[", "caused by: ", "hint: ", " ", "7 | "].iter().any(|start| line.starts_with(start));
                prop_assert!(ours || line.is_empty(), "{line:?}");
            }
        }
    }
}
