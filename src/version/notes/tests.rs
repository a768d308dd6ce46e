use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::error::Fault;
use crate::sanitize::is_hazard;
use crate::version::VersionRules;

const GITHUB: &str = "https://github.com/acme/shop";

fn forge() -> Forge {
    Forge::of(GITHUB, None).unwrap()
}

/// What the changes of some messages are; ids are numbered from one.
pub fn changes(messages: &[&str]) -> Vec<Change> {
    let rules = VersionRules::built_in();
    let commit = |(at, message): (usize, &&str)| crate::history::Logged {
        id: format!("{:040x}", 0xabc_0000 + at + 1),
        parents: Vec::new(),
        time: 1_769_860_800,
        author: format!("Author {}", at % 2),
        message: (*message).to_owned(),
    };
    messages.iter().enumerate().map(commit).flat_map(|commit| Change::of(&commit, &rules)).collect()
}

pub fn edition(version: &str, previous: Option<&str>, messages: &[&str]) -> Edition {
    Edition {
        version: version.parse().unwrap(),
        tag: format!("v{version}"),
        previous: previous.map(str::to_owned),
        time: 1_769_860_800,
        changes: changes(messages),
    }
}

fn told(edition: &Edition, forge: Option<&Forge>, standalone: bool) -> String {
    let settings = ChangelogSettings::built_in();
    Style::new(&settings, forge, None).unwrap().notes(edition, standalone).unwrap()
}

const MESSAGES: &[&str] = &[
    "feat(cart)!: take prices in cents (#41)\n\nBREAKING CHANGE: `Price` is an integer now;\nmultiply yours by 100.",
    "feat: search by colour\n\nCloses #12, acme/web#3",
    "fix(api): no panic on an empty cart (#42)",
    "chore: tidy up",
    "refactor!: drop the old endpoint",
    "perf: fewer queries",
    "Update README",
];

#[test]
fn a_section_of_keep_a_changelog() {
    let text = told(&edition("2.0.0", Some("v1.4.0"), MESSAGES), Some(&forge()), false);
    let commit = |at: usize| format!("[`0000000`](https://github.com/acme/shop/commit/{:040x})", 0xabc_0000 + at);
    let want = format!(
        "## [2.0.0](https://github.com/acme/shop/compare/v1.4.0...v2.0.0) - 2026-01-31

### Breaking changes

- **cart:** `Price` is an integer now; multiply yours by 100. ({}, [\\#41](https://github.com/acme/shop/issues/41))
- drop the old endpoint ({})

### Added

- **cart:** take prices in cents ([\\#41](https://github.com/acme/shop/issues/41)) ({})
- search by colour ({}, [\\#12](https://github.com/acme/shop/issues/12), [acme/web\\#3](https://github.com/acme/web/issues/3))

### Changed

- fewer queries ({})

### Fixed

- **api:** no panic on an empty cart ([\\#42](https://github.com/acme/shop/issues/42)) ({})

### Other changes

- Update README ({})
",
        commit(1),
        commit(5),
        commit(1),
        commit(2),
        commit(6),
        commit(3),
        commit(7),
    );
    assert_eq!(text, want);
}

#[test]
fn notes_that_stand_alone_have_no_heading_and_name_people() {
    let text = told(&edition("1.0.0", None, &["feat: first"]), Some(&forge()), true);
    let want = "### Added

- first ([`0000000`](https://github.com/acme/shop/commit/000000000000000000000000000000000abc0001))

**Contributors:** Author 0

**All changes:** [v1.0.0](https://github.com/acme/shop/releases/tag/v1.0.0)
";
    assert_eq!(text, want);
    let text = told(&edition("1.0.0", None, &["chore: nothing"]), None, false);
    assert_eq!(text, "## [1.0.0] - 2026-01-31\n\nThe first release.\n");
    let text = told(&edition("1.0.1", Some("v1.0.0"), &["chore: nothing"]), None, false);
    assert_eq!(text, "## [1.0.1] - 2026-01-31\n\nNo changes that users would notice.\n");
}

/// What a reader of GitHub's Markdown makes of one item: its text, and everything that is not text.
fn read(line: &str) -> (String, Vec<String>) {
    let (mut text, mut other) = (String::new(), Vec::new());
    let page = format!("- {line}\n");
    for event in Parser::new_ext(&page, Options::all()) {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::Start(Tag::List(None) | Tag::Item | Tag::Paragraph)
            | Event::End(TagEnd::List(false) | TagEnd::Item | TagEnd::Paragraph) => {}
            event => other.push(format!("{event:?}")),
        }
    }
    (text, other)
}

#[test]
fn nothing_in_a_commit_does_anything() {
    let text = |raw: &str| markdown::line(raw, Some(&forge()));
    for (raw, want) in [
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("12) item", r"12\) item"),
        ("+ item", r"\+ item"),
        ("=== x", r"\=== x"),
        ("> quote", "&gt; quote"),
        ("**bold** _it_ ~~no~~", r"\*\*bold\*\* \_it\_ \~\~no\~\~"),
        ("snake_case_name", "snake_case_name"),
        ("[click](javascript:alert(1))", r"\[click\](javascript:alert(1))"),
        ("![x](https://evil.example/pixel.png)", "`![x](https://evil.example/pixel.png`)"),
        ("[x]: evil", r"\[x\]: evil"),
        ("[^1] note", r"\[\^1\] note"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<!-- hidden", "&lt;!-- hidden"),
        ("a &lt; b &copy;", "a &amp;lt; b &amp;copy;"),
        ("thanks @alice, (@bob/team).", "thanks `@alice`, (`@bob/team`)."),
        ("mail x@evil.example", "mail `x@evil.example`"),
        ("see https://evil.example/a_b and www.evil.example", "see `https://evil.example/a_b` and `www.evil.example`"),
        ("a | b | c", r"a \| b \| c"),
        ("cost $x$ $$y$$", r"cost \$x\$ \$\$y\$\$"),
        (r"\*not\*", r"\\\*not\\\*"),
        ("use `foo_*` here", "use `foo_*` here"),
        ("lone ` here @x", "lone &#96; here `@x`"),
        ("`a`@b`c`", "`a` `@b` `c`"),
        ("``two ` in``", "``two ` in``"),
        ("{{ site }} {% raw %}", "&#123;{ site }} &#123;% raw %}"),
        ("fixes #12, !7", r"fixes [\#12](https://github.com/acme/shop/issues/12), !7"),
        ("two\nlines\r\n# x\u{2028}y\u{85}z", r"two lines \# x y z"),
        ("red \u{1b}[31m\u{9b}2J\u{7}", r"red \\u{1b}\[31m\\u{9b}2J\\u{7}"),
        ("user\u{202e}gpj.exe\u{2066}", r"user\\u{202e}gpj.exe\\u{2066}"),
        ("\u{0}\u{200b}", r"\\u{0}\\u{200b}"),
    ] {
        let got = text(raw);
        if raw.contains("``two") {
            // A span with a backquote in it is written as text.
            assert!(read(&got).1.is_empty(), "{got}");
            continue;
        }
        assert_eq!(got, want, "{raw:?}");
        let other = read(&markdown::line(raw, None)).1;
        assert_eq!(other, [""; 0], "{raw:?}");
    }
    assert!(text(&"long ".repeat(1 << 20)).len() < 700);
}

#[test]
fn scope_and_author_are_texts_of_a_commit_too() {
    let mut evil = edition("1.0.0", None, &["feat: x"]);
    evil.changes[0].scope = Some("a**\n## [9.9.9]\n@all".into());
    evil.changes[0].author = "<img src=x> @boss\n- item".into();
    let text = told(&evil, None, true);
    assert!(text.contains(r"- **a\*\* \#\# \[9.9.9\] `@all`:** x (`0000000`)"), "{text}");
    assert!(text.contains("**Contributors:** &lt;img src=x&gt; `@boss` - item\n"), "{text}");
}

#[test]
fn a_template_of_ones_own() {
    let settings = ChangelogSettings::built_in();
    let render = |template: &str, edition: &Edition| {
        Style::new(&settings, None, Some(("n.jinja", template))).and_then(|mut style| style.notes(edition, false))
    };
    let one = edition("1.2.0", None, &["feat(x): a <b>", "fix: c"]);
    let text = render(
        "# {{ tag }}\n{% for s in sections %}{% for i in s.items %}* {{ i.text }}\n{% endfor %}{% endfor %}",
        &one,
    );
    assert_eq!(text.unwrap(), "# v1.2.0\n* a &lt;b&gt;\n* c\n");
    assert_eq!(render("{{ '@all <b>' ~ '' }}{{ 3 }}", &one).unwrap(), "`@all` &lt;b&gt;3\n");
    for (template, line, what) in [
        ("a\n{{ nothing }}", 2, "undefined"),
        ("{{ version.minor }}", 1, "undefined"),
        ("a\nb\n{% if %}", 3, "syntax"),
        ("{{ version|safe }}", 1, "filter"),
        ("{% include 'x' %}", 1, ""),
        ("{{ range(3) }}", 1, ""),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, ""),
        (
            "{% macro m(n) %}{% for s in sections %}{% for t in sections %}{{ m(n) }}{% endfor %}{% endfor %}{% endmacro %}\n{{ m(1) }}",
            1,
            "",
        ),
    ] {
        let error = render(template, &one).unwrap_err();
        assert_eq!(error.code(), "changelog.template", "{template}");
        assert!(error.to_string().contains(what), "{template}: {error}");
        assert_eq!(error.place().map(|place| place.line), Some(line), "{template}: {error}");
    }
    let nested = "{% for a in contributors %}".to_owned();
    let deep = format!("{}x{}", nested.repeat(30), "{% endfor %}".repeat(30));
    let many: Vec<String> = (0..40).map(|at| format!("feat: {at}")).collect();
    let mut crowd = edition("1.0.0", None, &many.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, change) in crowd.changes.iter_mut().enumerate() {
        change.author = format!("a{at}");
    }
    assert!(render(&deep, &crowd).unwrap_err().to_string().contains("too many steps"));
}

proptest! {
    #[test]
    fn any_text_is_read_as_text(raw in hostile()) {
        let line = markdown::line(&raw, None);
        prop_assert!(!line.chars().any(|c| c == '\n' || is_hazard(c)), "{line:?}");
        let (_, other) = read(&line);
        prop_assert!(other.is_empty(), "{raw:?} -> {line:?}: {other:?}");
        // What a forge looks for afterwards stands in code alone.
        let mut outside = String::new();
        for event in Parser::new(&line) {
            if let Event::Text(text) = event {
                outside.push_str(&text);
                outside.push(' ');
            }
        }
        prop_assert!(!outside.contains('@') && !outside.contains("://") && !outside.to_lowercase().contains("www."), "{line:?}");
    }
}

/// Texts of the signs that mean something, and of anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "`",
        "``",
        "```",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "[",
        "]",
        "(",
        ")",
        "](x)",
        "![",
        "<",
        ">",
        "<b>",
        "</b>",
        "<!--",
        "-->",
        "&lt;",
        "&",
        "#",
        "##",
        "- ",
        "+ ",
        "1. ",
        "2) ",
        "=",
        "---",
        "|",
        "$",
        "$$",
        "\\",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "    ",
        "@",
        "@bob",
        "a@b.c",
        "https://x.y",
        "http://",
        "://",
        "www.",
        "www.x",
        ":",
        ": ",
        "{{",
        "{%",
        "!",
        "\"",
        "'",
        "^",
        "word",
        "a",
        "1",
        ".",
        ",",
        "é",
        "漢",
        "\u{1b}",
        "\u{202e}",
        "\u{a0}",
        "\u{3000}",
        "[^a]",
        "[x]",
        ":smile:",
        "%",
    ]);
    let any = any::<char>().prop_map(|c| c.to_string());
    prop::collection::vec(prop_oneof![8 => piece.prop_map(str::to_owned), 1 => any], 0..24)
        .prop_map(|parts| parts.concat())
}
