//! A checksum database of our own in a folder: a key, a log, tiles, and lookups, honest or not.
#![allow(clippy::disallowed_methods)]

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};

use super::tree::{Hash, leaf, node};
use super::*;
use crate::host::env::Env;

/// A database whose records are texts.
pub(crate) struct TestDb {
    key: SigningKey,
    name: String,
    pub(crate) records: Vec<String>,
}

impl TestDb {
    pub(crate) fn new(seed: u8) -> Self {
        // Enough records for a second level of tiles.
        let records = (0..600).map(|n| format!("example.com/m{n} v1.0.0 h1:{}\n", "A".repeat(43) + "=")).collect();
        Self { key: SigningKey::from_bytes(&[seed; 32]), name: "sum.example".into(), records }
    }

    fn algorithm_and_key(&self) -> Vec<u8> {
        [&[1], self.key.verifying_key().as_bytes().as_slice()].concat()
    }

    fn hash(&self) -> [u8; 4] {
        note::key_hash(&self.name, &self.algorithm_and_key())
    }

    /// The value for `GOSUMDB`, without an URL.
    pub(crate) fn setting(&self) -> String {
        use base64ct::{Base64, Encoding};
        let key = Base64::encode_string(&self.algorithm_and_key());
        format!("{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.hash()))
    }

    /// Signs a text as a note.
    fn sign(&self, text: &str) -> String {
        use base64ct::{Base64, Encoding};
        let signature = [&self.hash()[..], &self.key.sign(text.as_bytes()).to_bytes()].concat();
        format!("{text}\n— {} {}\n", self.name, Base64::encode_string(&signature))
    }

    fn levels(&self) -> Vec<Vec<Hash>> {
        let mut levels = vec![self.records.iter().map(|record| leaf(record.as_bytes())).collect::<Vec<_>>()];
        while levels.last().unwrap().len() > 1 {
            let next = levels.last().unwrap().chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
            levels.push(next);
        }
        levels
    }

    /// The root by the recursive definition of RFC 6962, independent of tiles.
    fn root(records: &[Hash]) -> Hash {
        match records.len() {
            0 => *Digest::of(b"").bytes(),
            1 => records[0],
            count => {
                let left = count.next_power_of_two() / 2;
                node(&Self::root(&records[..left]), &Self::root(&records[left..]))
            }
        }
    }

    /// The signed tree head.
    fn head(&self) -> String {
        use base64ct::{Base64, Encoding};
        let root = Base64::encode_string(&Self::root(&self.levels()[0]));
        self.sign(&format!("go.sum database tree\n{}\n{root}\n", self.records.len()))
    }

    /// Writes everything as a server's folder: `supported`, tiles, and a lookup of the last record under a name.
    pub(crate) fn serve(&self, dir: &Path, looked_up: &str) {
        let base = dir.join("sumdb").join(&self.name);
        for (level, hashes) in self.levels().iter().enumerate().step_by(8) {
            for (number, chunk) in hashes.chunks(256).enumerate() {
                let partial = if chunk.len() == 256 { String::new() } else { format!(".p/{}", chunk.len()) };
                let path = base.join(format!("tile/8/{}/{number:03}{partial}", level / 8));
                put(&path, &chunk.concat());
            }
        }
        put(&base.join("supported"), b"");
        let last = self.records.len() - 1;
        let answer = format!("{last}\n{}\n{}", self.records[last], self.head());
        put(&base.join("lookup").join(looked_up), answer.as_bytes());
    }
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

const MODULE: &str = "example.com/tool";
const LOOKUP: &str = "example.com/tool@v1.0.0";

fn hash() -> String {
    super::super::dirhash::hash1([("x", Digest::of(b"x"))])
}

fn with_record() -> TestDb {
    let mut db = TestDb::new(7);
    db.records.push(format!("{MODULE} v1.0.0 {0}\n{MODULE} v1.0.0/go.mod {0}\n", hash()));
    db
}

/// Looks the module up in a folder as a proxy.
fn look(dir: &Path, setting: &str) -> Result<String, &'static str> {
    let http = Http::hurried(&Env::default());
    let proxies = Proxies::parse(&format!("file://{}", dir.display())).unwrap();
    let db = SumDb::parse(setting).unwrap().unwrap();
    let asking = Asking { http: &http, proxies: &proxies, seen: &dir.join("seen") };
    let session = Session::open(&db, &asking).map_err(|error| error.code())?;
    session.lookup(MODULE, "v1.0.0").map_err(|error| error.code())
}

fn edit(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_honest_answer_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let db = with_record();
    db.serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Ok(hash()));
    // The second time against the tree head that was kept.
    assert_eq!(look(dir.path(), &db.setting()), Ok(hash()));
}

#[test]
fn what_a_killed_run_has_staged_goes_with_the_next_head() {
    let dir = tempfile::tempdir().unwrap();
    let (db, seen) = (with_record(), dir.path().join("seen"));
    for name in [".staged.123-4", ".staged.mine"] {
        put(&seen.join(name), b"half");
    }
    db.serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Ok(hash()));
    assert!(!seen.join(".staged.123-4").exists());
    assert!(seen.join(".staged.mine").exists(), "only what is named as we name it is ours");
    assert_eq!(std::fs::read_dir(&seen).unwrap().count(), 3, "a head, the lock, and what is not ours");
}

#[test]
fn every_size_of_tree_proves_its_records_and_its_past() {
    let full = with_record();
    let all: Vec<Hash> = full.records.iter().map(|record| leaf(record.as_bytes())).collect();
    for size in [1usize, 2, 3, 5, 255, 256, 257, 300, 511, 512, 513, 601] {
        let db = TestDb { key: full.key.clone(), name: full.name.clone(), records: full.records[..size].to_vec() };
        let levels = db.levels();
        let mut read = |tile: Tile| {
            let path = tile.path();
            let parts: Vec<&str> = path.split(['/', '.']).collect();
            let level: usize = parts[2].parse().unwrap();
            let number: usize = parts[3].parse().unwrap();
            let hashes = &levels[level * 8][number * 256..];
            Ok(hashes[..hashes.len().min(tile.bytes() / 32)].concat())
        };
        let root = TestDb::root(&all[..size]);
        for number in [0, size / 2, size - 1] {
            let mut tree = Tree::new(size as u64, &mut read);
            assert_eq!(tree.root_with(number as u64, &all[number]).unwrap(), root, "{number} of {size}");
            assert_ne!(Tree::new(size as u64, &mut read).root_with(number as u64, &[0; 32]).unwrap(), root);
        }
        for older in [0, 1, size / 3, size / 2, size - 1, size] {
            let roots = Tree::new(size as u64, &mut read).roots(older as u64).unwrap();
            assert_eq!(roots, (root, TestDb::root(&all[..older])), "{older} of {size}");
        }
        assert!(Tree::new(size as u64, &mut read).root_with(size as u64, &[0; 32]).is_err());
    }
}

#[test]
fn a_forged_record_or_tile_is_refused() {
    let db = with_record();
    let sum = |dir: &Path| dir.join("sumdb/sum.example");
    type Forge<'a> = &'a dyn Fn(&Path);
    let forgeries: [(&str, Forge<'_>); 4] = [
        ("sumdb.proof", &|dir| {
            let other = super::super::dirhash::hash1([("x", Digest::of(b"evil"))]);
            edit(&sum(dir).join("lookup").join(LOOKUP), |bytes| {
                *bytes = String::from_utf8(bytes.clone()).unwrap().replacen(&hash(), &other, 1).into_bytes();
            });
        }),
        ("sumdb.proof", &|dir| edit(&sum(dir).join("tile/8/1/000.p/2"), |bytes| bytes[40] ^= 1)),
        ("sumdb.malformed", &|dir| edit(&sum(dir).join("tile/8/1/000.p/2"), |bytes| bytes.truncate(40))),
        ("sumdb.malformed", &|dir| edit(&sum(dir).join("tile/8/1/000.p/2"), |bytes| bytes.resize(100_000, 0))),
    ];
    for (code, forge) in forgeries {
        let dir = tempfile::tempdir().unwrap();
        db.serve(dir.path(), LOOKUP);
        forge(dir.path());
        assert_eq!(look(dir.path(), &db.setting()), Err(code));
    }
}

#[test]
fn a_wrong_signature_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = with_record();
    // The same log, signed by another key under the same name.
    TestDb { key: SigningKey::from_bytes(&[8; 32]), name: db.name.clone(), records: db.records.clone() }
        .serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Err("sumdb.signature"));
    // Each byte of the signature and of the tree head counts.
    db.serve(dir.path(), LOOKUP);
    let path = dir.path().join("sumdb/sum.example/lookup").join(LOOKUP);
    let good = std::fs::read(&path).unwrap();
    let note = good.windows(6).position(|window| window == b"go.sum").unwrap();
    for at in note..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(look(dir.path(), &db.setting()).is_err(), "byte {at}");
    }
}

#[test]
fn a_log_that_forgets_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let db = with_record();
    db.serve(dir.path(), LOOKUP);
    look(dir.path(), &db.setting()).unwrap();
    let mut forked = with_record();
    forked.records[3] = "example.com/other v1.0.0 h1:x\n".into();
    forked.serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Err("sumdb.fork"));
    // The same with more records, and a log that grew honestly.
    let (more, last) = (db.records[5].clone(), db.records[600].clone());
    let mut grown = with_record();
    grown.records.extend([more, last]);
    grown.serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Ok(hash()));
    forked.records.clone_from(&grown.records);
    forked.records[0] = "example.com/other v1.0.0 h1:x\n".into();
    forked.records.push(grown.records[600].clone());
    forked.serve(dir.path(), LOOKUP);
    assert_eq!(look(dir.path(), &db.setting()), Err("sumdb.fork"));
}

#[test]
fn what_the_database_does_not_know_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = with_record();
    db.serve(dir.path(), "example.com/another@v1.0.0");
    assert_eq!(look(dir.path(), &db.setting()), Err("sumdb.unknown"));
}

#[test]
fn settings_are_read_as_go_reads_them() {
    let name = |text: &str| SumDb::parse(text).map(|db| db.map(|db| (db.name().to_owned(), db.base)));
    let public = "sum.golang.org".to_owned();
    assert_eq!(name("off").unwrap(), None);
    assert_eq!(name("sum.golang.org").unwrap(), Some((public.clone(), None)));
    assert_eq!(
        name("sum.golang.google.cn").unwrap(),
        Some((public.clone(), Some("https://sum.golang.google.cn".into())))
    );
    let own = TestDb::new(1).setting();
    assert_eq!(name(&format!("{own} https://a/")).unwrap().unwrap().1.as_deref(), Some("https://a"));
    let evil_name = own.replacen("sum.example", "../evil", 1);
    for wrong in ["", "a b c", "unknown.example", &own[..own.len() - 2], &own.replacen('+', "+0", 1), &evil_name] {
        assert_eq!(SumDb::parse(wrong).map(drop).unwrap_err().code(), "sumdb.setting", "{wrong}");
    }
}

#[test]
fn the_public_database_signs_with_the_public_key() {
    // A lookup of the public database, as its proxy gave it in 2026: the signature is checked against the built-in key.
    let note = "go.sum database tree\n66332798\nczPocWFmMwQrSENohgEPvFiqA+2i/3lRZhHbxtma2UQ=\n\n\
                — sum.golang.org Az3grh19zTBOmg0dGOAELF5SP1N/QTSsuYwquERee13uccsbttgwVlS/0MhlHd7IEvb6fQVKmu7XFovf0PT1tKOnHQo=\n";
    let db = SumDb::parse("sum.golang.org").unwrap().unwrap();
    assert_eq!(Head::parse(db.verifier.open(note).unwrap()).unwrap().size, 66_332_798);
    assert!(db.verifier.open(&note.replacen('6', "7", 1)).is_err());
}
