use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

/// Calls a target on an input, and on what is left of it when it is cut anywhere (at most at 50 places).
fn holds(target: &Target, input: &[u8], name: &str) {
    let cuts = (0..input.len()).step_by((input.len() / 50).max(1)).chain([input.len()]);
    for cut in cuts {
        let kept = catch_unwind(AssertUnwindSafe(|| (target.run)(&input[..cut])));
        assert!(kept.is_ok(), "{}: {name}, cut at {cut}", target.name);
    }
}

#[test]
fn each_target_holds_for_its_seeds_whole_and_cut() {
    let mut names = BTreeSet::new();
    for target in TARGETS {
        let seeds = target.inputs();
        assert!(seeds.len() >= 3, "{} has {} seeds", target.name, seeds.len());
        for (at, seed) in seeds.iter().enumerate() {
            holds(target, seed, &format!("seed {at}"));
        }
        assert!(names.insert(target.name));
    }
}

/// What once broke a target: `tests/vectors/fuzz/TARGET/NAME`, the bytes as they were found.
#[test]
fn what_once_broke_a_target_does_not_again() {
    let folder = vectors().join("fuzz");
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = target(&name).unwrap_or_else(|| panic!("no target is called {name}"));
        for input in std::fs::read_dir(entry.path()).expect("a folder of inputs").flatten() {
            let bytes = std::fs::read(input.path()).expect("an input");
            holds(target, &bytes, &input.file_name().to_string_lossy());
        }
    }
}

/// A target whose good seeds are refused early would never reach what it is for.
#[test]
fn the_good_seeds_are_accepted() {
    assert!(signed::envelopes().iter().any(|seed| signed::opens(seed)));
    assert!(signed::statements().iter().filter(|seed| signed::is_statement(seed)).count() >= 2);
    assert!(keys::key_files().iter().filter(|seed| keys::is_key(seed)).count() >= 8);
    for (seeds, accepted) in [(keys::minisigns(), 2), (keys::sshs(), 3)] {
        assert!(seeds.iter().filter(|seed| keys::is_signature(seed)).count() >= accepted);
    }
    for seeds in [executable::elves(), executable::pes(), executable::mach_os()] {
        let told: Vec<String> = seeds.iter().map(|seed| programs::told(seed)).collect();
        assert!(told.iter().any(|told| told.contains("go1.26.8 2 modules 2 functions")), "{told:?}");
    }
    for seed in go::build_infos() {
        let told = programs::told(&go::in_an_executable(&seed));
        assert!(told.contains("go1."), "{told}");
    }
    for seed in go::tables() {
        let told = programs::told(&go::with_a_table(&seed));
        assert!(told.contains("2 functions"), "{told}");
    }
    assert!(vulnerabilities::records().iter().all(|seed| vulnerabilities::is_record(seed)));
    assert!(vulnerabilities::documents().iter().all(|seed| vulnerabilities::is_document(seed)));
}
