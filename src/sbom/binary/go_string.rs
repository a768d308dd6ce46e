//! Quoted strings of the Go language (Go specification, "String literals").

/// The string that a text begins with, and what follows it. `None` when it is not closed or has an escape that Go does
/// not have; bytes that are no UTF-8 together become U+FFFD.
pub(super) fn unquote(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (inside, rest) = raw.split_once('`')?;
        return Some((inside.replace('\r', ""), rest));
    }
    let inside = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), &inside[at + 1..])),
            '\\' => {
                let (_, escape) = chars.next()?;
                let mut digits = |count: usize, radix: u32| {
                    (0..count).try_fold(0u32, |number, _| {
                        let digit = chars.next()?.1.to_digit(radix)?;
                        number.checked_mul(radix)?.checked_add(digit)
                    })
                };
                match escape {
                    'a' => bytes.push(7),
                    'b' => bytes.push(8),
                    'f' => bytes.push(12),
                    'n' => bytes.push(b'\n'),
                    'r' => bytes.push(b'\r'),
                    't' => bytes.push(b'\t'),
                    'v' => bytes.push(11),
                    '\\' | '"' => bytes.push(escape as u8),
                    'x' => bytes.push(u8::try_from(digits(2, 16)?).ok()?),
                    '0'..='7' => {
                        let first = escape.to_digit(8)?;
                        bytes.push(u8::try_from(first * 64 + digits(2, 8)?).ok()?);
                    }
                    'u' => push(&mut bytes, digits(4, 16)?)?,
                    'U' => push(&mut bytes, digits(8, 16)?)?,
                    _ => return None,
                }
            }
            c => push(&mut bytes, c.into())?,
        }
    }
    None
}

fn push(bytes: &mut Vec<u8>, code: u32) -> Option<()> {
    let c = char::from_u32(code)?;
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_specification() {
        let cases = [
            (r#""-s -w" rest"#, Some(("-s -w", " rest"))),
            (r#""\a\b\f\n\r\t\v\\\"""#, Some(("\x07\x08\x0c\n\r\t\x0b\\\"", ""))),
            (r#""\x41\101\u00e4\U0001F600é""#, Some(("AAä😀é", ""))),
            (r#""\xc3\xa4""#, Some(("ä", ""))),
            ("`a\\n\"b`=c", Some(("a\\n\"b", "=c"))),
            (r#""open"#, None),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""\400""#, None),
            (r#""\ud800""#, None),
            ("bare", None),
        ];
        for (text, expected) in cases {
            let found = unquote(text);
            assert_eq!(found.as_ref().map(|(value, rest)| (value.as_str(), *rest)), expected, "{text}");
        }
    }
}
