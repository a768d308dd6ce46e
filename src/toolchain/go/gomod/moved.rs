//! What has changed in a manifest, by module.

use std::collections::BTreeSet;

use super::{Directive, directives, parse};
use crate::toolchain::go::version::GoVersion;

/// The modules that two states of a file ask for in other versions or find elsewhere; nothing when more than that is
/// different, or may be: of a file that was not there, and of one that cannot be read.
///
/// From Go 1.17 on a `go.mod` names every module that its packages are built of (<https://go.dev/ref/mod#graph-pruning>):
/// one that it names as before is built as before.
pub fn moved_modules(before: &str, after: &str) -> Option<BTreeSet<String>> {
    let said = |text| -> Option<BTreeSet<(String, Vec<String>)>> {
        let file = parse("go.mod", text).ok()?;
        // A go.work names no module: those of its go.mod files count.
        if file.module.is_some() && file.go?.value < GoVersion::FIRST_WITH_PRUNED_GRAPHS {
            return None;
        }
        let words = |directive: Directive<'_>| {
            (directive.verb.to_owned(), directive.words.into_iter().map(|word| word.value).collect())
        };
        Some(directives("go.mod", text).ok()?.into_iter().map(words).collect())
    };
    let (old, new) = (said(before)?, said(after)?);
    let mut moved = BTreeSet::new();
    for (verb, words) in old.symmetric_difference(&new) {
        match (verb.as_str(), &words[..]) {
            ("require" | "replace" | "exclude", [module, ..]) => drop(moved.insert(module.clone())),
            // What is for who depends on the module, or for `go tool`, is in no binary.
            ("retract" | "tool", _) => {}
            _ => return None,
        }
    }
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_asks_for_is_compared_by_module() {
        let base = "module m\n\ngo 1.26\n\nrequire (\n\tb v1.0.0 // indirect\n\tc v1.0.0\n)\n";
        let moved = |after: &str| moved_modules(base, after).map(|moved| moved.into_iter().collect::<Vec<_>>());
        let with = |from: &str, to: &str| base.replace(from, to);
        assert_eq!(moved(base).unwrap(), [""; 0]);
        assert_eq!(moved(&with(" // indirect", "")).unwrap(), [""; 0]);
        assert_eq!(moved(&with("b v1.0.0", "b v1.1.0")).unwrap(), ["b"]);
        assert_eq!(moved(&format!("{base}replace c => ../c\nretract v1.0.0\ntool x/y\n")).unwrap(), ["c"]);
        assert_eq!(moved(&with("\tc v1.0.0\n", "\td v1.0.0\n")).unwrap(), ["c", "d"]);
        for all in [with("1.26", "1.27"), with("module m", "module n"), format!("{base}godebug x=1\n"), "(".to_owned()]
        {
            assert_eq!(moved(&all), None, "{all}");
        }
        // Before Go 1.17 a module may move that is not named.
        let old = with("1.26", "1.16");
        assert_eq!(moved_modules(&old, &old.replace("b v1.0.0", "b v1.1.0")), None);
        assert_eq!(moved_modules("go 1.26\nuse ./a\n", "go 1.26\nuse ./b\n"), None);
        assert_eq!(moved_modules("go 1.26\nuse ./a\n", "go 1.26\nuse ./a\nreplace x => ./x\n").unwrap().len(), 1);
    }
}
