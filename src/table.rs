//! Tables, sizes and durations as text for people. Values only: nothing here prints.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use crate::sanitize::{Charset, sanitize_line};

/// Columns between two columns.
const GAP: &str = "  ";

/// A text column is not made narrower than this while another one can give.
const NARROW: usize = 8;

/// On which side a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    title: String,
    align: Align,
}

impl Column {
    /// A column of text.
    pub fn text(title: &str) -> Self {
        Self { title: title.to_owned(), align: Align::Left }
    }

    /// A column of numbers, sizes or durations.
    pub fn number(title: &str) -> Self {
        Self { title: title.to_owned(), align: Align::Right }
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Columns of the terminal; `None` when lines may be as long as they like.
    pub width: Option<usize>,
    /// What can be shown.
    pub charset: Charset,
}

impl Room {
    /// All the room in the world: logs, files, JSON.
    pub const UNLIMITED: Self = Self { width: None, charset: Charset::Unicode };
}

/// Rows under titles. Cells are text from anywhere: each is made safe and kept on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row: a cell for each column in order; missing cells stay blank, surplus ones are left out.
    pub fn push<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let mut row: Vec<String> =
            cells.into_iter().take(self.columns.len()).map(|cell| sanitize_line(&cell.into()).into_owned()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws titles and rows, each line ending with a line feed and none wider than the room. Text columns give way
    /// first, the widest before the others; cells that are cut end with an ellipsis.
    pub fn render(&self, room: Room) -> String {
        let widths = self.widths(room.width);
        let titles: Vec<Cow<'_, str>> = self.columns.iter().map(|column| sanitize_line(&column.title)).collect();
        let mut out = self.line(&titles, &widths, room);
        for row in &self.rows {
            out += &self.line(row, &widths, room);
        }
        out
    }

    fn line<S: AsRef<str>>(&self, cells: &[S], widths: &[usize], room: Room) -> String {
        let cells = self.columns.iter().zip(cells).zip(widths).map(|((column, cell), &width)| {
            let cell = truncate(cell.as_ref(), width, room.charset);
            let blank = " ".repeat(width.saturating_sub(display_width(&cell)));
            match column.align {
                Align::Left => format!("{cell}{blank}"),
                Align::Right => format!("{blank}{cell}"),
            }
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        let line = line.trim_end();
        // So narrow that even one character a column is too much: cut the line itself.
        let line = room.width.map_or(Cow::Borrowed(line), |width| truncate(line, width, room.charset));
        format!("{line}\n")
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let natural = |at: usize, column: &Column| {
            let cells = self.rows.iter().map(|row| display_width(&row[at]));
            cells.chain([display_width(&sanitize_line(&column.title))]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(|(at, column)| natural(at, column)).collect();
        let Some(limit) = limit else { return widths };
        // No column needs more than the whole room; this also bounds the loop below.
        widths.iter_mut().for_each(|width| *width = (*width).min(limit));
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > limit {
            let widest = |keep: usize, which: &dyn Fn(&Column) -> bool| {
                let fits = (0..widths.len()).filter(|&at| widths[at] > keep && which(&self.columns[at]));
                fits.max_by_key(|&at| widths[at])
            };
            let Some(at) = widest(NARROW, &|column| column.align == Align::Left).or_else(|| widest(1, &|_| true))
            else {
                break;
            };
            widths[at] -= 1;
        }
        widths
    }
}

impl fmt::Display for Table {
    /// Without a limit in width, as for a failure's detail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Room::UNLIMITED))
    }
}

/// How many terminal columns a text takes (Unicode UAX #11); controls take none.
pub fn display_width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Cuts a text to at most `width` terminal columns; what is cut ends with an ellipsis where one fits.
pub fn truncate(text: &str, width: usize, charset: Charset) -> Cow<'_, str> {
    if display_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let ellipsis = if display_width(charset.ellipsis()) < width { charset.ellipsis() } else { "" };
    let room = width - display_width(ellipsis);
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    Cow::Owned(format!("{}{ellipsis}", &text[..end.map_or(text.len(), |(at, _)| at)]))
}

/// A size for people: decimal units as disks and registries count, one decimal, for example `6.1 MB`.
pub fn bytes(size: u64) -> String {
    if size < 1000 {
        return format!("{size} B");
    }
    let mut unit: u128 = 1000;
    for name in ["kB", "MB", "GB", "TB", "PB", "EB"] {
        // Rounded half up in whole numbers, so that 999 950 is 1.0 MB and never 1000.0 kB.
        let tenths = (u128::from(size) * 10 + unit / 2) / unit;
        if tenths < 10_000 || name == "EB" {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        unit *= 1000;
    }
    unreachable!("the last unit returns")
}

/// So many of something: `1 blob`, `2 blobs`.
pub fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// A duration for people: `40ms`, `4.2s`, `1m 05s`, `2h 03m`.
pub fn duration(took: Duration) -> String {
    let (ms, s) = (took.as_millis(), took.as_secs());
    match s {
        0 => format!("{ms}ms"),
        1..60 => format!("{s}.{}s", (ms % 1000) / 100),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        _ => format!("{}h {:02}m", s / 3600, s / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn release() -> Table {
        let mut table = Table::new([Column::text("target"), Column::number("size"), Column::text("digest")]);
        table.push(["linux/amd64", "6.1 MB", "0f3a9c5d7e21"]);
        table.push(["linux/arm/v7", "812 B", "77aa00bb11cc"]);
        table
    }

    #[test]
    fn numbers_stand_right() {
        assert_eq!(
            release().to_string(),
            "target          size  digest\nlinux/amd64   6.1 MB  0f3a9c5d7e21\nlinux/arm/v7   812 B  77aa00bb11cc\n"
        );
    }

    #[test]
    fn text_gives_way_to_numbers() {
        let text = release().render(Room { width: Some(28), charset: Charset::Unicode });
        assert_eq!(text, "target       size  digest\nlinux/am…  6.1 MB  0f3a9c5d…\nlinux/ar…   812 B  77aa00bb…\n");
    }

    #[test]
    fn a_cell_cannot_make_a_line_or_a_command() {
        let mut table = Table::new([Column::text("name")]);
        table.push(["a\nb\u{1b}[2J"]);
        assert_eq!(table.to_string(), "name\na\\u{a}b\\u{1b}[2J\n");
    }

    #[test]
    fn sizes_round_into_the_next_unit() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (6_140_000, "6.1 MB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "step")), ["0 steps", "1 step", "2 steps"]);
    }

    #[test]
    fn durations_are_short() {
        let cases = [(40, "40ms"), (4_250, "4.2s"), (59_999, "59.9s"), (65_000, "1m 05s"), (7_380_000, "2h 03m")];
        for (ms, text) in cases {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(truncate("漢字漢字", 5, Charset::Unicode), "漢字…");
        assert_eq!(truncate("漢字漢字", 5, Charset::Ascii), "漢...");
        assert_eq!(truncate("漢字", 1, Charset::Unicode), "");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_room(cells in prop::collection::vec(".{0,30}", 0..12), width in 0usize..60) {
            let mut table = Table::new([Column::text("name"), Column::number("size"), Column::text("why")]);
            cells.chunks(3).for_each(|row| table.push(row.iter().cloned()));
            let text = table.render(Room { width: Some(width), charset: Charset::Unicode });
            prop_assert_eq!(text.lines().count(), 1 + cells.chunks(3).count());
            prop_assert!(text.lines().all(|line| display_width(line) <= width), "{}", text);
        }
    }
}
