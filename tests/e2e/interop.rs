//! Signatures that strangers' programs agree with: theirs verify here, ours verify there, and eight changes of each are
//! refused on both sides. `cargo xtask peers` prints the table.

use std::path::PathBuf;
use std::process::Command;

use sealift_trust::dsse::pae;
use sealift_trust::{Detached, DetachedError, Message, PublicKey, SecretKey, SignatureFormat, minisign, sshsig};

use crate::sandbox::Sandbox;

/// A program with a kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Openssl(&'static str),
    Minisign,
    MinisignLegacy,
    Ssh(&'static str),
}

use Peer::{Minisign, MinisignLegacy, Openssl, Ssh};

const PEERS: [Peer; 8] = [
    Openssl("ed25519"),
    Openssl("p256"),
    Openssl("rsa"),
    Minisign,
    MinisignLegacy,
    Ssh("ed25519"),
    Ssh("p256"),
    Ssh("rsa"),
];

/// What is changed, one thing at a time.
const MUTATIONS: [&str; 8] =
    ["signature bit", "message bit", "other key", "other type", "truncated", "empty", "doubled", "other purpose"];

/// What those programs let pass: bytes behind a signature. Here that is refused.
const LENIENT: [(&str, &str); 5] = [
    ("openssl rsa", "doubled"),
    ("minisign", "doubled"),
    ("ssh ed25519", "doubled"),
    ("ssh p256", "doubled"),
    ("ssh rsa", "doubled"),
];

const MESSAGE: &[u8] = b"0000  service_1.0.0_linux_amd64.tar.gz\n";

struct Bench {
    sandbox: Sandbox,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        self.sandbox.read(name)
    }

    /// Runs a program on files here; says whether it succeeded.
    fn tried(&self, program: &str, args: &[&str], stdin: Option<&str>) -> bool {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.sandbox.project());
        match stdin {
            Some(name) => command.stdin(std::fs::File::open(self.path(name)).unwrap()),
            None => command.stdin(std::process::Stdio::null()),
        };
        command.output().unwrap_or_else(|error| panic!("{program}: {error}; cargo xtask tools")).status.success()
    }

    fn run(&self, program: &str, args: &[&str]) {
        assert!(self.tried(program, args, None), "{program} {args:?}");
    }

    /// A key by the program: the secret one in `name`, the public one in `name.pub`.
    fn keygen(&self, peer: Peer, name: &str) {
        let public = format!("{name}.pub");
        match peer {
            Openssl(kind) => {
                let how: &[&str] = match kind {
                    "ed25519" => &["-algorithm", "ed25519"],
                    "p256" => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                    _ => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                };
                self.run("openssl", &[&["genpkey", "-out", name], how].concat());
                self.run("openssl", &["pkey", "-in", name, "-pubout", "-out", &public]);
            }
            Minisign | MinisignLegacy => self.run("minisign", &["-G", "-W", "-f", "-p", &public, "-s", name]),
            Ssh(kind) => {
                let how: &[&str] = match kind {
                    "ed25519" => &["-t", "ed25519"],
                    "p256" => &["-t", "ecdsa", "-b", "256"],
                    _ => &["-t", "rsa", "-b", "2048"],
                };
                self.run("ssh-keygen", &[&["-q", "-N", "", "-f", name], how].concat());
            }
        }
    }

    /// The program signs `file` into `signature`.
    fn signs(&self, peer: Peer, key: &str, file: &str, signature: &str, namespace: &str) {
        match peer {
            Openssl("ed25519") => {
                self.run("openssl", &["pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", file, "-out", signature]);
            }
            Openssl(_) => self.run("openssl", &["dgst", "-sha256", "-sign", key, "-out", signature, file]),
            Minisign => self.run("minisign", &["-S", "-W", "-s", key, "-m", file, "-x", signature]),
            MinisignLegacy => self.run("minisign", &["-S", "-l", "-W", "-s", key, "-m", file, "-x", signature]),
            Ssh(_) => {
                self.run("ssh-keygen", &["-Y", "sign", "-q", "-n", namespace, "-f", key, file]);
                std::fs::rename(self.path(&format!("{file}.sig")), self.path(signature)).unwrap();
            }
        }
    }

    /// Whether the program accepts.
    fn accepts(&self, peer: Peer, public: &str, file: &str, signature: &str, namespace: &str) -> bool {
        match peer {
            Openssl("ed25519") => {
                let args = ["pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", file];
                self.tried("openssl", &[&args[..], &["-sigfile", signature]].concat(), None)
            }
            Openssl(_) => {
                self.tried("openssl", &["dgst", "-sha256", "-verify", public, "-signature", signature, file], None)
            }
            Minisign | MinisignLegacy => {
                self.tried("minisign", &["-V", "-p", public, "-m", file, "-x", signature], None)
            }
            Ssh(_) => {
                self.put("allowed", format!("me {}", self.text(public)));
                let args = ["-Y", "verify", "-f", "allowed", "-I", "me", "-n", namespace, "-s", signature];
                self.tried("ssh-keygen", &args, Some(file))
            }
        }
    }

    /// Whether sealift accepts; it refuses with exit 8 and in no other way.
    fn sealift(&self, public: &str, file: &str, signature: &str) -> bool {
        let run = self.sandbox.run(&["verify", file, "--signature", signature, "--key", public]);
        assert!(matches!(run.exit, 0 | 8), "{}: {}", run.exit, run.stderr);
        if run.exit == 0 {
            assert!(run.stderr.contains("not run   time"), "what was not checked is named: {}", run.stderr);
        }
        run.exit == 0
    }

    /// Tries every mutation of `message`, `good` and `key.pub`; gives those that are accepted.
    fn accepted(&self, what: &dyn Fn(&str, &str, &str, &str) -> bool, foreign: &str) -> Vec<&'static str> {
        let (good, message) = (self.get("good"), self.get("message"));
        self.put("flipped", flipped(&good));
        self.put("changed", flipped(&message));
        self.put("truncated", &good[..good.len() - 8]);
        self.put("empty", b"");
        self.put("doubled", [&good[..], &good].concat());
        let tries = [
            ("key.pub", "message", "flipped", "sealift"),
            ("key.pub", "changed", "good", "sealift"),
            ("other.pub", "message", "good", "sealift"),
            (foreign, "message", "good", "sealift"),
            ("key.pub", "message", "truncated", "sealift"),
            ("key.pub", "message", "empty", "sealift"),
            ("key.pub", "message", "doubled", "sealift"),
            ("key.pub", "message", "purpose", "sealift"),
        ];
        let tried = MUTATIONS.into_iter().zip(tries);
        tried.filter(|(_, (key, file, sig, space))| what(key, file, sig, space)).map(|(name, _)| name).collect()
    }
}

/// One bit in the middle changed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

fn name(peer: Peer) -> String {
    match peer {
        Openssl(kind) => format!("openssl {kind}"),
        Minisign => "minisign".into(),
        MinisignLegacy => "minisign legacy".into(),
        Ssh(kind) => format!("ssh {kind}"),
    }
}

/// A key of another kind than the peer's.
fn stranger(peer: Peer) -> Peer {
    if peer == Openssl("p256") || peer == Ssh("p256") { Openssl("ed25519") } else { Openssl("p256") }
}

#[test]
fn their_signatures_verify_here_and_changed_ones_do_not() {
    for peer in PEERS {
        let bench = Bench { sandbox: Sandbox::empty() };
        bench.put("message", MESSAGE);
        for key in ["key", "other"] {
            bench.keygen(peer, key);
        }
        bench.keygen(stranger(peer), "foreign");
        bench.signs(peer, "key", "message", "good", "sealift");
        match peer {
            // Over the same bytes as the payload of an envelope.
            Openssl(_) => {
                bench.put("enveloped", pae("application/vnd.in-toto+json", MESSAGE));
                bench.signs(peer, "key", "enveloped", "purpose", "sealift");
            }
            Minisign | MinisignLegacy => bench.put("purpose", bench.text("good").replace("file:", "File:")),
            Ssh(_) => bench.signs(peer, "key", "message", "purpose", "git"),
        }
        assert!(bench.sealift("key.pub", "message", "good"), "{}", name(peer));
        let accepted = bench.accepted(&|key, file, sig, _| bench.sealift(key, file, sig), "foreign.pub");
        assert_eq!(accepted, [""; 0], "{}", name(peer));
        println!(
            "{:<18} -> sealift            verifies, refuses {} of {}",
            name(peer),
            8 - accepted.len(),
            MUTATIONS.len()
        );
    }
}

#[test]
fn our_signatures_verify_there_and_changed_ones_do_not() {
    for peer in PEERS.into_iter().filter(|peer| *peer != MinisignLegacy) {
        let bench = Bench { sandbox: Sandbox::empty() };
        bench.put("message", MESSAGE);
        let (maker, format) = match peer {
            Openssl(_) => (peer, SignatureFormat::Raw),
            Minisign | MinisignLegacy => (Minisign, SignatureFormat::Minisign),
            // The secret keys of ssh have a form of their own; ours are those of openssl.
            Ssh(kind) => (Openssl(kind), SignatureFormat::Ssh),
        };
        let mut keys = Vec::new();
        for key in ["key", "other"] {
            bench.keygen(maker, key);
            keys.push(SecretKey::from_text(&bench.text(key), None).unwrap());
            let public = keys[keys.len() - 1].public();
            // Also the public half is written here.
            bench.put(
                &format!("{key}.pub"),
                match format {
                    SignatureFormat::Raw | SignatureFormat::Sigstore => public.to_pem(),
                    SignatureFormat::Minisign => minisign::public_text(&public).unwrap(),
                    SignatureFormat::Ssh => sshsig::public_text(&public),
                },
            );
        }
        bench.keygen(
            if matches!(peer, Ssh(_)) { Ssh(if peer == Ssh("rsa") { "p256" } else { "rsa" }) } else { stranger(peer) },
            "foreign",
        );
        let key = &keys[0];
        let sign = |message: &[u8]| {
            Detached::sign_with(
                format,
                (&Message::of(message), "file:message"),
                &key.public(),
                |message: &Message<'_>| key.sign_message(message).map_err(DetachedError::from),
            )
            .unwrap()
        };
        bench.put("good", sign(MESSAGE));
        match format {
            SignatureFormat::Raw => {
                bench.put("purpose", key.sign(&pae("application/vnd.in-toto+json", MESSAGE)).unwrap().as_bytes())
            }
            SignatureFormat::Minisign => bench.put("purpose", bench.text("good").replace("file:", "File:")),
            SignatureFormat::Sigstore => unreachable!("cosign has cells of its own"),
            SignatureFormat::Ssh => bench.put("purpose", sign(MESSAGE)),
        }
        assert!(bench.accepts(peer, "key.pub", "message", "good", "sealift"), "{}", name(peer));
        assert!(bench.sealift("key.pub", "message", "good"), "{}", name(peer));
        let judge = |key: &str, file: &str, sig: &str, space: &str| {
            // The purpose of a signature of ssh is its namespace, which who verifies names.
            let space = if sig == "purpose" { "git" } else { space };
            bench.accepts(peer, key, file, sig, space)
        };
        let accepted = bench.accepted(&judge, "foreign.pub");
        let lenient: Vec<&str> = LENIENT.iter().filter(|(who, _)| *who == name(peer)).map(|(_, what)| *what).collect();
        assert_eq!(accepted, lenient, "{}", name(peer));
        println!(
            "sealift            -> {:<18} verifies, refuses {} of {}{}",
            name(peer),
            8 - accepted.len(),
            MUTATIONS.len(),
            if accepted.is_empty() { String::new() } else { format!(" (lets pass: {})", accepted.join(", ")) }
        );
    }
}

/// A signature of cosign's `sign-blob --output-signature` is the raw one in base64.
#[test]
fn a_raw_signature_in_base64_is_read_and_named() {
    use base64ct::{Base64, Encoding};
    for peer in [Openssl("ed25519"), Openssl("p256"), Openssl("rsa")] {
        let bench = Bench { sandbox: Sandbox::empty() };
        bench.put("message", MESSAGE);
        bench.keygen(peer, "key");
        bench.signs(peer, "key", "message", "raw", "sealift");
        bench.put("good", Base64::encode_string(&bench.get("raw")));
        let run = bench.sandbox.ok(&["verify", "message", "--signature", "good", "--key", "key.pub"]);
        assert!(run.stderr.contains("raw in base64"), "{}", run.stderr);
    }
}

/// A28: the key says how a signature is read, whatever the signature says of itself.
#[test]
fn what_a_signature_says_of_its_algorithm_is_not_believed() {
    let bench = Bench { sandbox: Sandbox::empty() };
    bench.put("message", MESSAGE);
    for kind in ["ed25519", "p256", "rsa"] {
        bench.keygen(Ssh(kind), kind);
        bench.signs(Ssh(kind), kind, "message", &format!("{kind}.sig"), "sealift");
    }
    for key in ["ed25519", "p256", "rsa"] {
        for signature in ["ed25519", "p256", "rsa"] {
            let accepted = bench.sealift(&format!("{key}.pub"), "message", &format!("{signature}.sig"));
            assert_eq!(accepted, key == signature, "{key} {signature}");
        }
    }
    let text = PublicKey::from_text(&bench.text("rsa.pub")).unwrap().to_pem();
    bench.put("rsa.pem", text);
    assert!(bench.sealift("rsa.pem", "message", "rsa.sig"), "the same key in another form");
}
