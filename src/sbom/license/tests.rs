use super::{all, is_license_file, of_files, of_text, valid};

/// A text of the licence list, with names in the places of names.
fn text(id: &str) -> String {
    let (_, text) = spdx::text::LICENSE_TEXTS.iter().find(|(name, _)| *name == id).unwrap();
    text.replace("<year>", "2024").replace("<copyright holders>", "Somebody").replace("<owner>", "Somebody Ltd")
}

fn found(text: &str) -> String {
    of_text(text).unwrap_or_else(|| "NOASSERTION".to_owned())
}

#[test]
fn the_texts_of_the_list_are_known_and_told_apart() {
    let known = [
        "MIT",
        "MIT-0",
        "X11",
        "JSON",
        "NCSA",
        "BSL-1.0",
        "ISC",
        "0BSD",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-2-Clause-Views",
        "BSD-2-Clause-Patent",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "BSD-4-Clause",
        "Apache-2.0",
        "MPL-2.0",
        "EPL-1.0",
        "EPL-2.0",
        "Unlicense",
        "CC0-1.0",
        "Zlib",
        "WTFPL",
        "BlueOak-1.0.0",
        "UPL-1.0",
        "MS-PL",
        "Artistic-2.0",
        "Unicode-3.0",
        "CDDL-1.0",
        "AFL-3.0",
        "OFL-1.1",
        "EUPL-1.2",
        "PostgreSQL",
    ];
    let wrong: Vec<(&str, String)> =
        known.map(|id| (id, found(&text(id)))).into_iter().filter(|(id, found)| id != found).collect();
    assert_eq!(wrong, []);
    // Texts of the list that are not looked for, and which are like one that is.
    for id in [
        "MIT-feh",
        "MIT-enna",
        "BSD-3-Clause-No-Nuclear-License",
        "BSD-3-Clause-LBNL",
        "Apache-1.1",
        "ICU",
        "GPL-3.0",
        "LGPL-2.1",
        "HPND-sell-variant",
        "MirOS",
    ] {
        assert_eq!(found(&text(id)), "NOASSERTION", "{id}");
    }
}

#[test]
fn what_differs_between_copies_does_not_count() {
    let mit = text("MIT");
    let wrapped = mit.replace("\n\n", "\u{1}").replace('\n', " ").replace('\u{1}', "\n\n");
    let commented: String = wrapped.lines().map(|line| format!("// {line}\n")).collect();
    for same in [
        mit.to_uppercase(),
        wrapped.clone(),
        commented,
        mit.replace("MIT License", "# The MIT License (MIT)"),
        mit.replace(
            "MIT License\n",
            "Copyright \u{a9} 2019\u{2013}2024 A. Body <a@example.com>\nAll rights reserved.\n",
        ),
        mit.replace("AUTHORS OR COPYRIGHT HOLDERS", "SOMEBODY INC. OR ITS AFFILIATES"),
        mit.replace('"', "\u{201c}"),
        format!("{mit}\n<http://www.opensource.org/licenses/mit-license.php>\n"),
    ] {
        assert_eq!(found(&same), "MIT", "{same}");
    }
    let bsd = text("BSD-3-Clause").replace("the copyright holder nor", "Google Inc. nor");
    assert_eq!(found(&bsd), "BSD-3-Clause");
    assert_eq!(found(&format!("BSD 3-Clause \"New\" or \"Revised\" License\n\n{bsd}")), "BSD-3-Clause");
    let apache = text("Apache-2.0");
    let (short, _) = apache.split_once("APPENDIX").unwrap();
    assert_eq!(found(short), "Apache-2.0");
    let (_, notice) = apache.split_once("[name of copyright owner]").unwrap();
    assert_eq!(found(&format!("Copyright 2018 Somebody\n{notice}")), "Apache-2.0");
}

#[test]
fn a_word_that_changes_something_makes_it_unknown() {
    let (mit, bsd, apache) = (text("MIT"), text("BSD-2-Clause"), text("Apache-2.0"));
    for other in [
        mit.replace("without restriction", "with restriction"),
        mit.replace("to any person", "to any person but one"),
        mit.replace("free of charge", "for a fee"),
        mit.replace("\n\nTHE SOFTWARE", "\n\nThe Software shall be used for Good, not Evil. Really.\n\nTHE SOFTWARE"),
        format!("{mit}\nThis does not hold for commercial use.\n"),
        format!("{mit}\nThe files in vendor/ are under the GPL.\n"),
        format!("This is licensed under MIT or Apache-2.0, at your choice.\n\n{mit}\n{apache}"),
        bsd.replace("must retain", "need not retain"),
        bsd.replace("with or without", "without"),
        apache.replace("perpetual", "revocable"),
        apache.replacen("4. Redistribution.", "4. Redistribution is not allowed.", 1),
        mit[..mit.len() / 2].to_owned(),
        String::new(),
        "See https://example.com/license".to_owned(),
        "word ".repeat(60_000),
    ] {
        assert_eq!(found(&other), "NOASSERTION", "{}", &other[..other.len().min(200)]);
    }
}

#[test]
fn several_texts_are_all_in_force_and_a_choice_is_none() {
    let (mit, apache, bsd) = (text("MIT"), text("Apache-2.0"), text("BSD-3-Clause"));
    let parts =
        format!("{bsd}\n------\nFiles: internal/*\n\n{apache}\n------\nFiles: other/*\n\nThe MIT License\n\n{mit}");
    assert_eq!(found(&parts), "Apache-2.0 AND BSD-3-Clause AND MIT");
    assert_eq!(found(&format!("{mit}\n{mit}")), "MIT");
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let of = |files: &[(String, String)]| of_files(files).unwrap_or_else(|| "NOASSERTION".to_owned());
    assert_eq!(of(&[file("LICENSE", &apache), file("LICENSE.libyaml", &mit)]), "Apache-2.0 AND MIT");
    assert_eq!(of(&[file("LICENSE-APACHE", &apache), file("LICENSE-MIT", &mit)]), "NOASSERTION");
    assert_eq!(of(&[file("LICENSE", &mit), file("LICENSE.extra", "more conditions")]), "NOASSERTION");
    assert_eq!(of(&[]), "NOASSERTION");
}

#[test]
fn what_a_file_says_of_itself_counts() {
    assert_eq!(found("SPDX-License-Identifier: MIT OR Apache-2.0\n"), "MIT OR Apache-2.0");
    assert_eq!(found("SPDX-License-Identifier: LicenseRef-own\n"), "NOASSERTION");
    // What stands beside it must not say otherwise.
    let with = |more: &str| found(&format!("SPDX-License-Identifier: MIT\n\n{more}\n"));
    assert_eq!(with("Copyright 2030 Ada\n\nA small library."), "MIT");
    assert_eq!(with("Not for commercial use."), "NOASSERTION");
    assert_eq!(with("Some files are under the Apache License."), "NOASSERTION");
    assert_eq!(found("SPDX-License-Identifier: NoSuch-1.0\n"), "NOASSERTION");
}

#[test]
fn expressions_and_names() {
    assert_eq!(
        valid("GPL-2.0-only WITH Classpath-exception-2.0").as_deref(),
        Some("GPL-2.0-only WITH Classpath-exception-2.0")
    );
    for none in ["", "NOASSERTION", "NONE", "custom words", "LicenseRef-x", "MIT AND", "MIT, BSD"] {
        assert_eq!(valid(none), None, "{none}");
    }
    let words = |words: &[&str]| all(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(words(&["MIT", "MIT"]).as_deref(), Some("MIT"));
    assert_eq!(words(&["MIT OR ISC", "BSD-2-Clause"]).as_deref(), Some("BSD-2-Clause AND (MIT OR ISC)"));
    assert_eq!((words(&["MIT", "words"]), words(&[])), (None, None));
    for (name, is) in [
        ("LICENSE", true),
        ("License.txt", true),
        ("COPYING", true),
        ("UNLICENSE", true),
        ("LICENCE.md", true),
        ("LICENSE-MIT", true),
        ("license.go", false),
        ("licenses.csv", false),
        ("PATENTS", false),
        ("README", false),
    ] {
        assert_eq!(is_license_file(name), is, "{name}");
    }
}
