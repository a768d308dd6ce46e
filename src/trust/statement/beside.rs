//! Files that lie beside a manifest and follow from it.

use std::fmt::Write;

use super::release::Release;

/// The list of the files' digests, for `sha256sum -c`: a companion.
pub const CHECKSUMS: &str = "checksums.txt";

/// The raw signature of [`CHECKSUMS`], for `openssl pkeyutl -verify -rawin`: a companion.
pub const CHECKSUMS_SIGNATURE: &str = "checksums.txt.sig";

/// What is new in a release, for people: an artifact of the kind [`super::ArtifactKind::Notes`].
pub const NOTES: &str = "notes.md";

/// How the release was made, signed: a companion.
pub const PROVENANCE: &str = "provenance.json";

/// Where a statement lies that nobody signed. No release has such a file.
pub const UNSIGNED: &str = "release.unsigned.json";

/// The longest `release.json`, in bytes: written no longer, and read no further.
pub const MAX_MANIFEST: usize = 16 << 20;

impl Release {
    /// The text of [`CHECKSUMS`]: every artifact that is a file, by name, as `<64 hex digits>  <name>` with a line end
    /// (the form that GNU `sha256sum` writes and reads; a [`crate::FileName`] has nothing that it would escape).
    pub fn checksums(&self) -> String {
        self.files().fold(String::new(), |mut text, (name, artifact)| {
            writeln!(text, "{}  {name}", artifact.digest.hex()).expect("writing to a string");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::digest::Digest;
    use crate::statement::Statement;

    #[test]
    fn checksums_are_of_the_files_alone_and_by_name() {
        let statement = Statement::release(crate::statement::tests::release()).expect("a good release");
        let release = statement.into_release().expect("a release");
        let names = ["api_1.2.3_linux_amd64.tar.gz", "notes.md", "worker_1.2.3_linux_arm_v7.tar.gz"];
        let line = |name: &str| {
            let bytes = if name == "notes.md" { "notes" } else { name };
            format!("{}  {name}\n", Digest::of(bytes.as_bytes()).hex())
        };
        assert_eq!(release.checksums(), names.map(line).concat());
    }
}
