#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::io::Write;

use super::*;
use crate::host::staging::Staged;

fn store(dir: &Path) -> Store {
    Store::open(dir).unwrap()
}

fn put(store: &Store, bytes: &[u8]) -> Artifact {
    let mut staged = Staged::create(store.stage(), 0o644).unwrap();
    staged.write_all(bytes).unwrap();
    store.keep(staged.measured()).unwrap()
}

fn key(text: &str) -> Key {
    KeyBuilder::new("test", 1).with("a", text).finish()
}

#[test]
fn keys_do_not_run_together() {
    let one = KeyBuilder::new("t", 1).with("ab", "c").finish();
    let two = KeyBuilder::new("t", 1).with("a", "bc").finish();
    let three = KeyBuilder::new("t", 1).with("ab", "").with("c", "").finish();
    assert!(one != two && two != three && one != three);
}

#[test]
fn a_damaged_blob_is_seen_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let output = Output::from(put(&store, b"bytes"));
    assert!(store.intact(output).unwrap().is_some());
    std::fs::write(store.path_of(output.digest), b"bytez").unwrap();
    assert!(store.intact(output).unwrap().is_none());
    assert!(!store.path_of(output.digest).exists());
}

#[test]
fn a_damaged_record_is_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let record = Record { step: "s".into(), outputs: BTreeMap::new(), value: serde_json::json!({"a": 1}) };
    store.record(&key("x"), &record).unwrap();
    assert_eq!(store.find(&key("x")).unwrap(), Some(record));
    let path = store.fan(&["steps"], &key("x").digest().hex());
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(store.find(&key("x")).unwrap(), None);
}

#[test]
fn a_memo_is_found_out_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let mut asked = 0;
    for _ in 0..2 {
        let answer: Result<u32, FileError> = store.memo(&key("m"), "memo", || {
            asked += 1;
            Ok(7)
        });
        assert_eq!(answer.unwrap(), 7);
    }
    assert_eq!(asked, 1);
}

#[test]
fn a_killed_run_leaves_nothing_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let dead = dir.path().join("stage/run.1-1");
    std::fs::create_dir_all(dead.join("deep")).unwrap();
    std::fs::write(dir.path().join("stage/run.1-1.lock"), "").unwrap();
    let first = store(dir.path());
    assert!(!dead.exists());
    let second = store(dir.path());
    assert!(first.stage().exists() && second.stage().exists());
    let gone = first.stage().to_owned();
    drop(first);
    assert!(!gone.exists());
}

#[test]
fn pruning_keeps_the_youngest() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let old = put(&store, &[1; 100]);
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
    std::fs::File::open(store.path_of(old.digest())).unwrap().set_modified(past).unwrap();
    let young = put(&store, &[2; 100]);
    store.record(&key("young"), &Record { step: String::new(), outputs: BTreeMap::new(), value: 1.into() }).unwrap();
    let pruned = store.prune(150).unwrap();
    assert_eq!((pruned.removed.blobs, pruned.left), (1, Stats { blobs: 1, bytes: 100, steps: 1 }));
    assert!(store.intact(young.into()).unwrap().is_some());
}
