//! What can be found wrong, and where it is written down while a release is judged.

use sealift_trust::statement::MAX_MANIFEST;
use sealift_trust::{
    CheckName, DetachedError, Digest, DsseError, FileName, Outcome, PolicyError, StatementError, Verdict,
};

use super::distrust::cause;

/// Something wrong with a release. Names of files are made safe to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Nobody signed it.
    #[error("release.unsigned.json is there: nobody signed this release")]
    Unsigned,
    /// There is no manifest.
    #[error("there is no {0}")]
    NoManifest(String),
    /// The manifest is longer than any that is written.
    #[error("the manifest has {0} bytes; at most {MAX_MANIFEST} are read")]
    TooLarge(u64),
    /// The manifest is no envelope of ours.
    #[error("{0}{cause}", cause = cause(.0))]
    Envelope(DsseError),
    /// No trusted key signed it.
    #[error("{0}")]
    Signature(DsseError),
    /// What was signed is no statement of ours.
    #[error("{0}{cause}", cause = cause(.0))]
    Statement(StatementError),
    /// It is not what the policy is about.
    #[error("{0}")]
    Policy(PolicyError),
    /// A file is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// Something stands in the place of a file.
    #[error("{name} is {what}, not a regular file")]
    NotAFile {
        /// Its name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// Something stands in the place of a folder.
    #[error("{name} is {what}, not a folder")]
    NotAFolder {
        /// Its name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A file has another size.
    #[error("{name} has {found} bytes, not {wanted}")]
    Size {
        /// The file.
        name: String,
        /// What the manifest says.
        wanted: u64,
        /// What it has.
        found: u64,
    },
    /// A file has other bytes.
    #[error("{name} is {found}, not {wanted}")]
    Digest {
        /// The file.
        name: String,
        /// What the manifest says.
        wanted: Digest,
        /// What it has.
        found: Digest,
    },
    /// A file that the manifest does not name.
    #[error("{0} is not of this release")]
    Extra(String),
    /// An archive that the safe reader refuses.
    #[error("{name} cannot be read: {code}: {why}")]
    Archive {
        /// The archive.
        name: FileName,
        /// The reader's code.
        code: &'static str,
        /// The reader's words.
        why: String,
    },
    /// An archive or an image does not hold what the manifest says.
    #[error("{holder}: {path} {what}")]
    Binary {
        /// The archive or the image.
        holder: String,
        /// Where in it.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file of the image layout is not what follows from the manifest.
    #[error("{0} is not the one of this release's images")]
    Layout(String),
    /// A document of an image cannot be read.
    #[error("{name} cannot be read: {code}: {why}")]
    Document {
        /// The image or the index.
        name: String,
        /// The reader's code.
        code: &'static str,
        /// The reader's words.
        why: String,
    },
    /// An image is not what the manifest says.
    #[error("{name} {why}")]
    Image {
        /// The image or the index.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that a list of digests does not name.
    #[error("{0} is not in the list")]
    NotListed(String),
    /// `checksums.txt` is not what follows from the manifest.
    #[error("checksums.txt is not the list of this release's files")]
    Checksums,
    /// A signature of `checksums.txt` is not by the key that signed the manifest.
    #[error("{0}: {1}")]
    ChecksumsSignature(FileName, DetachedError),
    /// A signature of an artifact is not by the key that signed the manifest.
    #[error("{0}: {1}")]
    ArtifactSignature(FileName, DetachedError),
    /// The provenance is no envelope, or not by the key that signed the manifest.
    #[error("provenance.json: {0}{cause}", cause = cause(.0))]
    ProvenanceEnvelope(DsseError),
    /// The provenance is none, or is of another release.
    #[error("provenance.json: {0}{cause}", cause = cause(.0))]
    Provenance(StatementError),
    /// A companion that nothing here can judge.
    #[error("{0} cannot be judged: this program does not know what it is")]
    Companion(FileName),
}

impl Flaw {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "verify.unsigned",
            Self::NoManifest(_) => "verify.no-manifest",
            Self::TooLarge(_) | Self::Envelope(_) => "verify.envelope",
            Self::Signature(_) => "verify.signature",
            Self::Statement(_) => "verify.statement",
            Self::Policy(_) => "verify.policy",
            Self::Missing(_) => "verify.missing-file",
            Self::NotAFile { .. } => "verify.not-a-file",
            Self::NotAFolder { .. } => "verify.not-a-folder",
            Self::Size { .. } => "verify.size-mismatch",
            Self::Digest { .. } => "verify.digest-mismatch",
            Self::Extra(_) => "verify.extra-file",
            Self::Archive { .. } => "verify.archive",
            Self::Binary { .. } => "verify.binary-mismatch",
            Self::Layout(_) => "verify.image-layout",
            Self::Document { .. } => "verify.image-document",
            Self::Image { .. } => "verify.image-mismatch",
            Self::NotListed(_) => "verify.not-listed",
            Self::Checksums => "verify.checksums",
            Self::ChecksumsSignature(..) => "verify.checksums-signature",
            Self::ArtifactSignature(..) => "verify.artifact-signature",
            Self::ProvenanceEnvelope(_) | Self::Provenance(_) => "verify.provenance",
            Self::Companion(_) => "verify.companion",
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsigned => Some("sign it: sealift attest --key release.key".to_owned()),
            Self::NoManifest(_) => {
                Some("name the folder of a release: sealift verify dist --key release.pub".to_owned())
            }
            Self::Signature(_) => Some("compare the key with the one that the publisher names".to_owned()),
            Self::Missing(_) | Self::Size { .. } | Self::Digest { .. } | Self::Layout(_) => {
                Some("fetch the release again".to_owned())
            }
            Self::Extra(name) => Some(format!("if {name} is yours, move it out of the folder")),
            Self::Companion(_) => Some("use a newer sealift".to_owned()),
            _ => None,
        }
    }
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Findings {
    verdict: Verdict,
    flaws: Vec<(CheckName, Flaw)>,
}

/// How many flaws of one check its outcome names.
const SHOWN: usize = 3;

impl Findings {
    /// A check is done: it passed when there are no flaws.
    pub(super) fn settle(&mut self, check: CheckName, flaws: Vec<Flaw>) {
        let outcome = if flaws.is_empty() { Outcome::Passed } else { Outcome::Failed(words(&flaws)) };
        self.verdict.record(check, outcome);
        self.flaws.extend(flaws.into_iter().map(|flaw| (check, flaw)));
    }

    /// A check failed.
    pub(super) fn fail(&mut self, check: CheckName, flaw: Flaw) {
        self.settle(check, vec![flaw]);
    }

    /// A check did not run, which is not a pass.
    pub(super) fn not_run(&mut self, check: CheckName, why: &str) {
        self.verdict.record(check, Outcome::NotRun(why.to_owned()));
    }

    /// A check over some files alone: what is wrong counts, but that nothing is wrong is no pass.
    pub(super) fn settle_in_part(&mut self, check: CheckName, flaws: Vec<Flaw>, why: &str) {
        if flaws.is_empty() {
            self.not_run(check, why);
        } else {
            self.settle(check, flaws);
        }
    }

    /// The verdict, and the flaws in the order of the checks.
    pub(super) fn into_parts(mut self) -> (Verdict, Vec<Flaw>) {
        self.flaws.sort_by_key(|(check, _)| *check);
        (self.verdict, self.flaws.into_iter().map(|(_, flaw)| flaw).collect())
    }
}

fn words(flaws: &[Flaw]) -> String {
    let rest = flaws.len().saturating_sub(SHOWN);
    let more = (rest > 0).then(|| format!("and {rest} more"));
    flaws.iter().take(SHOWN).map(Flaw::to_string).chain(more).collect::<Vec<_>>().join("; ")
}
