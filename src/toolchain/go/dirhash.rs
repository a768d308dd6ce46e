//! The `h1:` hash of a module's files (golang.org/x/mod/sumdb/dirhash, Hash1), as `go.sum` and checksum databases have it.

use base64ct::{Base64, Encoding};
use sealift_trust::{Digest, Hasher};

/// Hashes files by their names and digests: SHA-256 over the lines `<hex>  <name>` in the order of the names.
pub fn hash1<'a>(files: impl IntoIterator<Item = (&'a str, Digest)>) -> String {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable();
    let mut hasher = Hasher::new();
    for (name, digest) in files {
        hasher.update(format!("{}  {name}\n", digest.hex()).as_bytes());
    }
    format!("h1:{}", Base64::encode_string(hasher.finish().0.bytes()))
}

/// Whether a text is such a hash in its one spelling.
pub fn is_hash(text: &str) -> bool {
    digest(text).is_some()
}

/// The SHA-256 digest that such a hash spells.
pub fn digest(text: &str) -> Option<Digest> {
    let bytes = Base64::decode_vec(text.strip_prefix("h1:")?).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_module_has_its_known_hash() {
        // go.sum of any module that requires it: golang.org/toolchain's go.mod, one file of one line.
        let text = b"module golang.org/toolchain\n";
        let hash = "h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=";
        assert_eq!(hash1([("go.mod", Digest::of(text))]), hash);
    }

    /// The example of in-toto's `digest_set.md`.
    #[test]
    fn a_hash_spells_a_digest() {
        let spelled = digest("h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=").map(|digest| digest.hex());
        assert_eq!(spelled.as_deref(), Some("2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"));
    }

    #[test]
    fn the_order_of_files_does_not_count_but_their_names_do() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(hash1([("x", a), ("y", b)]), hash1([("y", b), ("x", a)]));
        assert_ne!(hash1([("x", a), ("y", b)]), hash1([("x", b), ("y", a)]));
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = hash1([("x", Digest::of(b"a"))]);
        assert!(is_hash(&hash));
        for wrong in [&hash[3..], &hash[..hash.len() - 1], "h1:", "h2:AAAA", &format!("{hash} ")] {
            assert!(!is_hash(wrong), "{wrong}");
        }
    }
}
