//! Every file of `tests/vectors/verify/key` and `…/signature`: one attack, one way of failing, and the code it must give.
#![allow(clippy::disallowed_methods, reason = "a test reads files of its own")]

use std::collections::BTreeSet;
use std::path::Path;

use sealift_trust::{Detached, PublicKey};

/// A vector: its file's name, and what stands in it.
struct Vector {
    file: String,
    members: serde_json::Map<String, serde_json::Value>,
}

impl Vector {
    fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(|value| value.as_str()).unwrap_or_else(|| panic!("{}: {name}", self.file))
    }

    /// Bytes: as text, or where they are none in hexadecimal digits.
    fn bytes(&self, name: &str) -> Vec<u8> {
        match self.members.get(&format!("{name}Hex")) {
            None => self.text(name).as_bytes().to_vec(),
            Some(_) => {
                let hex = self.text(&format!("{name}Hex"));
                let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
                (0..hex.len()).step_by(2).map(byte).collect()
            }
        }
    }
}

fn vectors(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/verify").join(folder);
    let mut found: Vec<Vector> = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("a folder of vectors") {
        let path = entry.expect("a vector").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("a vector");
        let members = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        found.push(Vector { file, members });
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

/// Judges each vector, and says of all that differ what came instead.
fn judge(folder: &str, least: usize, judge: impl Fn(&Vector) -> &'static str) {
    let vectors = vectors(folder);
    let mut wrong = Vec::new();
    for vector in &vectors {
        let found = judge(vector);
        if found != vector.text("expect") {
            wrong.push(format!("{}: {} instead of {}", vector.file, found, vector.text("expect")));
        }
        let attack = vector.text("attack");
        assert!(attack.len() == 3 && attack.starts_with('A'), "{}: {attack}", vector.file);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Copies would be counted, and would show nothing.
    let same = |vector: &Vector| {
        let input = |name: &str| vector.members.get(name).map(ToString::to_string).unwrap_or_default();
        ["key", "keyHex", "signature", "signatureHex", "message", "messageHex"].map(input)
    };
    let distinct: BTreeSet<_> = vectors.iter().map(same).collect();
    assert!(distinct.len() == vectors.len() && vectors.len() >= least, "{} of {}", distinct.len(), vectors.len());
}

#[test]
fn keys_are_taken_or_refused_as_the_vectors_say() {
    judge("key", 110, |vector| {
        let text = String::from_utf8(vector.bytes("key")).expect("a key file is text");
        PublicKey::from_text(&text).map_or_else(|error| error.code(), |_| "accepted")
    });
}

#[test]
fn signatures_are_taken_or_refused_as_the_vectors_say() {
    judge("signature", 120, |vector| {
        let key = PublicKey::from_text(vector.text("key")).unwrap_or_else(|error| panic!("{}: {error}", vector.file));
        let signature = Detached::parse(&vector.bytes("signature"), &key);
        let verdict = signature.and_then(|signature| signature.verify(&vector.bytes("message"), &key));
        verdict.map_or_else(|error| error.code(), |()| "accepted")
    });
}
