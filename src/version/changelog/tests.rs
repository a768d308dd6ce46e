use proptest::prelude::*;

use super::*;
use crate::config::settings::changelog::ChangelogSettings;
use crate::version::notes::{Edition, Style};
use crate::version::{Change, VersionRules};

/// Commits whose names have their number in front, so that they differ where they are shortened.
fn edition(version: &str, messages: &[(u32, &str)]) -> Edition {
    let rules = VersionRules::built_in();
    let commit = |(at, message): &(u32, &str)| crate::history::Logged {
        id: format!("{at:07x}{:033x}", 0),
        parents: Vec::new(),
        time: 1_769_860_800,
        author: "A".into(),
        message: (*message).to_owned(),
    };
    let changes: Vec<Change> = messages.iter().map(commit).flat_map(|commit| Change::of(&commit, &rules)).collect();
    Edition {
        version: version.parse().unwrap(),
        tag: format!("v{version}"),
        previous: None,
        time: 1_769_860_800,
        changes,
    }
}

fn put(file: Option<&str>, edition: &Edition) -> String {
    let settings = ChangelogSettings::built_in();
    let text = Style::new(&settings, None, None).unwrap().notes(edition, false).unwrap();
    let commits: Vec<&str> = edition.changes.iter().map(|change| change.commit.as_str()).collect();
    update(file, "v", [Notes { version: &edition.version, text: &text, commits: &commits }])
}

#[test]
fn a_new_file_grows_version_by_version() {
    let first = put(None, &edition("0.1.0", &[(1, "feat: begin")]));
    let want = "# Changelog

What has changed for users, the newest version first.

## [0.1.0] - 2026-01-31

### Added

- begin (`0000001`)
";
    assert_eq!(first, want);
    let second = put(Some(&first), &edition("0.2.0", &[(3, "feat: more"), (2, "fix: less")]));
    let want = "# Changelog

What has changed for users, the newest version first.

## [0.2.0] - 2026-01-31

### Added

- more (`0000003`)

### Fixed

- less (`0000002`)

## [0.1.0] - 2026-01-31

### Added

- begin (`0000001`)
";
    assert_eq!(second, want);
    // A fix of the older line comes where it belongs.
    let third = put(Some(&second), &edition("0.1.1", &[(4, "fix: old")]));
    assert!(third.find("[0.2.0]") < third.find("[0.1.1]") && third.find("[0.1.1]") < third.find("[0.1.0]"), "{third}");
}

const BY_HAND: &str = "\u{feff}# Changes\r
\r
Ours. ```not a fence``` <!-- ## [7.0.0] -->\r
\r
## [Unreleased]\r
\r
Please read this first.\r
\r
### Added\r
\r
- searching, the long-awaited, see 0000002\r
\r
### Notes\r
\r
* by hand\r
\r
## v1.0.0 (2025-01-01)\r
\r
```md\r
## [9.9.9]\r
```\r
- the first\r
\r
[1.0.0]: https://example.com\r
";

#[test]
fn what_is_unreleased_goes_into_the_version_and_stays_as_written() {
    let new = edition("1.1.0", &[(3, "feat: filters"), (2, "feat: search"), (1, "fix: crash")]);
    let text = put(Some(BY_HAND), &new);
    let want = "\u{feff}# Changes

Ours. ```not a fence``` <!-- ## [7.0.0] -->

## [Unreleased]

## [1.1.0] - 2026-01-31

Please read this first.

### Added

- filters (`0000003`)
- searching, the long-awaited, see 0000002

### Fixed

- crash (`0000001`)

### Notes

* by hand

## v1.0.0 (2025-01-01)

```md
## [9.9.9]
```
- the first

[1.0.0]: https://example.com
";
    assert_eq!(text, want.replace('\n', "\r\n"));
    assert_eq!(put(Some(&text), &new), text);
}

#[test]
fn a_section_that_is_there_is_completed_and_kept() {
    let once = put(None, &edition("1.0.0", &[(1, "fix: one"), (2, "docs: two")]));
    let edited =
        once.replace("- one (`0000001`)", "- one, told better (`0000001`)\n  over two lines\n<!-- not 0000003 -->");
    let more = edition("1.0.0", &[(5, "feat!: five"), (4, "fix: four"), (3, "fix: three"), (1, "fix: one")]);
    let twice = put(Some(&edited), &more);
    let want = "## [1.0.0] - 2026-01-31

### Breaking changes

- five (`0000005`)

### Fixed

- one, told better (`0000001`)
  over two lines
<!-- not 0000003 -->
- four (`0000004`)
";
    assert!(twice.ends_with(want), "{twice}");
    assert_eq!(put(Some(&twice), &more), twice);
}

#[test]
fn release_candidates_are_told_once() {
    let first = put(None, &edition("2.0.0-rc.1", &[(1, "feat: one")]));
    assert!(first.contains("## [Unreleased]\n\n### Added\n\n- one (`0000001`)\n"), "{first}");
    let second = put(Some(&first), &edition("2.0.0-rc.2", &[(2, "feat: two"), (1, "feat: one")]));
    let stable = put(Some(&second), &edition("2.0.0", &[(3, "fix: three"), (2, "feat: two"), (1, "feat: one")]));
    for told in ["- one", "- two", "- three", "[2.0.0]"] {
        assert_eq!(stable.matches(told).count(), 1, "{stable}");
    }
    assert!(stable.contains("## [Unreleased]\n\n## [2.0.0]") && !stable.contains("rc"), "{stable}");
}

/// Files as somebody may write them: pieces of changelogs in any order.
fn file() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "# Changelog",
        "## [Unreleased]",
        "## [1.0.0] - 2025-01-01",
        "## v1.1.0",
        "## 2.0.0",
        "# [3.0.0](x)",
        "### Added",
        "### Fixed",
        "### Mine",
        "#### deep",
        "- one",
        "* two",
        "- told (`0000001`)",
        "  more",
        "text",
        "",
        "",
        "",
        "```",
        "~~~~",
        "<!-- a",
        "b -->",
        "[1.0.0]: https://x",
        "- - x",
        "\t- y",
        "0000002",
        "   ",
    ]);
    (prop::collection::vec(line, 0..30), prop::sample::select(vec!["\n", "\r\n"]))
        .prop_map(|(lines, end)| lines.join(end))
}

fn news() -> impl Strategy<Value = Edition> {
    let version = prop::sample::select(vec!["0.9.0", "1.0.0", "1.1.0", "1.5.0", "2.0.0", "3.0.0-rc.1", "4.0.0"]);
    let message = prop::sample::select(vec!["feat: a", "fix: b", "feat!: c", "docs: d", "perf(x): e", "loose"]);
    (version, prop::collection::vec((1_u32..6, message), 0..6)).prop_map(|(version, list)| {
        let mut seen = std::collections::BTreeSet::new();
        let list: Vec<(u32, &str)> = list.into_iter().filter(|(id, _)| seen.insert(*id)).collect();
        edition(version, &list)
    })
}

fn written(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn a_second_time_changes_nothing(text in file(), edition in news()) {
        let once = put(Some(&text), &edition);
        prop_assert_eq!(put(Some(&once), &edition), once);
    }

    #[test]
    fn nothing_that_somebody_wrote_is_lost(text in file(), first in news(), second in news()) {
        let mut after = written(&put(Some(&put(Some(&text), &first)), &second));
        for line in written(&text) {
            let at = after.iter().position(|other| *other == line);
            prop_assert!(at.is_some(), "{line:?} is gone:\n{}", after.join("\n"));
            after.remove(at.unwrap());
        }
    }

    #[test]
    fn what_needs_nothing_is_left_as_it_is(text in file()) {
        let told = edition("1.0.0", &[]);
        let again = put(Some(&text), &told);
        prop_assume!(Document::parse(&text, "v").sections.iter().any(|s| s.heading == Heading::parse("## 1.0.0", "v").unwrap()));
        prop_assert_eq!(again.trim_end(), text.trim_end());
    }
}
