//! Databases that are not what they should be, where no program is needed to see it.

#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use proptest::prelude::*;

use super::*;

#[test]
fn an_index_names_records_that_can_be_files() {
    let index_of = |id: &str| index("db", format!("[{{\"path\":\"m\",\"vulns\":[{{\"id\":{id:?}}}]}}]").as_bytes());
    assert!(index_of("GO-2024-2687").is_ok());
    let long = "a".repeat(65);
    for id in ["", "../x", "a/b", "a.json", "C:x", "a b", "\u{202e}", long.as_str()] {
        assert!(matches!(index_of(id), Err(ScanError::Broken { .. })), "{id}");
    }
}

#[test]
fn a_record_that_an_index_names_twice_is_read_once() {
    let text = br#"[{"path":"m","vulns":[{"id":"GO-1","modified":"x"},{"id":"GO-0"},{"id":"GO-1"}]}]"#;
    let (index, changed) = index("db", text).unwrap();
    assert_eq!(index[&(Ecosystem::Go, "m".to_owned())], ["GO-0", "GO-1"]);
    assert_eq!(changed.len(), 2);
}

#[test]
fn the_age_counts_from_what_is_longest_ago() {
    let state = |modified, fetched| state("db", &Index::new(), modified, false, fetched);
    assert_eq!(state(Some(10), Some(70)).age(100), Some(90));
    assert_eq!(state(Some(90), Some(70)).age(100), Some(30));
    assert_eq!(state(None, Some(70)).age(100), Some(30));
    assert_eq!(state(Some(10), None).age(100), Some(90));
    assert_eq!(state(None, None).age(100), None);
    // Two clocks may differ by some hours; a day that is to come says nothing.
    assert_eq!(state(Some(200), None).age(100), Some(0));
    for (modified, fetched) in [(Some(100 + 2 * 86_400), None), (Some(90), Some(100 + 2 * 86_400))] {
        assert_eq!(state(modified, fetched).age(100), None);
    }
}

#[test]
fn an_index_of_loose_records_is_made_once_for_each_state_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, records) = (dir.path().join("cache"), dir.path().join("records"));
    std::fs::create_dir(&records).unwrap();
    let write = |crate_name: &str| {
        let package = format!("{{\"package\":{{\"ecosystem\":\"crates.io\",\"name\":\"{crate_name}\"}}}}");
        let text = format!("{{\"id\":\"RUSTSEC-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{package}]}}");
        std::fs::write(records.join("RUSTSEC-1.json"), text).unwrap();
    };
    let place = records.to_str().unwrap();
    let index = || remembered(&cache, place, &Files::open(place).unwrap()).unwrap();
    let made = || files_below(&cache.join("steps"));
    write("a");
    let first = index();
    assert_eq!(first.0[&(Ecosystem::Crates, "a".to_owned())], ["RUSTSEC-1.json"]);
    assert_eq!((index(), made()), (first, 1));
    write("another");
    assert_eq!(index().0.into_keys().collect::<Vec<_>>(), [(Ecosystem::Crates, "another".to_owned())]);
    assert_eq!(made(), 2);
}

/// How many files there are below a folder.
fn files_below(dir: &std::path::Path) -> usize {
    let mut count = 0;
    crate::host::tree::walk(dir, &mut |_| true, &mut |_| count += 1).unwrap();
    count
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}:,\"a-z0-9]{0,80}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            drop(index("db", bytes));
            drop(meta("db", Some(bytes.to_vec())));
            drop(Advisory::read(bytes));
            drop(super::super::vex::read("vex", bytes));
        }
    }
}
