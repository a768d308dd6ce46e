//! Databases that are not what they should be, where no program is needed to see it.

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
fn the_age_counts_from_the_last_fetch_else_from_the_last_change() {
    let state = |modified, fetched| state("db", &Index::new(), modified, false, fetched);
    assert_eq!(state(Some(10), Some(70)).age(100), Some(30));
    assert_eq!(state(Some(10), None).age(100), Some(90));
    assert_eq!(state(None, None).age(100), None);
    // A clock that was set back makes nothing old.
    assert_eq!(state(Some(200), None).age(100), Some(0));
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
