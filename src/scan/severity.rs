//! How severe a vulnerability is, by the Common Vulnerability Scoring System.

use std::fmt;

use cvss::Cvss;
use serde::Serialize;

use super::osv::Rating;

/// A CVSS base score in tenths, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u16);

/// The severity of a vulnerability: the highest of its vectors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Severity {
    /// The score.
    pub score: Score,
    /// The vector, for example `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H`.
    pub vector: String,
}

impl Score {
    /// Reads `7`, `7.5`, `10.0`.
    pub fn read(text: &str) -> Option<Self> {
        let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 2) || !digits(tenth, 1) || (whole.len() == 2 && whole.starts_with('0')) {
            return None;
        }
        let score = whole.parse::<u16>().ok()? * 10 + tenth.parse::<u16>().ok()?;
        (score <= 100).then_some(Self(score))
    }

    /// The word that CVSS has for it.
    pub fn word(self) -> &'static str {
        match self.0 {
            0 => "none",
            1..40 => "low",
            40..70 => "medium",
            70..90 => "high",
            _ => "critical",
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Severity {
    /// The highest of some vectors; those of unknown kinds say nothing.
    pub fn of(ratings: &[Rating]) -> Option<Self> {
        let scored = ratings.iter().filter_map(|rating| {
            let score = rating.score.parse::<Cvss>().ok()?.score();
            // Scores have one decimal and end at ten.
            let tenths = (score.clamp(0.0, 10.0) * 10.0).round() as u16;
            Some(Self { score: Score(tenths), vector: rating.score.clone() })
        });
        scored.max_by_key(|severity| severity.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_the_scores_of_the_specification() {
        // CVSS 3.1 examples of FIRST, CVSS 4.0 and 2.0 likewise.
        let cases = [
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N", "5.4", "medium"),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "10.0", "critical"),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "7.5", "high"),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "9.3", "critical"),
        ];
        for (vector, score, word) in cases {
            let severity = Severity::of(&[Rating { score: vector.into() }]).unwrap_or_else(|| panic!("{vector}"));
            assert_eq!((severity.score.to_string().as_str(), severity.score.word()), (score, word), "{vector}");
        }
        let both = [cases[0].0, "nonsense", cases[2].0].map(|score| Rating { score: score.into() });
        assert_eq!(Severity::of(&both).unwrap().vector, cases[2].0);
        assert_eq!(Severity::of(&both[1..2]), None);
    }

    #[test]
    fn scores_are_read_strictly() {
        for (text, shown) in [("7", "7.0"), ("7.5", "7.5"), ("10.0", "10.0"), ("0", "0.0")] {
            assert_eq!(Score::read(text).unwrap().to_string(), shown);
        }
        for text in ["", "10.1", "11", "7.55", "-1", "+7", "07", "7.", ".5", "high", "1e1"] {
            assert_eq!(Score::read(text), None, "{text}");
        }
    }
}
