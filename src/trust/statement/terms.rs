//! The texts that statements are made of, each checked when it is made.

/// A text that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct TermError {
    /// At most 80 characters of it.
    text: String,
    wanted: &'static str,
}

impl TermError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "statement.term"
    }

    fn unless(holds: bool, text: &str, wanted: &'static str) -> Result<String, Self> {
        if holds { Ok(text.to_owned()) } else { Err(Self { text: text.chars().take(80).collect(), wanted }) }
    }
}

/// A commit: the 40 or 64 lower-case hexadecimal digits of a Git object name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

/// Where the source is: an absolute URL of at most 2048 printable ASCII characters, without a password.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceUrl(String);

/// A target: `os/arch` or `os/arch/variant`, as in `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

/// A media type without parameters (RFC 6838 §4.2), in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(String);

/// A moment in UTC, to the second: `2026-01-31T12:00:00Z` (RFC 3339), from 1970 to 9999, without leap seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(String);

fn commit(text: &str) -> Result<Commit, TermError> {
    let holds = matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    TermError::unless(holds, text, "a commit (40 or 64 lower-case hex digits)").map(Commit)
}

fn source_url(text: &str) -> Result<SourceUrl, TermError> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", ""));
    let scheme_holds = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-'));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    // `git@` of SSH is no secret; what stands there in an http URL is a token or has a password.
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let secret = user.is_some_and(|user| user.contains(':') || scheme.starts_with("http"));
    let printable = text.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b));
    let holds = scheme_holds && !authority.is_empty() && !secret && printable && text.len() <= 2048;
    TermError::unless(holds, text, "an absolute URL without a password").map(SourceUrl)
}

fn target_name(text: &str) -> Result<TargetName, TermError> {
    let word = |part: &str| {
        matches!(part.len(), 1..=32)
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
    };
    let holds = matches!(text.split('/').count(), 2 | 3) && text.split('/').all(word);
    TermError::unless(holds, text, "a target (os/arch or os/arch/variant)").map(TargetName)
}

fn media_type(text: &str) -> Result<MediaType, TermError> {
    let word = |part: &str| {
        matches!(part.len(), 1..=127)
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9') || b"!#$&-^_.+".contains(&b))
    };
    let holds = text.split_once('/').is_some_and(|(kind, name)| word(kind) && word(name));
    TermError::unless(holds, text, "a media type in lower case without parameters").map(MediaType)
}

fn timestamp(text: &str) -> Result<Timestamp, TermError> {
    let holds = seconds_of(text).is_some();
    TermError::unless(holds, text, "a moment like 2026-01-31T12:00:00Z").map(Timestamp)
}

as_text!(Commit, commit, TermError);
as_text!(SourceUrl, source_url, TermError);
as_text!(TargetName, target_name, TermError);
as_text!(MediaType, media_type, TermError);
as_text!(Timestamp, timestamp, TermError);

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

impl Timestamp {
    /// The moment that many seconds after 1970-01-01T00:00:00Z; none after the year 9999.
    pub fn from_unix(seconds: u64) -> Option<Self> {
        if seconds > LAST_SECOND {
            return None;
        }
        let (mut days, second) = (seconds / 86_400, seconds % 86_400);
        let mut year = 1970;
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        let (hour, minute, second, day) = (second / 3600, second / 60 % 60, second % 60, days + 1);
        Some(Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(&self) -> u64 {
        seconds_of(&self.0).expect("checked when it was made")
    }
}

fn days_in_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn seconds_of(text: &str) -> Option<u64> {
    let shape = b"0000-00-00T00:00:00Z";
    let fits = |(found, want): (u8, &u8)| if *want == b'0' { found.is_ascii_digit() } else { found == *want };
    if text.len() != shape.len() || !text.bytes().zip(shape).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let date = year >= 1970 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = (1970..year).map(days_in_year).sum::<u64>() + (1..month).map(|m| days_in_month(year, m)).sum::<u64>();
    Some((days + day - 1) * 86_400 + hour * 3600 + minute * 60 + second)
}
