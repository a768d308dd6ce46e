//! The texts of the SPDX licence list that modules are under, from the crate `spdx`; only these are in the program.

use std::sync::OnceLock;

use super::words::words;

/// A text of the list.
pub(super) struct Known {
    /// Its name on the list.
    pub(super) id: &'static str,
    /// Its words, from where the licence itself begins.
    pub(super) body: Vec<String>,
    /// Words that may follow: exhibits, and how to use it.
    pub(super) tail: Vec<String>,
    /// Words by which somebody speaks of it.
    pub(super) names: &'static [&'static str],
}

/// Name, the words with which the licence itself begins, those with which it ends when more follows, how it is called.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const fn text(id: &str) -> &'static str {
    let (all, mut at) = (spdx::text::LICENSE_TEXTS, 0);
    while at < all.len() {
        let (name, wanted) = (all[at].0.as_bytes(), id.as_bytes());
        let mut same = if name.len() == wanted.len() { 0 } else { wanted.len() + 1 };
        while same < wanted.len() && name[same] == wanted[same] {
            same += 1;
        }
        if same == wanted.len() {
            return all[at].1;
        }
        at += 1;
    }
    panic!("the licence list has no such text");
}

macro_rules! rows {
    ($(($id:literal, $start:literal, $end:literal, $names:expr)),* $(,)?) => {
        // Found when it is compiled, so that the rest of the list is not in the program.
        &[$(($id, { const TEXT: &str = text($id); TEXT }, $start, $end, &$names)),*]
    };
}

const MIT: &str = "mit";
const BSD: &str = "bsd";
const APACHE: &str = "apache";

const ROWS: &[Row] = rows![
    ("MIT", "permission is hereby granted", "", [MIT, "expat"]),
    ("MIT-0", "permission is hereby granted", "", [MIT, "attribution"]),
    ("X11", "permission is hereby granted", "", ["x11"]),
    ("JSON", "permission is hereby granted", "", ["json"]),
    ("NCSA", "permission is hereby granted", "", ["ncsa", "illinois"]),
    ("BSL-1.0", "permission is hereby granted", "", ["boost"]),
    ("ISC", "permission to use copy", "", ["isc"]),
    ("0BSD", "permission to use copy", "", [BSD, "0bsd"]),
    ("PostgreSQL", "permission to use copy", "", ["postgresql"]),
    ("HPND", "permission to use copy", "", ["hpnd"]),
    ("curl", "permission to use copy", "", ["curl"]),
    ("BSD-1-Clause", "redistribution and use in source", "", [BSD]),
    ("BSD-2-Clause", "redistribution and use in source", "", [BSD, "freebsd"]),
    ("BSD-2-Clause-Views", "redistribution and use in source", "", [BSD, "freebsd"]),
    ("BSD-2-Clause-Patent", "redistribution and use in source", "", [BSD]),
    ("BSD-3-Clause", "redistribution and use in source", "", [BSD]),
    ("BSD-3-Clause-Clear", "redistribution and use in source", "", [BSD]),
    ("BSD-4-Clause", "redistribution and use in source", "", [BSD]),
    ("Apache-2.0", "terms and conditions for use", "such warranty or additional liability", [APACHE]),
    ("MPL-2.0", "contributor means each individual", "exhibit b of this license must be attached", ["mpl", "mozilla"]),
    ("EPL-1.0", "the accompanying program is", "", ["epl", "eclipse"]),
    ("EPL-2.0", "the accompanying program is", "", ["epl", "eclipse"]),
    ("Unlicense", "this is free and unencumbered", "", ["unlicense"]),
    ("CC0-1.0", "statement of purpose", "", ["cc0", "creative"]),
    ("CC0-1.0", "creative commons corporation is not", "", ["cc0", "creative"]),
    ("Zlib", "this software is provided", "", ["zlib"]),
    ("WTFPL", "everyone is permitted to copy", "", ["wtfpl"]),
    ("BlueOak-1.0.0", "this license gives everyone", "", ["blue"]),
    ("UPL-1.0", "subject to the condition", "", ["upl"]),
    ("MS-PL", "this license governs use", "", ["microsoft"]),
    ("Artistic-2.0", "everyone is permitted to copy", "", ["artistic"]),
    ("Unicode-3.0", "notice to user carefully", "", ["unicode"]),
    ("CDDL-1.0", "contributor means each individual", "", ["cddl"]),
    ("AFL-3.0", "this academic free license", "", ["afl", "academic"]),
    ("OFL-1.1", "the goals of the open font", "", ["ofl", "sil"]),
    ("EUPL-1.2", "this european union public", "", ["eupl"]),
];

/// How somebody says, without its text, that something is under the Apache License (its own appendix, "How to apply").
const APACHE_NOTICE: &str = "licensed under the apache license version 2 0 the license you may not use this file except in \
                             compliance with the license you may obtain a copy of the license at unless required by \
                             applicable law or agreed to in writing software distributed under the license is distributed \
                             on an as is basis without warranties or conditions of any kind either express or implied see \
                             the license for the specific language governing permissions and limitations under the license";

/// All of them.
pub(super) fn all() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| {
        let known = ROWS.iter().map(known);
        let notice = Known {
            id: "Apache-2.0",
            body: APACHE_NOTICE.split(' ').map(str::to_owned).collect(),
            tail: Vec::new(),
            names: &[APACHE],
        };
        known.chain([notice]).collect()
    })
}

fn known((id, text, start, end, names): &Row) -> Known {
    let words = words(text);
    let split = |phrase: &str| phrase.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let find = |phrase: &[String], from: usize| {
        words[from..].windows(phrase.len().max(1)).position(|window| window == phrase).map(|at| from + at)
    };
    let start = find(&split(start), 0).unwrap_or_default();
    let end = split(end);
    let end = if end.is_empty() { None } else { find(&end, start).map(|at| at + end.len()) };
    let end = end.unwrap_or(words.len());
    Known { id, body: words[start..end].to_vec(), tail: words[end..].to_vec(), names }
}
