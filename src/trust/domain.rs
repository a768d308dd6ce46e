//! What a bare signature must not be over (A25). A key of releases signs statements, lists for `ssh-keygen` and digests for
//! minisign, and others take its word for images: each begins with marks of its own, so that none is taken for another. A
//! bare signature has no marks. Over a file that looks like one of these it would *be* the signature of one of these, and
//! whoever may put a file into a release would have the key say whatever he wants.

use crate::detached::DetachedError;
use crate::key::{Algorithm, PublicKey};
use crate::message::Message;
use crate::{dsse, minisign, sshsig};

/// Refuses what somebody reads as something else than a file.
///
/// # Errors
/// `signature.other-purpose`, and what reading the message says.
pub(crate) fn is_plain(message: &Message<'_>, key: &PublicKey) -> Result<(), DetachedError> {
    let (mut head, mut claim) = (Vec::new(), Claim::default());
    // To its end, whatever it begins with: only then is it known to be what was measured, and what will be signed.
    message.read(&mut |piece| {
        head.extend_from_slice(&piece[..piece.len().min(HEAD - head.len())]);
        claim.update(piece);
    })?;
    let other = |what| Err(DetachedError::OtherPurpose(what));
    if head.starts_with(dsse::BEGIN) {
        return other("a statement in an envelope (DSSE)");
    }
    if head.starts_with(sshsig::MAGIC) {
        return other("a message of ssh");
    }
    if claim.found {
        return other("a claim about an image");
    }
    if key.algorithm() == Algorithm::Ed25519 && message.size() <= HEAD as u64 && minisign::is_signed_part(&head) {
        return other("a part of a signature of minisign");
    }
    Ok(())
}

/// As much of the beginning as is looked at.
const HEAD: usize = minisign::MAX_SIGNED_PART;

/// Finds a member `critical` at the top that is an object: the mark of simple signing (containers-signature(5)), of which
/// cosign's older form is one. Readers of it differ in what else they let pass, upper case and escapes in a name among
/// it; so everything passes here that any of them might take, and only this member counts.
#[derive(Default)]
struct Claim {
    found: bool,
    state: State,
    depth: u32,
    /// The last text at the top, in lower case and without its escapes, as far as it matters.
    text: Vec<u8>,
    /// Whether it was a name, and the wanted one.
    is_named: bool,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space yet.
    #[default]
    Before,
    /// Begun with something else than an object.
    Other,
    Between,
    Text,
    Escape,
    /// Some digits of a `\u`, and what they make.
    Digits(u8, u32),
}

const NAME: &[u8] = b"critical";

impl Claim {
    fn update(&mut self, piece: &[u8]) {
        for &byte in piece {
            if self.found || self.state == State::Other {
                return;
            }
            self.step(byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match (&self.state, byte) {
            (State::Before, b' ' | b'\t' | b'\n' | b'\r') => {}
            (State::Before, b'{') => (self.state, self.depth) = (State::Between, 1),
            (State::Before, _) => self.state = State::Other,
            (State::Text, b'"') => self.state = State::Between,
            (State::Text, b'\\') => self.state = State::Escape,
            (State::Text, byte) => self.letter(byte),
            (State::Escape, b'u') => self.state = State::Digits(0, 0),
            (State::Escape, _) => {
                self.letter(0);
                self.state = State::Text;
            }
            (State::Digits(count, value), byte) => {
                let value = value << 4 | char::from(byte).to_digit(16).unwrap_or(0);
                if *count < 3 {
                    self.state = State::Digits(count + 1, value);
                } else {
                    self.letter(u8::try_from(value).unwrap_or(0));
                    self.state = State::Text;
                }
            }
            (_, b'"') => {
                self.state = State::Text;
                self.text.clear();
            }
            (_, b':') if self.depth == 1 => self.is_named = self.text == NAME,
            (_, b',') if self.depth == 1 => self.is_named = false,
            (_, b'{') => {
                self.found = self.depth == 1 && self.is_named;
                self.depth = self.depth.saturating_add(1);
            }
            (_, b'[') => self.depth = self.depth.saturating_add(1),
            (_, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// One letter more than the name has is enough to tell that it is another.
    fn letter(&mut self, byte: u8) {
        if self.depth == 1 && self.text.len() <= NAME.len() {
            self.text.push(byte.to_ascii_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::key::SecretKey;
    use crate::message::tests::{changing, told};

    const CLAIM: &str = r#"{"critical":{"identity":{"docker-reference":"a"},"image":{"docker-manifest-digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"type":"cosign container image signature"},"optional":null}"#;

    fn ed25519() -> PublicKey {
        SecretKey::generate(&Zeroizing::new([1; 32])).public()
    }

    fn p256() -> PublicKey {
        SecretKey::generate_ecdsa(&Zeroizing::new([1; 32])).expect("a key").public()
    }

    /// What it is taken for, whether it is at hand or comes in pieces.
    fn found(bytes: &[u8], key: &PublicKey) -> Option<&'static str> {
        let [here, there] = [Message::of(bytes), told(bytes)].map(|message| match is_plain(&message, key) {
            Ok(()) => None,
            Err(DetachedError::OtherPurpose(what)) => Some(what),
            Err(other) => panic!("{other}"),
        });
        assert_eq!(here, there, "{}", String::from_utf8_lossy(bytes));
        here
    }

    #[test]
    fn what_is_signed_elsewhere_with_marks_of_its_own_is_no_file() {
        let statement = dsse::pae("application/vnd.in-toto+json", b"{}");
        assert_eq!(found(&statement, &ed25519()), Some("a statement in an envelope (DSSE)"));
        assert_eq!(found(b"DSSEv1 ", &p256()), Some("a statement in an envelope (DSSE)"));
        assert_eq!(found(b"SSHSIG\0\0\0\x07sealift", &p256()), Some("a message of ssh"));
        for plain in [&b""[..], b"DSSEv1", b"DSSEv2 28", b"dssev1 28", b" DSSEv1 28", b"SSHSI", b"sshsig", b"\x7fELF"] {
            assert_eq!(found(plain, &ed25519()), None, "{}", String::from_utf8_lossy(plain));
        }
    }

    #[test]
    fn a_claim_in_any_spelling_is_no_file() {
        let claims = [
            CLAIM.to_owned(),
            format!(" \t\r\n{CLAIM}\n"),
            CLAIM.replace("{\"critical\":{", "{ \"critical\"\n:\t{"),
            CLAIM.replace("critical", "CritiCAL"),
            CLAIM.replace("critical", "\\u0063r\\u0049tical"),
            CLAIM.replace("{\"critical\"", r#"{"optional":{"a":[1,{"b":"}\"]"}]},"critical""#),
            CLAIM.replace("{\"critical\"", r#"{"critical":1,"critical""#),
            CLAIM.replace("cosign container image signature", "atomic container signature"),
            CLAIM.replace("{\"critical\"", r#"{"creator":"\ud800","critical""#),
        ];
        for claim in &claims {
            assert_eq!(found(claim.as_bytes(), &p256()), Some("a claim about an image"), "{claim}");
        }
        // Reports and lists of parts that have the word in another place are files like others.
        for plain in [
            r#"{"critical":3,"high":{"a":1}}"#,
            r#"{"summary":{"critical":{"a":1}}}"#,
            r#"[{"critical":{}}]"#,
            r#"{"critical":[{}]}"#,
            r#"{"severity":"critical","a":{}}"#,
            r#"{"criticality":{}}"#,
            r#"{"critica":{}}"#,
            r#"{"uncritical":{}}"#,
            r#"x{"critical":{}}"#,
            r#""critical":{}"#,
            r#"{"a\"critical":{}}"#,
        ] {
            assert_eq!(found(plain.as_bytes(), &p256()), None, "{plain}");
        }
    }

    /// The two things that minisign signs with an Ed25519 key: a digest, and a signature with a comment behind it.
    #[test]
    fn parts_of_a_signature_of_minisign_are_no_files() {
        let part = Some("a part of a signature of minisign");
        let digest = [0xA5; 64];
        assert_eq!(found(&digest, &ed25519()), part);
        assert_eq!(found(&digest, &p256()), None);
        let with = |comment: &[u8]| [&digest[..], comment].concat();
        assert_eq!(found(&with(b"timestamp:1\tfile:app"), &ed25519()), part);
        assert_eq!(found(&with("gr\u{fc}n".as_bytes()), &ed25519()), part);
        assert_eq!(found(&with(&[b'a'; 8192]), &ed25519()), part);
        for plain in
            [&with(&[b'a'; 8193])[..], &with(b"a line\n"), &with(b"\xFF"), &digest[..63], &[b'5'; 64], &[b'5'; 90]]
        {
            assert_eq!(found(plain, &ed25519()), None, "{} bytes", plain.len());
        }
    }

    #[test]
    fn what_changed_since_it_was_measured_is_not_judged() {
        let refused = is_plain(&changing(b"plain", b"DSSEv1 28 ", 0), &p256()).expect_err("another");
        assert_eq!(refused.code(), "key.message-changed");
    }
}
