//! The whole way of a release through the crate's public surface: stated, sealed, opened, judged.

use proptest::prelude::*;
use sealift_trust::name::plain_file;
use sealift_trust::statement::{Artifact, ArtifactKind, Held, IMAGE_INDEX, IMAGE_MANIFEST, Service, Timestamp};
use sealift_trust::{
    CheckName, Digest, Envelope, Opened, Outcome, PayloadType, Policy, PublicKey, Release, SecretKey, Statement,
    Verdict, Verified,
};
use zeroize::Zeroizing;

fn key(seed: u8) -> SecretKey {
    SecretKey::generate(&Zeroizing::new([seed; 32]))
}

fn artifact(name: &str, kind: ArtifactKind, bytes: &[u8]) -> Artifact {
    Artifact {
        name: name.parse().expect("a name"),
        kind,
        service: plain_file("api").ok(),
        target: "linux/amd64".parse().ok(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        media_type: "application/octet-stream".parse().expect("a media type"),
        holds: Vec::new(),
    }
}

fn sealed() -> Vec<u8> {
    let commit = "0123456789abcdef0123456789abcdef01234567".parse().expect("a commit");
    let held = Held { path: "api".parse().expect("a path"), digest: Digest::of(b"program") };
    let archive = artifact("api_1.0.0_linux_amd64.tar.gz", ArtifactKind::Archive, b"archive");
    let image = artifact("image:api/linux/amd64", ArtifactKind::Image, b"image");
    let index = artifact("image:api", ArtifactKind::ImageIndex, b"index");
    let in_image = Held { path: "usr/bin/api".parse().expect("a path"), digest: held.digest };
    let release = Release {
        product: plain_file("api").expect("a name"),
        version: "1.0.0".parse().expect("a version"),
        channel: None,
        snapshot: false,
        commit,
        source: None,
        created: Timestamp::from_unix(1_700_000_000).expect("a moment"),
        services: vec![Service {
            name: plain_file("api").expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            commit: "0123456789abcdef0123456789abcdef01234567".parse().expect("a commit"),
            modified: None,
        }],
        artifacts: vec![
            artifact("binary:api/linux/amd64", ArtifactKind::Binary, b"program"),
            Artifact { holds: vec![held], ..archive },
            Artifact { target: None, media_type: IMAGE_INDEX.parse().expect("a media type"), ..index },
            Artifact { holds: vec![in_image], media_type: IMAGE_MANIFEST.parse().expect("a media type"), ..image },
        ],
        companions: vec![plain_file("checksums.txt").expect("a name")],
    };
    let payload = Statement::release(release).and_then(|statement| statement.to_payload()).expect("a good release");
    Envelope::sign(PayloadType::InToto, payload, &key(1)).expect("short").to_bytes()
}

fn open(bytes: &[u8], keys: &[PublicKey]) -> Option<Opened> {
    Envelope::parse(bytes).and_then(|envelope| envelope.verify(keys)).ok()
}

/// What a verifier does with a manifest, when all files are as they should be.
fn judge(bytes: &[u8], policy: &Policy) -> Option<Verified<Release>> {
    let keys: Vec<PublicKey> = policy.keys().cloned().collect();
    let opened = open(bytes, &keys)?;
    let release = Statement::parse(&opened).and_then(Statement::into_release).ok()?;
    policy.admits(&release).ok()?;
    let mut verdict = Verdict::new();
    CheckName::ALL.into_iter().for_each(|check| verdict.record(check, Outcome::Passed));
    verdict.conclude(policy, &opened, release).ok()
}

#[test]
fn a_release_goes_all_the_way() {
    let policy = Policy::implicit(key(1).public());
    let proof = judge(&sealed(), &policy).expect("a good release");
    assert_eq!(proof.policy(), policy.digest());
    assert_eq!(proof.value().artifacts.len(), 4);
    assert!(judge(&sealed(), &Policy::implicit(key(2).public())).is_none());
}

#[test]
fn the_same_release_is_the_same_bytes() {
    assert_eq!(sealed(), sealed());
}

#[test]
fn every_flipped_byte_of_a_manifest_is_refused() {
    let (good, policy) = (sealed(), Policy::implicit(key(1).public()));
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(judge(&bytes, &policy).is_none(), "byte {at}");
    }
}

/// A22, A25: a signature over one manifest does not serve another.
#[test]
fn parts_of_two_envelopes_do_not_mix() {
    let other = Envelope::sign(PayloadType::InToto, b"{}".to_vec(), &key(1)).expect("short").to_bytes();
    let (good, other) = (String::from_utf8(sealed()).expect("JSON"), String::from_utf8(other).expect("JSON"));
    let cut = |text: &str| text.find(r#","signatures""#).expect("there");
    let mixed = format!("{}{}", &good[..cut(&good)], &other[cut(&other)..]);
    assert!(Envelope::parse(mixed.as_bytes()).is_ok());
    assert!(open(mixed.as_bytes(), &[key(1).public()]).is_none());
    assert!(open(other.as_bytes(), &[key(1).public()]).is_some());
    assert!(judge(other.as_bytes(), &Policy::implicit(key(1).public())).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spliced_manifests_are_refused(
        from in any::<prop::sample::Index>(),
        length in 0_usize..64,
        insert in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let good = sealed();
        let from = from.index(good.len());
        let to = (from + length).min(good.len());
        let changed = [&good[..from], &insert, &good[to..]].concat();
        prop_assert!(changed == good || judge(&changed, &Policy::implicit(key(1).public())).is_none());
    }
}
