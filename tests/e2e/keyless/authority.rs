//! Authorities and logs of a test's own, complete: who gives certificates, a log of certificates, a transparency log, and
//! who says what time it is. What each of them does wrong is chosen by a [`Lie`].

use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};
use sealift_trust::{Digest, SecretKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::der::{der, extension, moment, oid, sequence};

pub const IDENTITY: &str = "release@shop.example";
pub const ISSUER: &str = "https://login.shop.example";

/// One thing that is wrong with a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing is.
    None,
    /// The certificate is by an authority that nobody trusts.
    OtherAuthority,
    /// It is not for signing code.
    OtherUse,
    /// It had expired when the signature was made.
    #[cfg_attr(not(feature = "sigstore"), expect(dead_code, reason = "told where it can be judged"))]
    Expired,
    /// Its promise of a log is by another log.
    OtherCertificateLog,
    /// There is no promise.
    NoCertificateLog,
    /// The promise is for another certificate.
    OtherCertificate,
    /// The signature is by another key than the certificate's.
    OtherKey,
    /// The log's entry is of another artifact (A27).
    OtherEntry,
    /// The entry is not in the tree.
    OtherTree,
    /// The tree's checkpoint is by another log.
    OtherCheckpoint,
    /// There is no entry.
    NoEntry,
    /// There is no proof that the entry is in the tree.
    NoProof,
    /// There is none, and the bundle calls itself by a version in which a promise was enough.
    NoProofOnce,
    /// There is none, and the bundle does not say what it is.
    NoProofUntold,
    /// The proof is there, without the checkpoint that a log signed.
    NoCheckpoint,
    /// The log's promise is by another key.
    OtherPromise,
    /// The timestamp is of another signature.
    OtherTimestamp,
    /// Nobody says what time it was.
    NoTime,
}

/// What is signed.
#[derive(Clone, Copy)]
pub enum Signed<'a> {
    Message(&'a [u8]),
    /// The payload of an in-toto envelope.
    Statement(&'a [u8]),
}

/// All of them.
pub struct Authorities {
    fulcio: SecretKey,
    certificates: SecretKey,
    log: SecretKey,
    signer: SecretKey,
    stranger: SecretKey,
    now: u64,
    dir: tempfile::TempDir,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::generate_ecdsa(&Zeroizing::new([seed; 32])).unwrap()
}

fn signed(key: &SecretKey, message: &[u8]) -> Vec<u8> {
    key.sign(message).unwrap().as_bytes().to_vec()
}

fn spki(key: &SecretKey) -> Vec<u8> {
    key.public().to_der()
}

/// Logs are known by the digest of their key.
fn log_id(key: &SecretKey) -> [u8; 32] {
    *Digest::of(&spki(key)).bytes()
}

fn b64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

fn pem(certificate: &[u8]) -> String {
    let text = b64(certificate);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn name(text: &str) -> Vec<u8> {
    let common = sequence(&[&oid("2.5.4.3"), &der(0x0C, &[text.as_bytes()])]);
    sequence(&[&der(0x31, &[&common])])
}

const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

/// What a certificate says.
struct Says<'a> {
    of: &'a [u8],
    subject: &'a str,
    issuer: &'a str,
    valid: (u64, u64),
    extensions: Vec<Vec<u8>>,
}

fn tbs(says: &Says<'_>) -> Vec<u8> {
    let parts: Vec<&[u8]> = says.extensions.iter().map(Vec::as_slice).collect();
    let subject = if says.subject.is_empty() { sequence(&[]) } else { name(says.subject) };
    sequence(&[
        &der(0xA0, &[&der(0x02, &[&[2]])]),
        &der(0x02, &[&[1, 2, 3, 4, says.subject.len() as u8]]),
        &sequence(&[&oid(ECDSA_SHA256)]),
        &name(says.issuer),
        &sequence(&[&moment(says.valid.0), &moment(says.valid.1)]),
        &subject,
        says.of,
        &der(0xA3, &[&sequence(&parts)]),
    ])
}

fn certificate(tbs: &[u8], by: &SecretKey) -> Vec<u8> {
    let signature = [&[0][..], &signed(by, tbs)].concat();
    sequence(&[tbs, &sequence(&[&oid(ECDSA_SHA256)]), &der(0x03, &[&signature])])
}

/// A certificate of an authority, by itself.
fn root(key: &SecretKey, subject: &str, now: u64) -> Vec<u8> {
    let extensions = vec![
        extension("2.5.29.15", true, &der(0x03, &[&[1, 0x06]])),
        extension("2.5.29.19", true, &sequence(&[&der(0x01, &[&[0xFF]])])),
        extension("2.5.29.14", false, &der(0x04, &[&log_id(key)[..20]])),
    ];
    let valid = (now - 86_400, now + 86_400);
    let of = spki(key);
    certificate(&tbs(&Says { of: &of, subject, issuer: subject, valid, extensions }), key)
}

impl Authorities {
    /// Makes them; their clock is the machine's.
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let dir = tempfile::tempdir().unwrap();
        let authorities =
            Self { fulcio: key(1), certificates: key(2), log: key(3), signer: key(5), stranger: key(6), now, dir };
        authorities.make_clock();
        authorities
    }

    /// The trusted root that names them.
    pub fn trusted_root(&self) -> Value {
        let from = "2020-01-01T00:00:00Z";
        let log = |key: &SecretKey| {
            json!({
                "baseUrl": "https://log.shop.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": { "rawBytes": b64(&spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": { "start": from } },
                "logId": { "keyId": b64(&log_id(key)) },
            })
        };
        let authority = |certificates: &[Vec<u8>]| {
            let certificates: Vec<Value> =
                certificates.iter().map(|certificate| json!({ "rawBytes": b64(certificate) })).collect();
            json!({
                "subject": { "organization": "shop.example", "commonName": "shop" },
                "uri": "https://ca.shop.example",
                "certChain": { "certificates": certificates },
                "validFor": { "start": from },
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.log)],
            "certificateAuthorities": [authority(&[root(&self.fulcio, "shop", self.now)])],
            "ctlogs": [log(&self.certificates)],
            "timestampAuthorities": [authority(&[self.read("tsa.der"), self.read("tsa-root.der")])],
        })
    }

    /// A complete bundle, but for what the lie is about.
    pub fn bundle(&self, content: Signed<'_>, lie: Lie) -> Value {
        let by = if lie == Lie::OtherKey { &self.stranger } else { &self.signer };
        let message = match content {
            Signed::Message(message) => message.to_vec(),
            Signed::Statement(payload) => sealift_trust::dsse::pae(IN_TOTO, payload),
        };
        let signature = signed(by, &message);
        let certificate = self.certificate(lie);
        let mut material = json!({
            "certificate": { "rawBytes": b64(&certificate) },
            "tlogEntries": [self.entry(content, &signature, &certificate, lie)],
            "timestampVerificationData": { "rfc3161Timestamps": [] },
        });
        if lie == Lie::NoEntry {
            material["tlogEntries"] = json!([]);
        }
        if lie != Lie::NoTime {
            let of = if lie == Lie::OtherTimestamp { b"another".to_vec() } else { signature.clone() };
            material["timestampVerificationData"]["rfc3161Timestamps"] =
                json!([{ "signedTimestamp": b64(&self.timestamp(&of)) }]);
        }
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
        });
        // Nobody signs what a bundle calls itself.
        match lie {
            Lie::NoProofOnce => bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1"),
            Lie::NoProofUntold => drop(bundle.as_object_mut().unwrap().remove("mediaType")),
            _ => {}
        }
        match content {
            Signed::Message(message) => {
                bundle["messageSignature"] = json!({
                    "messageDigest": { "algorithm": "SHA2_256", "digest": b64(Digest::of(message).bytes()) },
                    "signature": b64(&signature),
                });
            }
            Signed::Statement(payload) => {
                bundle["dsseEnvelope"] = json!({
                    "payload": b64(payload),
                    "payloadType": IN_TOTO,
                    "signatures": [{ "sig": b64(&signature) }],
                });
            }
        }
        bundle
    }

    fn certificate(&self, lie: Lie) -> Vec<u8> {
        let issuer = if lie == Lie::OtherAuthority { &self.stranger } else { &self.fulcio };
        let valid = match lie {
            Lie::Expired => (self.now - 7200, self.now - 6600),
            _ => (self.now - 300, self.now + 300),
        };
        let usage = if lie == Lie::OtherUse { "1.3.6.1.5.5.7.3.4" } else { "1.3.6.1.5.5.7.3.3" };
        let extensions = vec![
            extension("2.5.29.15", true, &der(0x03, &[&[7, 0x80]])),
            extension("2.5.29.37", false, &sequence(&[&oid(usage)])),
            extension("2.5.29.35", false, &sequence(&[&der(0x80, &[&log_id(issuer)[..20]])])),
            extension("2.5.29.17", true, &sequence(&[&der(0x81, &[IDENTITY.as_bytes()])])),
            extension("1.3.6.1.4.1.57264.1.1", false, ISSUER.as_bytes()),
            extension("1.3.6.1.4.1.57264.1.8", false, &der(0x0C, &[ISSUER.as_bytes()])),
        ];
        let of = spki(&self.signer);
        let mut says = Says { of: &of, subject: "", issuer: "shop", valid, extensions };
        if lie != Lie::NoCertificateLog {
            let mut shown = tbs(&says);
            if lie == Lie::OtherCertificate {
                shown = tbs(&Says { valid: (valid.0 - 1, valid.1), extensions: says.extensions.clone(), ..says });
            }
            let promise = self.promise(&shown, issuer, lie);
            says.extensions.push(extension("1.3.6.1.4.1.11129.2.4.2", false, &der(0x04, &[&promise])));
        }
        certificate(&tbs(&says), issuer)
    }

    /// A log's promise to list a certificate (RFC 6962 §3.2 and §3.3).
    fn promise(&self, tbs: &[u8], issuer: &SecretKey, lie: Lie) -> Vec<u8> {
        let log = if lie == Lie::OtherCertificateLog { &self.stranger } else { &self.certificates };
        let time = (self.now * 1000 - 200_000).to_be_bytes();
        let length = (tbs.len() as u32).to_be_bytes();
        let issuer = Digest::of(&spki(issuer));
        let shown = [&[0, 0][..], &time, &[0, 1], issuer.bytes(), &length[1..], tbs, &[0, 0]].concat();
        let signature = signed(log, &shown);
        let short = |length: usize| (length as u16).to_be_bytes();
        let id = log_id(&self.certificates);
        let promise = [&[0][..], &id, &time, &[0, 0, 4, 3], &short(signature.len()), &signature].concat();
        [&short(promise.len() + 2)[..], &short(promise.len()), &promise].concat()
    }

    /// The entry of a log: what was shown to it, its promise, and the proof that it is in a tree of two.
    fn entry(&self, content: Signed<'_>, signature: &[u8], certificate: &[u8], lie: Lie) -> Value {
        let (kind, body) = self.body(content, signature, certificate, lie);
        let leaf = |body: &[u8]| Digest::of(&[&[0][..], body].concat());
        let node = |left: Digest, right: Digest| Digest::of(&[&[1][..], left.bytes(), right.bytes()].concat());
        let other = leaf(b"somebody else's");
        let listed = if lie == Lie::OtherTree { leaf(b"nobody's") } else { leaf(&body) };
        let tree = node(other, listed);
        let by = if lie == Lie::OtherCheckpoint { &self.stranger } else { &self.log };
        let note = format!("log.shop.example - 1\n2\n{}\n", b64(tree.bytes()));
        let hinted = [&log_id(&self.log)[..4], &signed(by, note.as_bytes())].concat();
        let checkpoint = format!("{note}\n\u{2014} log.shop.example {}\n", b64(&hinted));
        let promised = json!({
            "body": b64(&body),
            "integratedTime": self.now - 100,
            "logID": Digest::from_bytes(log_id(&self.log)).hex(),
            "logIndex": 1,
        });
        let by = if lie == Lie::OtherPromise { &self.stranger } else { &self.log };
        // serde_json's map is in the order of names, and has no white space: the canonical form of so little.
        let promise = signed(by, promised.to_string().as_bytes());
        let mut entry = json!({
            "logIndex": "1",
            "logId": { "keyId": b64(&log_id(&self.log)) },
            "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": (self.now - 100).to_string(),
            "inclusionPromise": { "signedEntryTimestamp": b64(&promise) },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": b64(tree.bytes()),
                "treeSize": "2",
                "hashes": [b64(other.bytes())],
                "checkpoint": { "envelope": checkpoint },
            },
            "canonicalizedBody": b64(&body),
        });
        let members = entry.as_object_mut().unwrap();
        if lie == Lie::NoTime {
            members.remove("inclusionPromise");
        }
        if matches!(lie, Lie::NoProof | Lie::NoProofOnce | Lie::NoProofUntold) {
            members.remove("inclusionProof");
        }
        if lie == Lie::NoCheckpoint {
            members["inclusionProof"].as_object_mut().unwrap().remove("checkpoint");
        }
        entry
    }

    /// What the log was shown.
    fn body(&self, content: Signed<'_>, signature: &[u8], certificate: &[u8], lie: Lie) -> (&'static str, Vec<u8>) {
        let verifier = b64(pem(certificate).as_bytes());
        let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
        let is_other = lie == Lie::OtherEntry;
        let (kind, spec) = match content {
            Signed::Message(message) => {
                let hash = hash(if is_other { b"another message" } else { message });
                let signature = json!({ "content": b64(signature), "publicKey": { "content": verifier } });
                ("hashedrekord", json!({ "data": { "hash": hash }, "signature": signature }))
            }
            Signed::Statement(payload) => {
                let envelope = json!({
                    "payload": b64(payload), "payloadType": IN_TOTO, "signatures": [{ "sig": b64(signature) }],
                });
                let spec = json!({
                    "envelopeHash": hash(envelope.to_string().as_bytes()),
                    "payloadHash": hash(if is_other { b"another payload" } else { payload }),
                    "signatures": [{ "signature": b64(signature), "verifier": verifier }],
                });
                ("dsse", spec)
            }
        };
        (kind, json!({ "apiVersion": "0.0.1", "kind": kind, "spec": spec }).to_string().into_bytes())
    }

    /// Who says what time it is: a key and certificates that `openssl ts` works with.
    fn make_clock(&self) {
        let authority = key(4);
        let clock = key(7);
        self.put("tsa.key", clock.to_pem(None).unwrap().as_bytes());
        let valid = (self.now - 3600, self.now + 3600);
        let extensions = vec![
            extension("2.5.29.15", true, &der(0x03, &[&[7, 0x80]])),
            extension("2.5.29.37", true, &sequence(&[&oid("1.3.6.1.5.5.7.3.8")])),
        ];
        let of = spki(&clock);
        let says = Says { of: &of, subject: "clock", issuer: "clocks", valid, extensions };
        let certificate = certificate(&tbs(&says), &authority);
        self.put("tsa.der", &certificate);
        self.put("tsa.pem", pem(&certificate).as_bytes());
        self.put("tsa-root.der", &root(&authority, "clocks", self.now));
        self.put("tsa.cnf", b"[tsa]\ndefault_tsa = clock\n[clock]\nserial = serial\ndigests = sha256\n\
            signer_digest = sha256\ndefault_policy = 1.3.6.1.4.1.57264.2\ness_cert_id_alg = sha256\ness_cert_id_chain = no\n");
        self.put("serial", b"01\n");
    }

    /// A timestamp over a signature (RFC 3161).
    fn timestamp(&self, signature: &[u8]) -> Vec<u8> {
        self.put("stamped", signature);
        let openssl = |args: &[&str]| {
            let output = Command::new("openssl").args(args).current_dir(self.dir.path()).output().unwrap();
            assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        openssl(&["ts", "-query", "-data", "stamped", "-sha256", "-no_nonce", "-cert", "-out", "query"]);
        let reply = ["ts", "-reply", "-config", "tsa.cnf", "-section", "clock", "-queryfile", "query"];
        openssl(&[&reply[..], &["-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply"]].concat());
        self.read("reply")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.dir.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join(Path::new(name))).unwrap()
    }
}

const IN_TOTO: &str = "application/vnd.in-toto+json";
