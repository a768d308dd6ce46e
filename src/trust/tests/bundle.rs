//! Bundles: files of `tests/vectors/verify/bundle`, each an attack with its expected code, and what sealift writes itself.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use sealift_trust::bundle::{Bundle, ForeignOpened, SignedMessage, of_envelope};
use sealift_trust::statement::{Foreign, document_payload};
use sealift_trust::{BundleError, Detached, Digest, Envelope, Meaning, PayloadType, PublicKey, SecretKey};
use zeroize::Zeroizing;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    /// The row in the list of attacks; `-` for what must be accepted.
    attack: String,
    expect: String,
    key: String,
    message: String,
    bundle: String,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::generate(&Zeroizing::new([seed; 32]))
}

/// What a bundle comes to for a message: both kinds in one word.
fn judged(bundle: &[u8], message: &[u8], key: &PublicKey) -> Result<String, String> {
    let code = |error: BundleError| error.code().to_owned();
    let bundle = Bundle::parse(bundle).map_err(code)?;
    let unverified = bundle.unverified();
    let said = match unverified {
        sealift_trust::bundle::Unverified { log_entries: 0, timestamps: 0 } => String::new(),
        other => format!(" {} log entries {} timestamps", other.log_entries, other.timestamps),
    };
    if let Ok(signed) = bundle.message() {
        signed.verify(message, std::slice::from_ref(key)).map_err(code)?;
        return Ok(format!("accepted{said}"));
    }
    let envelope = bundle.into_envelope().map_err(code)?;
    let opened: ForeignOpened = envelope.verify(std::slice::from_ref(key)).map_err(code)?;
    let statement = Foreign::parse(&opened).map_err(|error| error.code().to_owned())?;
    if !statement.is_about(Digest::of(message)) {
        return Err("not about the message".to_owned());
    }
    Ok(format!("accepted{said}"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the vectors lie beside the tests")]
fn each_vector_comes_to_what_it_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/verify/bundle");
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for entry in std::fs::read_dir(folder).expect("the folder of the vectors") {
        let path = entry.expect("an entry").path();
        let vector: Vector = serde_json::from_slice(&std::fs::read(&path).expect("a vector")).expect("its form");
        let key = PublicKey::from_pem(&vector.key).expect("a key");
        let message = Base64::decode_vec(&vector.message).expect("base64");
        let (Ok(found) | Err(found)) = judged(vector.bundle.as_bytes(), &message, &key);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if found != vector.expect {
            wrong.push(format!("{name} ({}): {found}, not {}", vector.attack, vector.expect));
        }
        seen.insert((vector.attack, vector.bundle, vector.message));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen.len() >= 80, "{} distinct vectors", seen.len());
}

fn own(message: &[u8]) -> Vec<u8> {
    let signed = SignedMessage { digest: Digest::of(message), signature: key(1).sign(message).unwrap() };
    signed.to_bytes(&key(1).public())
}

/// Others read it by this form, so that it is a contract.
#[test]
fn the_form_does_not_change_by_accident() {
    let text = String::from_utf8(own(b"message")).expect("JSON");
    let hint = Base64::encode_string(key(1).public().fingerprint().bytes());
    let digest = Base64::encode_string(Digest::of(b"message").bytes());
    let signature = Base64::encode_string(key(1).sign(b"message").unwrap().as_bytes());
    let media_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let want = format!(
        r#"{{"mediaType":"{media_type}","messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{digest}"}},"signature":"{signature}"}},"verificationMaterial":{{"publicKey":{{"hint":"{hint}"}}}}}}"#
    );
    assert_eq!(text, want);
    let envelope = Envelope::sign(PayloadType::InToto, b"{}".to_vec(), &key(1)).expect("short");
    let inner = String::from_utf8(envelope.to_bytes()).expect("JSON");
    let want = format!(
        r#"{{"dsseEnvelope":{inner},"mediaType":"{media_type}","verificationMaterial":{{"publicKey":{{"hint":"{hint}"}}}}}}"#
    );
    assert_eq!(String::from_utf8(of_envelope(&envelope, &key(1).public())), Ok(want));
}

#[test]
fn an_envelope_of_ours_is_read_as_anybodys() {
    let payload = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","subject":[{{"digest":{{"sha256":"{}"}}}}]}}"#,
        Digest::of(b"message").hex()
    );
    let envelope = Envelope::sign(PayloadType::InToto, payload.into_bytes(), &key(1)).expect("short");
    let bundle = of_envelope(&envelope, &key(1).public());
    assert_eq!(judged(&bundle, b"message", &key(1).public()), Ok("accepted".to_owned()));
    assert_eq!(judged(&bundle, b"other", &key(1).public()), Err("not about the message".to_owned()));
    assert_eq!(judged(&bundle, b"message", &key(2).public()), Err("bundle.not-signed".to_owned()));
    assert!(Bundle::is_meant(&bundle) && !Bundle::is_meant(&envelope.to_bytes()));
}

/// A26: a type is compared whole, however much of it a message shows.
#[test]
fn a_predicate_type_is_compared_to_its_end() {
    let wanted = format!("https://example.com/{}", "a".repeat(300));
    let longer = format!("{wanted}/revoked");
    let stated = |predicate_type: &str| {
        let payload = document_payload(Digest::of(b"message"), predicate_type, b"{}").expect("JSON");
        of_envelope(&Envelope::sign(PayloadType::InToto, payload, &key(1)).expect("short"), &key(1).public())
    };
    let judge = |predicate_type: &str| {
        let (bundle, key) = (stated(predicate_type), key(1).public());
        let signature = Detached::parse(&bundle, &key).expect("a bundle");
        let mut verifier = signature.verifier_of(&key, Meaning::Statement(&wanted))?;
        verifier.update(b"message");
        verifier.finish()
    };
    assert_eq!(judge(&wanted), Ok(()));
    for other in [&longer[..], &wanted[..200], &wanted[..wanted.len() - 1]] {
        let refused = judge(other).expect_err("another type");
        assert_eq!(refused.code(), "signature.predicate-type", "{other}");
        assert!(refused.to_string().len() < 600, "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is changed in a bundle is refused, or was not signed and decides nothing: the hint, and white space.
    #[test]
    fn a_changed_byte_never_signs_another_message(
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
        message in proptest::collection::vec(any::<u8>(), 0..200),
        other in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = own(&message);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if other != message {
            prop_assert!(judged(&bytes, &other, &key(1).public()).is_err());
            prop_assert!(judged(&own(&message), &other, &key(1).public()).is_err());
        }
        if judged(&bytes, &message, &key(1).public()).is_ok() {
            let text = String::from_utf8(bytes).expect("JSON");
            let good = String::from_utf8(own(&message)).expect("JSON");
            let hint = good.find("\"hint\":").expect("a hint");
            prop_assert!(at > hint && text[..hint] == good[..hint], "{text}");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Bundle::parse(&bytes).is_err());
    }
}
