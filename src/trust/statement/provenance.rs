//! The predicate `https://slsa.dev/provenance/v1` (slsa.dev, "Build: Provenance"): how a release was made, completely enough
//! to make it again. Reading is stricter than SLSA asks for: this is the form that sealift writes.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::release::Release;
use super::subject::Subject;
use super::terms::{Commit, SourceUrl, TargetName, Timestamp};
use crate::digest::Digest;
use crate::name::FileName;

/// How a release was made, and by whom as far as the maker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Provenance {
    /// What was made: see [`Subject::all`]. They stand in the statement, beside the predicate.
    #[serde(skip)]
    pub subjects: Vec<Subject>,
    /// The inputs.
    pub build_definition: BuildDefinition,
    /// The run.
    pub run_details: RunDetails,
}

/// What a build is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BuildDefinition {
    /// How the parameters are to be read.
    pub build_type: BuildType,
    /// What whoever started the run decided.
    pub external_parameters: ExternalParameters,
    /// What followed from that: the steps.
    pub internal_parameters: InternalParameters,
    /// Everything that was fetched or read, sorted and without repetition.
    pub resolved_dependencies: Vec<Dependency>,
}

/// How parameters are to be read: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildType {
    /// As this module says.
    #[serde(rename = "urn:sealift:build:1")]
    Sealift1,
}

/// What whoever started the run decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExternalParameters {
    /// Where the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceUrl>,
    /// The commit.
    pub commit: Commit,
    /// The tag that gave the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The version.
    pub version: Version,
    /// Whether this is no release: a dirty tree or an untagged commit.
    pub snapshot: bool,
    /// Whether files differed from the commit: then nobody can make this again from the commit alone.
    pub modified: bool,
    /// The digest of `sealift.toml`, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Digest>,
    /// The services that were asked for; empty for all.
    pub services: Vec<String>,
    /// The targets that were asked for; empty for the configured ones.
    pub targets: Vec<String>,
}

/// The steps, and what the surroundings say of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InternalParameters {
    /// The binaries.
    pub builds: Vec<BuildStep>,
    /// The archives.
    pub archives: Vec<ArchiveStep>,
    /// The images.
    pub images: Vec<ImageStep>,
    /// What the variables of a CI service said. Nobody vouches for it but whoever signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// How a binary was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BuildStep {
    /// Whose.
    pub service: FileName,
    /// For which target.
    pub target: TargetName,
    /// What it came from: a compiler run, or a file that something else made.
    pub from: Origin,
    /// Whether upx compressed it afterwards.
    pub upx: bool,
}

/// Where a binary came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Origin {
    /// A run of the go command.
    Go {
        /// The toolchain: the name of one of the dependencies.
        toolchain: String,
        /// The folder of the module or workspace, relative to the project.
        folder: String,
        /// The arguments, with `{output}` for the path of the result.
        arguments: Vec<String>,
        /// The variables that decide the result.
        variables: BTreeMap<String, String>,
    },
    /// A file that something else made: the name of one of the dependencies.
    File(String),
}

/// How an archive was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ArchiveStep {
    /// Its name.
    pub name: FileName,
    /// Format, codec, its version and level.
    pub codec: String,
}

/// How the images of a service were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ImageStep {
    /// Whose.
    pub service: FileName,
    /// What they stand on: `scratch`, or the name of one of the dependencies.
    pub base: String,
    /// Format, codec, its version and level of the layers.
    pub codec: String,
}

/// What the variables of a CI service say of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Environment {
    /// The address of the repository.
    pub repository: SourceUrl,
    /// The branch or tag.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was run: a workflow, or the file with the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// What started the run: a push, a schedule, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Whose machine it was, in the service's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
}

/// Something that was fetched or read: in-toto's resource descriptor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dependency {
    /// What it is called in the steps, or by whoever needs it.
    pub name: String,
    /// Where it is, as a package URL where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What it was; none where nothing says so, as for a module that the tree itself holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<ResourceDigest>,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A digest under the name of its algorithm (in-toto, `digest_set.md`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceDigest {
    /// Of a commit.
    GitCommit(Commit),
    /// Of the files of a Go module: its `h1:` hash, in hexadecimal digits.
    #[serde(with = "hex")]
    DirHash(Digest),
    /// Of bytes.
    #[serde(with = "hex")]
    Sha256(Digest),
}

/// Who made it, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RunDetails {
    /// Who.
    pub builder: Builder,
    /// Which run. A local run says nothing of itself, so that it gives the same bytes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// Who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Builder {
    /// What ran.
    pub id: BuilderId,
    /// The versions of its parts.
    pub version: BTreeMap<String, String>,
}

/// What ran sealift: a closed set. Each but the first is the claim of whoever signed, on the word of some variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuilderId {
    /// Some machine.
    #[serde(rename = "urn:sealift:builder:local")]
    Local,
    /// A job of GitHub Actions.
    #[serde(rename = "urn:sealift:builder:github-actions")]
    GithubActions,
    /// A job of GitLab CI/CD.
    #[serde(rename = "urn:sealift:builder:gitlab-ci")]
    GitlabCi,
    /// A job of Gitea Actions.
    #[serde(rename = "urn:sealift:builder:gitea-actions")]
    GiteaActions,
}

/// Which run of a CI service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metadata {
    /// The address of the run.
    pub invocation_id: SourceUrl,
    /// When the release was sealed.
    pub finished_on: Timestamp,
}

/// A provenance that contradicts itself, or is of something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// The subjects are not sorted, repeat a name, or are none.
    #[error("the subjects are not sorted, repeat a name, or are none")]
    Subjects,
    /// The dependencies are not sorted, or repeat one.
    #[error("the dependencies are not sorted, or repeat one")]
    Dependencies,
    /// A local run with an environment or a time, or a hosted one without.
    #[error("a local run claims what only a hosted one has, or a hosted one does not say which it was")]
    Builder,
    /// The commit is not among the dependencies.
    #[error("the commit {0} is not among the dependencies")]
    Source(Commit),
    /// It is of another release.
    #[error("it is of another release: it has another {0}")]
    OtherRelease(&'static str),
}

impl ProvenanceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ProvenanceError::Subjects => "provenance.subjects",
            ProvenanceError::Dependencies => "provenance.dependencies",
            ProvenanceError::Builder => "provenance.builder",
            ProvenanceError::Source(_) => "provenance.source",
            ProvenanceError::OtherRelease(_) => "provenance.other-release",
        }
    }
}

impl Provenance {
    /// Checks that its parts agree with each other.
    pub(super) fn check(&self) -> Result<(), ProvenanceError> {
        let BuildDefinition { external_parameters: external, internal_parameters: internal, .. } =
            &self.build_definition;
        if self.subjects.is_empty() || !self.subjects.windows(2).all(|pair| pair[0].name < pair[1].name) {
            return Err(ProvenanceError::Subjects);
        }
        let dependencies = &self.build_definition.resolved_dependencies;
        if !dependencies.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(ProvenanceError::Dependencies);
        }
        let is_hosted = self.run_details.builder.id != BuilderId::Local;
        if is_hosted != self.run_details.metadata.is_some() || is_hosted != internal.environment.is_some() {
            return Err(ProvenanceError::Builder);
        }
        let source = ResourceDigest::GitCommit(external.commit.clone());
        if !dependencies.iter().any(|dependency| dependency.digest.as_ref() == Some(&source)) {
            return Err(ProvenanceError::Source(external.commit.clone()));
        }
        Ok(())
    }

    /// Whether it is of this release, whose manifest's file has that digest.
    ///
    /// # Errors
    /// `provenance.other-release`.
    pub fn is_of(&self, release: &Release, manifest: Digest) -> Result<(), ProvenanceError> {
        let external = &self.build_definition.external_parameters;
        let same = [
            ("list of artifacts", self.subjects == Subject::all(release, manifest)),
            ("version", external.version == release.version),
            ("commit", external.commit == release.commit),
            ("source", external.source == release.source),
            ("standing as a snapshot", external.snapshot == release.snapshot),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(ProvenanceError::OtherRelease(what)),
            None => Ok(()),
        }
    }
}

/// The digits without `sha256:`, as in-toto has them.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::digest::Digest;

    pub fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.hex())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        Digest::from_hex(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
pub(super) mod tests;
