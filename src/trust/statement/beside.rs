//! Files that lie beside a manifest and follow from it.

use std::fmt::Write;

use super::release::Release;
use crate::detached::SignatureFormat;
use crate::name::FileName;

/// The list of the files' digests, for `sha256sum -c`: a companion.
pub const CHECKSUMS: &str = "checksums.txt";

/// What a companion of a release is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside<'a> {
    /// [`CHECKSUMS`].
    Checksums,
    /// A signature of [`CHECKSUMS`].
    ChecksumsSignature(SignatureFormat),
    /// [`PROVENANCE`].
    Provenance,
    /// The signature of an artifact that is a file.
    ArtifactSignature(&'a FileName, SignatureFormat),
}

/// What is new in a release, for people: an artifact of the kind [`super::ArtifactKind::Notes`].
pub const NOTES: &str = "notes.md";

/// How the release was made, signed: a companion.
pub const PROVENANCE: &str = "provenance.json";

/// Where a statement lies that nobody signed. No release has such a file.
pub const UNSIGNED: &str = "release.unsigned.json";

/// The longest `release.json`, in bytes: written no longer, and read no further.
pub const MAX_MANIFEST: usize = 16 << 20;

/// The name of the file with the signature of another.
pub fn signature_of(name: &str, format: SignatureFormat) -> String {
    format!("{name}{}", format.suffix())
}

impl Release {
    /// What the companion of that name is; none where this program does not know it.
    pub fn beside(&self, name: &FileName) -> Option<Beside<'_>> {
        if name.as_str() == CHECKSUMS {
            return Some(Beside::Checksums);
        }
        if name.as_str() == PROVENANCE {
            return Some(Beside::Provenance);
        }
        let of_checksums = |format: &SignatureFormat| signature_of(CHECKSUMS, *format) == name.as_str();
        if let Some(format) = SignatureFormat::ALL.into_iter().find(of_checksums) {
            return Some(Beside::ChecksumsSignature(format));
        }
        SignatureFormat::ALL.into_iter().find_map(|format| {
            let signed = name.as_str().strip_suffix(format.suffix())?;
            let (name, _) = self.files().find(|(name, _)| name.as_str() == signed)?;
            Some(Beside::ArtifactSignature(name, format))
        })
    }

    /// What the trusted comment of minisign says of a file: no moment, so that equal releases have equal signatures.
    pub fn trusted_comment(&self, file: &str) -> String {
        format!("file:{file}\tproduct:{}\tversion:{}\thashed", self.product, self.version)
    }

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
