//! Numbers of bytes as people write them: `10 MB`, `1.5 GiB`, `4096`.

/// Units with their bytes: decimal ones by the SI, binary ones by IEC 80000-13. The first spelling is the printed one.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// Reads a number of bytes: digits, perhaps with a fraction, and perhaps a unit (in any case of letters; without one,
/// bytes). What is not a whole number of bytes, or does not fit in 64 bits, is `None`.
pub fn parse(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start_matches(' '));
    let scale = match unit {
        "" if split == text.len() => 1,
        _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Twelve places are a byte of a terabyte; more of them, or more than 18 digits, are no size that anybody means.
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(whole, 18) || !digits(fraction, 12) {
        return None;
    }
    let tenths = 10u128.pow(fraction.len().try_into().ok()?);
    let bytes = (whole.parse::<u128>().ok()? * tenths + fraction.parse::<u128>().ok()?) * u128::from(scale);
    if bytes.is_multiple_of(tenths) { (bytes / tenths).try_into().ok() } else { None }
}

/// Writes a number of bytes exactly, with the unit that leaves the smallest whole number.
pub fn print(bytes: u64) -> String {
    let whole = UNITS.iter().filter(|(_, scale)| bytes != 0 && bytes.is_multiple_of(*scale));
    let (name, scale) = whole.max_by_key(|(_, scale)| *scale).unwrap_or(&UNITS[0]);
    format!("{} {name}", bytes / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_read_as_the_standards_have_them() {
        for (text, bytes) in [
            ("4096", 4096),
            ("0", 0),
            ("10 MB", 10_000_000),
            ("10MB", 10_000_000),
            ("1 MiB", 1 << 20),
            ("1.5 kb", 1500),
            ("2.5 GiB", 5 << 29),
            ("7 B", 7),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        let bad = ["", " ", "MB", "-1", "+1", "1.", ".5", "1.2.3 MB", "1 MB ", "1 ", "1 XB", "1e6", "0.5", "1.0001 kB"];
        for text in bad.into_iter().chain(["99999999 TiB", "9999999999999999999999", "1\u{a0}MB", "١ MB", "1 M\u{0}"])
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(bytes in 0..1_000_000_000_000_000_000u64, zeros in 0..4u32) {
            let bytes = bytes / 1000u64.pow(zeros) * 1000u64.pow(zeros);
            prop_assert_eq!(parse(&print(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9.]{0,30} ?[a-zA-Zµ]{0,3}") {
            if let Some(bytes) = parse(&text) {
                prop_assert!(parse(&bytes.to_string()).is_none_or(|again| again == bytes));
            }
        }
    }
}
