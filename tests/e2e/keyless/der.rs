//! As much of DER as certificates are made of (X.690).

/// A tag, the length, and what is in it.
pub fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len();
    let head = match length {
        0..=0x7F => vec![tag, length as u8],
        0x80..=0xFF => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, body].concat()
}

/// A sequence.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, parts)
}

/// An object identifier, as `1.3.101.112`.
pub fn oid(text: &str) -> Vec<u8> {
    let numbers: Vec<u64> = text.split('.').map(|number| number.parse().unwrap()).collect();
    let mut body = vec![(numbers[0] * 40 + numbers[1]) as u8];
    for number in &numbers[2..] {
        let mut groups = vec![(number & 0x7F) as u8];
        let mut rest = number >> 7;
        while rest > 0 {
            groups.push((rest & 0x7F) as u8 | 0x80);
            rest >>= 7;
        }
        groups.reverse();
        body.extend(groups);
    }
    der(0x06, &[&body])
}

/// An extension of a certificate.
pub fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { der(0x01, &[&[0xFF]]) } else { Vec::new() };
    sequence(&[&oid(id), &flag, &der(0x04, &[value])])
}

/// A moment, in seconds since 1970, as `YYYYMMDDHHMMSSZ`.
pub fn moment(seconds: u64) -> Vec<u8> {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01 in years of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let text = format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60);
    // Before 2050 the year has two digits (RFC 5280 §4.1.2.5).
    if year < 2050 { der(0x17, &[&text.as_bytes()[2..]]) } else { der(0x18, &[text.as_bytes()]) }
}
