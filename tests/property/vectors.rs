//! `tests/vectors/verify/release`: each file takes one step from a good release, by somebody who cannot or who can sign,
//! and says with what it must be refused. And all vectors together: which attacks they are of, and how many they are.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sealift::verify::Flaw;
use sealift_trust::{Envelope, PayloadType, SecretKey};
use serde::Deserialize;

use crate::fixture::{Made, judge, key};

/// The attacks that verifying must withstand (each has a file at least).
const ATTACKS: [&str; 15] =
    ["A12", "A22", "A24", "A25", "A26", "A27", "A28", "A29", "A30", "A31", "A32", "A33", "A36", "A49", "A50"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    attack: String,
    about: String,
    expect: String,
    steps: Vec<Step>,
}

/// What is done to a folder with a good release.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Step {
    /// A file goes.
    Remove(String),
    /// A file's text is another.
    Write {
        file: String,
        text: String,
    },
    /// All of one text in a file becomes another.
    Replace {
        file: String,
        from: String,
        to: String,
    },
    /// Text behind the file's end.
    Append {
        file: String,
        text: String,
    },
    /// The file has so many bytes: cut, or filled with zeros that take no space.
    Length {
        file: String,
        bytes: u64,
    },
    Rename {
        file: String,
        to: String,
    },
    Copy {
        file: String,
        to: String,
    },
    /// A symbolic link to the same bytes elsewhere stands in the file's place.
    Link(String),
    /// What an envelope says is changed, and signed by the key of a seed.
    Restate {
        file: String,
        from: String,
        to: String,
        seed: u8,
    },
    /// An envelope's payload is signed as another type, by the right key.
    Retype {
        file: String,
        to: String,
    },
    /// A file's signature is made over another file, by the key of a seed.
    Sign {
        file: String,
        over: String,
        seed: u8,
    },
    /// A file is taken from another release that the same key signed.
    FromAnother(String),
}

impl Step {
    fn take(&self, made: &Made) {
        let at = |name: &str| made.path(name);
        let read = |name: &str| std::fs::read(at(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
        let change = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from), "{from:?} is not in {text}");
            text.replace(from, to)
        };
        match self {
            Self::Remove(file) => std::fs::remove_file(at(file)).unwrap(),
            Self::Write { file, text } => write(file, text.as_bytes()),
            Self::Append { file, text } => write(file, &[read(file), text.as_bytes().to_vec()].concat()),
            Self::Replace { file, from, to } => {
                write(file, change(&String::from_utf8(read(file)).unwrap(), from, to).as_bytes());
            }
            Self::Length { file, bytes } => {
                std::fs::OpenOptions::new().write(true).open(at(file)).unwrap().set_len(*bytes).unwrap();
            }
            Self::Rename { file, to } => std::fs::rename(at(file), at(to)).unwrap(),
            Self::Copy { file, to } => drop(std::fs::copy(at(file), at(to)).unwrap()),
            Self::Link(file) => {
                std::fs::rename(at(file), made.stored("elsewhere")).unwrap();
                symlink(made.stored("elsewhere"), at(file)).unwrap();
            }
            Self::Restate { file, from, to, seed } => {
                let payload = change(std::str::from_utf8(&payload(&read(file))).unwrap(), from, to);
                let envelope = Envelope::sign(PayloadType::InToto, payload.into_bytes(), &key(*seed)).unwrap();
                write(file, &envelope.to_bytes());
            }
            Self::Retype { file, to } => write(file, &retyped(&payload(&read(file)), to, &key(1))),
            Self::Sign { file, over, seed } => write(file, key(*seed).sign(&read(over)).unwrap().as_bytes()),
            Self::FromAnother(file) => {
                let other = Made::release("1.2.4", &key(1));
                write(file, &std::fs::read(other.path(file)).unwrap());
            }
        }
    }
}

fn payload(envelope: &[u8]) -> Vec<u8> {
    let opened = Envelope::parse(envelope).and_then(|envelope| envelope.verify(&[key(1).public()])).unwrap();
    opened.payload().to_vec()
}

/// An envelope of a type that no envelope of ours has, signed for that type.
fn retyped(payload: &[u8], as_type: &str, signer: &SecretKey) -> Vec<u8> {
    use base64ct::{Base64, Encoding};
    let signature = signer.sign(&sealift_trust::dsse::pae(as_type, payload)).unwrap();
    let (payload, signature) = (Base64::encode_string(payload), Base64::encode_string(signature.as_bytes()));
    format!(r#"{{"payload":"{payload}","payloadType":"{as_type}","signatures":[{{"sig":"{signature}"}}]}}"#)
        .into_bytes()
}

/// The code, and for a statement its own reason behind it.
fn judged(made: &Made) -> String {
    let judgement = judge(&made.dist(), &key(1));
    assert_eq!(judgement.verified.is_some(), judgement.code().is_none());
    match (judgement.code(), judgement.flaws.first()) {
        (Some(code), Some(Flaw::Statement(error))) => format!("{code} {}", error.code()),
        (code, _) => code.unwrap_or("accepted").to_owned(),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/verify")
}

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn each_step_from_a_good_release_is_refused_as_its_vector_says() {
    let mut wrong = Vec::new();
    for path in files(&folder().join("release")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vector: Vector =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let made = Made::release("1.2.3", &key(1));
        assert_eq!(judged(&made), "accepted");
        vector.steps.iter().for_each(|step| step.take(&made));
        let found = judged(&made);
        if found != vector.expect {
            wrong.push(format!("{name} ({}, {}): {found}, not {}", vector.attack, vector.about, vector.expect));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two files that the same check refuses for the same reason are one: copies would show nothing.
#[test]
fn the_vectors_are_many_distinct_and_of_every_attack() {
    let (mut ways, mut attacks) = (BTreeSet::new(), BTreeSet::new());
    for kind in files(&folder()) {
        for path in files(&kind) {
            let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let text = |name: &str| vector[name].as_str().map(str::to_owned);
            let (Some(attack), Some(expect)) = (text("attack"), text("expect")) else {
                panic!("{}: an attack and what is expected", path.display());
            };
            attacks.insert(attack);
            if !expect.starts_with("accepted") {
                // The check is the code; the way of failing is what the file says it is about, or its name.
                let stem = || path.file_stem().unwrap().to_string_lossy().into_owned();
                ways.insert((kind.clone(), expect, text("about").unwrap_or_else(stem)));
            }
        }
    }
    let missing: Vec<_> = ATTACKS.iter().filter(|attack| !attacks.contains(**attack)).collect();
    assert!(missing.is_empty(), "no vector is of {missing:?}");
    assert!(ways.len() >= 280, "{} ways of failing", ways.len());
}
