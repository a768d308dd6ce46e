//! A text against the known ones, word by word.

use super::known::{Known, all};
use super::words::words;

/// Words of a text that are no licence's and may stand in a file all the same: headings, names of holders.
const MOST_LEFT: usize = 60;

/// The same where several licences stand in one file, each with its own files and holders.
const MOST_LEFT_OF_SEVERAL: usize = 200;

/// Words with which a file of several licences says which of its project's files are under which.
const SCOPES: [&str; 3] = ["additional", "exception", "only"];

/// Names of licences.
const HEADINGS: &[&[&str]] = &[
    &["new", "or", "revised"],
    &["new", "or", "modified"],
    &["mit", "no", "attribution"],
    &["simplified", "or", "freebsd"],
];

/// How far two texts may be apart before they are together again, in words.
const REACH: usize = 20;

/// Words that must agree before two texts count as together again.
const TOGETHER: usize = 3;

/// Words that change what a licence says: no difference with one of these is overlooked.
const WEIGHTY: [&str; 22] = [
    "not",
    "no",
    "never",
    "without",
    "except",
    "unless",
    "only",
    "must",
    "may",
    "shall",
    "should",
    "cannot",
    "provided",
    "prohibited",
    "restricted",
    "commercial",
    "noncommercial",
    "patent",
    "patents",
    "fee",
    "charge",
    "evil",
];

/// Words with which somebody gives a choice, adds conditions, or speaks of a licence that is not in the file.
const OTHERWISE: [&str; 22] = [
    "either",
    "dual",
    "dually",
    "choice",
    "choose",
    "option",
    "alternatively",
    "or",
    "gpl",
    "lgpl",
    "agpl",
    "gnu",
    "proprietary",
    "exception",
    "exceptions",
    "restriction",
    "restrictions",
    "additional",
    "addition",
    "warranty",
    "prohibit",
    "confidential",
];

/// Words that copies of one licence have or do not have, and which change nothing.
const SMALL: [&str; 14] = [
    "the",
    "a",
    "an",
    "s",
    "its",
    "holder",
    "holders",
    "owner",
    "owners",
    "author",
    "authors",
    "contributor",
    "contributors",
    "copyright",
];

/// Words in the texts before a name that everybody puts in for himself: who may not be named, who gives no warranty, who
/// is not liable.
const BEFORE_NAMES: [&[&str]; 11] = [
    &["the", "name", "of"],
    &["the", "names", "of"],
    &["neither", "the"],
    &["provided", "by"],
    &["event", "shall"],
    &["event", "will"],
    &["as", "is", "and"],
    &["acknowledgement", "this", "product", "includes", "software", "developed", "by"],
    &["policies", "either", "expressed", "or", "implied", "of"],
    &["those", "of"],
    &["authorization", "of"],
];

/// Whether a text has nothing but headings and names in it: no licence, and no condition.
pub(super) fn says_nothing(text: &str) -> bool {
    let words = words(text);
    let known = |word: &str| all().iter().any(|known| known.names.contains(&word));
    words.len() <= MOST_LEFT
        && !words.iter().any(|word| WEIGHTY.contains(&&**word) || OTHERWISE.contains(&&**word) || known(word))
}

/// The licences whose texts make up a text; nothing where something else stands in it.
pub(super) fn licenses(text: &str) -> Option<Vec<String>> {
    let words = words(text);
    let (mut found, mut left, mut at) = (Vec::<&Known>::new(), Vec::<&str>::new(), 0);
    while at < words.len() {
        let here = all().iter().filter_map(|known| Some((matched(known, &words[at..])?, known)));
        // Of two that begin alike the one that explains more.
        match here.max_by_key(|(length, _)| *length) {
            Some((length, known)) => {
                found.push(known);
                at += length;
            }
            None => {
                left.push(&words[at]);
                at += 1;
            }
        }
    }
    let most = if found.len() > 1 { MOST_LEFT_OF_SEVERAL } else { MOST_LEFT };
    let own: Vec<&str> = found.iter().flat_map(|known| known.names).copied().collect();
    let named = |word: &&str| all().iter().any(|known| known.names.contains(word)) && !own.contains(word);
    let scoped = |word: &&str| found.len() > 1 && SCOPES.contains(word);
    let strange = |word: &&str| WEIGHTY.contains(word) || OTHERWISE.contains(word) || named(word);
    let left = without_headings(left);
    if found.is_empty() || left.len() > most || left.iter().any(|word| strange(word) && !scoped(word)) {
        return None;
    }
    Some(found.iter().map(|known| known.id.to_owned()).collect())
}

/// What is left without the names of licences that have such words in them.
fn without_headings(mut left: Vec<&str>) -> Vec<&str> {
    for heading in HEADINGS {
        while let Some(at) = left.windows(heading.len()).position(|window| window == *heading) {
            left.drain(at..at + heading.len());
        }
    }
    left
}

/// How many words from the beginning of a text are a licence; nothing when it is not there.
fn matched(known: &Known, text: &[String]) -> Option<usize> {
    let body = &known.body;
    if body.len() < TOGETHER || text.len() < TOGETHER || body[..TOGETHER] != text[..TOGETHER] {
        return None;
    }
    let (mut own, mut other, mut apart) = (TOGETHER, TOGETHER, 0);
    while own < body.len() {
        if text.get(other) == Some(&body[own]) {
            (own, other) = (own + 1, other + 1);
            continue;
        }
        let (skip, took) = together(&body[own..], &text[other..])?;
        let (missing, instead) = (&body[own..own + skip], &text[other..other + took]);
        apart += 1;
        if apart > 4 + body.len() / 100 || !harmless(&body[..own], missing, instead) {
            return None;
        }
        (own, other) = (own + skip, other + took);
    }
    Some(other + follows(&known.tail, &text[other..]))
}

/// After how many words of either the two go on alike; the fewest together.
fn together(body: &[String], text: &[String]) -> Option<(usize, usize)> {
    let alike = |skip: usize, took: usize| {
        let (rest, other) = (body.get(skip..)?, text.get(took..)?);
        let most = TOGETHER.min(rest.len());
        (other.len() >= most && rest[..most] == other[..most]).then_some((skip, took))
    };
    (1..=2 * REACH)
        .find_map(|sum| (sum.saturating_sub(REACH)..=sum.min(REACH)).find_map(|skip| alike(skip, sum - skip)))
}

/// Whether a difference is one between copies of the same licence: other names where names belong, or a word or two that
/// change nothing.
fn harmless(before: &[String], missing: &[String], instead: &[String]) -> bool {
    let weighty = |words: &[String]| words.iter().any(|word| WEIGHTY.contains(&word.as_str()));
    if weighty(missing) || weighty(instead) {
        return false;
    }
    let names = BEFORE_NAMES.iter().any(|phrase| {
        // A word of the name itself may be the same in both: `the <copyright holders>`.
        (0..=3).any(|back| {
            let before = &before[..before.len().saturating_sub(back)];
            before.len() >= phrase.len() && before[before.len() - phrase.len()..].iter().eq(phrase.iter())
        })
    });
    let small = |words: &[String]| words.len() <= 2 && words.iter().all(|word| SMALL.contains(&word.as_str()));
    // Numbers of sections stand at the beginning of a line in one copy, where they do not count, and in a line in another.
    let number =
        |words: &[String]| words.len() <= 2 && words.iter().all(|word| word.len() <= 2 && word.parse::<u8>().is_ok());
    let numbers = missing.is_empty() && number(instead) || instead.is_empty() && number(missing);
    names || numbers || small(missing) && small(instead)
}

/// How many words of a text are what may follow a licence, up to its end; none where it is something else.
fn follows(tail: &[String], text: &[String]) -> usize {
    let whole = |start: usize| {
        let (mut own, mut other) = (start, 0);
        while own < tail.len() {
            if text.get(other) == Some(&tail[own]) {
                (own, other) = (own + 1, other + 1);
            } else {
                let (skip, took) = together(&tail[own..], &text[other..])?;
                (own, other) = (own + skip, other + took);
            }
        }
        Some(other)
    };
    // Headings of the tail may be missing.
    let starts = 0..tail.len().min(REACH);
    starts.filter(|start| text.first() == Some(&tail[*start])).find_map(whole).unwrap_or_default()
}
