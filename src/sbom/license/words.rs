//! Texts as words, without what differs between copies of one licence (SPDX 2.3, annex B, "License matching guidelines"):
//! white space, punctuation, upper case, bullets, marks of comments, copyright lines.

/// The words of a text in their order.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines() {
        let line =
            line.trim_start_matches(|c: char| c.is_whitespace() || "#*/-=+>_|;<!".contains(c) || c == '\u{feff}');
        if !is_copyright(line) {
            of_line(line, &mut words);
        }
    }
    words
}

fn of_line(line: &str, into: &mut Vec<String>) {
    for (index, token) in line.split_whitespace().enumerate() {
        if is_bullet(token, index == 0) || token.contains("://") || token.contains("www.") {
            continue;
        }
        // `non-infringement` is `noninfringement` in many copies; everything else that is no letter or digit parts.
        let token =
            token.replace(['\'', '\u{2019}'], "").replace("non-", "non").replace("NON-", "NON").replace("Non-", "Non");
        for word in token.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let word = word.to_lowercase();
            into.push(match word.as_str() {
                "licence" => "license".to_owned(),
                "licences" => "licenses".to_owned(),
                "sublicence" => "sublicense".to_owned(),
                _ => word,
            });
        }
    }
}

/// `1.` and `(a)` anywhere, since lines are broken in other places; `a.`, `iv)` and `1.2.` at the beginning of a line.
fn is_bullet(piece: &str, first: bool) -> bool {
    let inner = piece.trim_start_matches(['(', '[']).trim_end_matches([')', '.', ':', ']']);
    let (opened, closed) = (piece.starts_with(['(', '[']), piece.ends_with([')', ']']));
    let number = |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|c| c.is_ascii_digit());
    let roman = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|c| b"ivxIVX".contains(&c));
    let letter = |part: &str| part.len() == 1 && part.bytes().all(|c| c.is_ascii_alphabetic());
    let short = number(inner) || roman(inner) || letter(inner);
    let sections = inner.contains('.') && inner.split('.').all(number);
    let marked = inner.len() != piece.len();
    inner.is_empty() || opened && closed && short || marked && number(inner) || first && marked && (short || sections)
}

/// Whether a line is a copyright statement, and not a line of a licence that begins with the word.
fn is_copyright(line: &str) -> bool {
    const GO_ON: [&str; 23] = [
        "notice",
        "notices",
        "holder",
        "holders",
        "license",
        "licenses",
        "owner",
        "owners",
        "law",
        "laws",
        "statement",
        "statements",
        "interest",
        "and",
        "or",
        "ownership",
        "in",
        "to",
        "protection",
        "permission",
        "treaty",
        "as",
        "rights",
    ];
    let lower = line.trim_start_matches(['(', '"', '`']).to_ascii_lowercase();
    let dated = |rest: &str| rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if lower.starts_with('\u{a9}') || lower.strip_prefix("c)").is_some_and(dated) {
        return true;
    }
    let rest = ["portions copyright", "copyright", "copyrights"].iter().find_map(|word| lower.strip_prefix(word));
    let Some(rest) = rest else {
        return ["all rights reserved", "(c) copyright"].iter().any(|word| lower.trim().starts_with(word))
            && lower.split_whitespace().count() <= 4;
    };
    let rest = &line.trim_start_matches(['(', '"', '`'])[lower.len() - rest.len()..];
    let next = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
    let word: String = next.chars().take_while(|c| c.is_alphanumeric()).collect();
    // `Copyright` at a line's end is followed by a name, or the line is broken within a sentence: names begin with a capital.
    let begins = |c: char| !(",.;".contains(c) || c.is_alphabetic() && c.is_lowercase());
    next.starts_with(begins) && !GO_ON.contains(&word.to_lowercase().as_str())
}
