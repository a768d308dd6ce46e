//! The keys of `[attest]`.

use super::{Shape, Table, Text, key};

/// What signatures are made of.
pub const SIGNATURES: &[&str] = &["checksums", "each"];

/// The longest that a signer may be waited for: an hour, in which somebody may have to touch a device.
pub const MAX_TIMEOUT: i64 = 3600;

pub(super) static ATTEST: Table = Table {
    text: "How a release is signed.",
    keys: &[
        key("key", Shape::Text(Text::AnyPath), "none", "\"release.key\"")
            .says("Path of the signing key; with `signer` that of its public half."),
        key("signer", Shape::List(Text::Line), "none", "[\"kms-sign\", \"release\"]")
            .says("Program and arguments that sign in the key's place, for keys that never leave their device."),
        key("signer-timeout", Shape::Number(MAX_TIMEOUT), "60", "300")
            .says("How many seconds it has for one signature."),
        key("signatures", Shape::Choice(SIGNATURES), "\"checksums\"", "\"each\"")
            .says("`each` signs every archive, SBOM, notes and VEX too, in the same formats: `.sig` beside each."),
        key("formats", Shape::List(Text::Signature), "[\"raw\"]", "[\"raw\", \"minisign\", \"sigstore\", \"ssh\"]")
            .says("Signatures of checksums.txt: `raw` (openssl), `minisign`, `sigstore` (cosign), `ssh` (ssh-keygen)."),
    ],
};
