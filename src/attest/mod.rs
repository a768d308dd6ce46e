//! From archives and images to a release that can be judged: checksums, the signed manifest, its provenance, and a `dist/`
//! that is never half-made.
//!
//! [`seal`] decides every byte and touches nothing; [`place`] makes `dist/` hold exactly these bytes; [`recall`] gives
//! back what an earlier run packaged, and [`recall_images`] its images; [`keys`] reads and makes secret keys.

mod attach;
mod each;
mod elsewhere;
mod error;
mod job;
mod journal;
pub mod keys;
mod layout;
mod place;
mod provenance;
mod recall;
mod signer;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use sealift_trust::json::MAX_INTEGER;
use sealift_trust::statement::{
    Artifact as Entry, ArtifactKind, ArtifactName, CHECKSUMS, Commit, Held, MANIFEST, MAX_MANIFEST, NOTES, PROVENANCE,
    Service, SourceUrl, Timestamp, UNSIGNED, signature_of,
};
use sealift_trust::{
    Detached, Digest, Envelope, FileName, Message, PayloadType, Release, SignatureFormat, Statement, name,
};

use crate::artifact::Artifact;
use crate::product::{Archive, ArchiveKind, Binary, ImageIndex, SbomFile};

pub use attach::{Said, attach, attach_list, bundle, listed, said};
pub use elsewhere::Elsewhere;
pub use error::AttestError;
pub use job::{Disbelief, Job, job};
pub use layout::{blob_path, layout};
pub use place::{Clean, Dist, Placed, Placement, Reach, Source, place};
pub use provenance::{Asked, Making};
pub use recall::{Recalled, recall, recall_images, recall_sboms};
pub use signer::{Process, Purpose, Signer, SignerError};

/// What a release says of itself, besides its artifacts.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What is released.
    pub product: FileName,
    /// Its version.
    pub version: semver::Version,
    /// The channel it is made for.
    pub channel: Option<FileName>,
    /// Whether it is made from a state that is no release.
    pub snapshot: bool,
    /// The commit it is made from.
    pub commit: Commit,
    /// Where the source is.
    pub source: Option<SourceUrl>,
    /// When, in seconds since 1970: `SOURCE_DATE_EPOCH`, else the commit's time.
    pub created: u64,
    /// The services in it, with what is stamped into their binaries.
    pub services: Vec<Service>,
    /// How it was made, when that is known.
    pub making: Option<Making>,
}

/// What a release is made of.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The archives.
    pub archives: &'a [Archive],
    /// The images of each service that has some.
    pub images: &'a [ImageIndex],
    /// The binaries in both.
    pub binaries: &'a [Binary],
    /// What is new, as Markdown, where somebody has told it.
    pub notes: Option<&'a str>,
    /// The lists of what is in the binaries and images.
    pub sboms: &'a [SbomFile],
    /// What is known of vulnerabilities in it, as OpenVEX.
    pub openvex: Option<&'a [u8]>,
}

/// Where the bytes of a release's contents lie now, usually in the store.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    /// Those of an archive.
    pub archive: &'a dyn Fn(&Archive) -> PathBuf,
    /// Those of an SBOM.
    pub sbom: &'a dyn Fn(&SbomFile) -> PathBuf,
    /// Those of a blob of an image: manifest, configuration or layer.
    pub blob: &'a dyn Fn(Digest) -> PathBuf,
}

/// A release whose every byte is decided.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The digest of the manifest: of the statement's canonical bytes, whoever signed them.
    pub manifest: Digest,
    /// What the manifest says.
    pub release: Release,
    /// The files that go beside the archives, the manifest last.
    pub files: Vec<(FileName, Vec<u8>)>,
}

/// How a release is signed.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// Who signs.
    pub signer: &'a Signer<'a>,
    /// In which formats `checksums.txt` is signed, besides the manifest.
    pub formats: &'a [SignatureFormat],
    /// Where the bytes of an archive or an SBOM lie now, when each file gets signatures of its own: whatever is not decided
    /// in [`Contents`].
    pub each: Option<&'a dyn Fn(&FileName) -> PathBuf>,
}

/// Decides `notes.md`, `checksums.txt` with its signatures, `provenance.json` and `release.json`, or without a key
/// `checksums.txt` and `release.unsigned.json`. The same input gives the same bytes, unless a signer of another process decides otherwise.
pub fn seal(subject: &Subject, contents: &Contents<'_>, signing: Option<&Signing<'_>>) -> Result<Sealed, AttestError> {
    let mut release = release(subject, contents)?;
    release.companions = companions(subject, &release, signing)?;
    let statement = Statement::release(release)?;
    let payload = statement.to_payload()?;
    let manifest = Digest::of(&payload);
    let release = statement.into_release()?;
    let checksums = release.checksums().into_bytes();
    let mut files: Vec<_> = contents.notes.iter().map(|text| (own(NOTES), text.as_bytes().to_vec())).collect();
    if let Some(bytes) = contents.openvex {
        files.push((openvex_name(subject)?, bytes.to_vec()));
    }
    match signing {
        None => files.extend([(own(CHECKSUMS), checksums), (own(UNSIGNED), payload)]),
        Some(signing) => {
            let (comment, key) = (release.trusted_comment(CHECKSUMS), signing.signer.public());
            let sign = |message: &Message<'_>| signing.signer.sign(message, Purpose::Checksums);
            let (mut signatures, list) = (Vec::new(), Message::of(&checksums));
            for format in signing.formats {
                let bytes = Detached::sign_with(*format, (&list, &comment), &key, sign)?;
                signatures.push((own(&signature_of(CHECKSUMS, *format)), bytes));
            }
            files.push((own(CHECKSUMS), checksums));
            files.append(&mut signatures);
            if let Some(stored) = signing.each {
                files.append(&mut each::signatures(&release, contents, signing, stored)?);
            }
            let manifest = envelope(payload, signing.signer)?;
            if let Some(making) = &subject.making {
                let provenance = making.provenance(subject, &release, Digest::of(&manifest))?;
                let provenance = envelope(Statement::provenance(provenance)?.to_payload()?, signing.signer)?;
                files.push((own(PROVENANCE), provenance));
            }
            files.push((own(MANIFEST), manifest));
        }
    }
    Ok(Sealed { manifest, release, files })
}

/// The files beside the manifest that are no artifacts.
fn companions(
    subject: &Subject,
    release: &Release,
    signing: Option<&Signing<'_>>,
) -> Result<Vec<FileName>, AttestError> {
    let mut names = vec![own(CHECKSUMS)];
    let Some(signing) = signing else { return Ok(names) };
    names.extend(subject.making.iter().map(|_| own(PROVENANCE)));
    names.extend(signing.formats.iter().map(|format| own(&signature_of(CHECKSUMS, *format))));
    if signing.each.is_some() {
        for (name, _) in release.files() {
            for format in signing.formats {
                names.push(signature_of(name.as_str(), *format).parse()?);
            }
        }
    }
    Ok(names)
}

impl Sealed {
    /// Everything that belongs into `dist/`, in the order in which it is put there.
    pub fn placements(&self, contents: &Contents<'_>, stored: Stored<'_>) -> Vec<Placement> {
        let archive = |archive: &Archive| Placement {
            path: archive.name.clone().into(),
            source: Source::File { path: (stored.archive)(archive), artifact: archive.artifact },
        };
        let decided = |(name, bytes): &(FileName, Vec<u8>)| Placement {
            path: name.clone().into(),
            source: Source::Bytes(bytes.clone()),
        };
        let images = layout(contents.images, stored.blob);
        let sbom = |sbom: &SbomFile| Placement {
            path: sbom.name.clone().into(),
            source: Source::File { path: (stored.sbom)(sbom), artifact: sbom.artifact },
        };
        let sboms = contents.sboms.iter().map(sbom);
        contents.archives.iter().map(archive).chain(sboms).chain(images).chain(self.files.iter().map(decided)).collect()
    }
}

/// Signs, and opens what was signed: a statement that nobody can verify must not be published, whatever went wrong.
fn envelope(payload: Vec<u8>, signer: &Signer<'_>) -> Result<Vec<u8>, AttestError> {
    let digest = Digest::of(&payload);
    let sign = |message: &[u8]| signer.sign(&Message::of(message), Purpose::Statement);
    let bytes = Envelope::sign_with(PayloadType::InToto, payload, sign)?.to_bytes();
    if bytes.len() > MAX_MANIFEST {
        return Err(AttestError::TooLarge { found: bytes.len() });
    }
    let opened = Envelope::parse(&bytes)?.verify(&[signer.public()])?;
    if Statement::parse(&opened)?.digest()? != digest {
        return Err(AttestError::NotReadBack);
    }
    Ok(bytes)
}

/// What the manifest says, but for its companions.
fn release(subject: &Subject, contents: &Contents<'_>) -> Result<Release, AttestError> {
    let archives = contents.archives.iter().map(archive_entry);
    let images = contents.images.iter().flat_map(layout::entries);
    let binaries = contents.binaries.iter().map(binary_entry);
    let notes = contents.notes.iter().map(|text| notes_entry(text));
    let sboms = contents.sboms.iter().map(sbom_entry);
    let openvex = contents.openvex.iter().map(|bytes| openvex_entry(subject, bytes));
    let entries: Result<Vec<Entry>, AttestError> =
        archives.chain(images).chain(binaries).chain(sboms).chain(notes).chain(openvex).collect();
    Ok(Release {
        product: subject.product.clone(),
        version: subject.version.clone(),
        channel: subject.channel.clone(),
        snapshot: subject.snapshot,
        commit: subject.commit.clone(),
        source: subject.source.clone(),
        created: Timestamp::from_unix(subject.created).ok_or(AttestError::Created(subject.created))?,
        services: subject.services.clone(),
        artifacts: entries?,
        companions: Vec::new(),
    })
}

fn archive_entry(archive: &Archive) -> Result<Entry, AttestError> {
    let held = |held: &crate::product::Held| Ok(Held { path: name::inner_path(&held.path)?, digest: held.digest });
    let service = match &archive.services[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    Ok(Entry {
        name: ArtifactName::File(archive.name.clone()),
        kind: match archive.kind {
            ArchiveKind::Binaries => ArtifactKind::Archive,
            ArchiveKind::Source => ArtifactKind::Source,
            ArchiveKind::File => ArtifactKind::File,
        },
        service,
        target: archive.target.as_ref().map(|target| target.to_string().parse()).transpose()?,
        digest: archive.artifact.digest(),
        size: size(archive.artifact, archive.name.as_str())?,
        media_type: archive.media_type.parse()?,
        holds: archive.holds.iter().map(held).collect::<Result<_, AttestError>>()?,
    })
}

fn binary_entry(binary: &Binary) -> Result<Entry, AttestError> {
    let target = binary.target.to_string().parse::<sealift_trust::statement::TargetName>()?;
    Ok(Entry {
        name: ArtifactName::Binary { service: binary.service.clone(), target: target.clone() },
        kind: ArtifactKind::Binary,
        service: Some(binary.service.clone()),
        target: Some(target),
        digest: binary.artifact.digest(),
        size: size(binary.artifact, binary.service.as_str())?,
        media_type: "application/octet-stream".parse()?,
        holds: Vec::new(),
    })
}

fn notes_entry(text: &str) -> Result<Entry, AttestError> {
    let artifact = Artifact::of(text.as_bytes());
    Ok(Entry {
        name: ArtifactName::File(own(NOTES)),
        kind: ArtifactKind::Notes,
        service: None,
        target: None,
        digest: artifact.digest(),
        size: size(artifact, NOTES)?,
        media_type: "text/markdown".parse()?,
        holds: Vec::new(),
    })
}

fn sbom_entry(sbom: &SbomFile) -> Result<Entry, AttestError> {
    Ok(Entry {
        name: ArtifactName::File(sbom.name.clone()),
        kind: ArtifactKind::Sbom,
        service: Some(sbom.service.clone()),
        target: Some(sbom.target.to_string().parse()?),
        digest: sbom.artifact.digest(),
        size: size(sbom.artifact, sbom.name.as_str())?,
        media_type: sbom.format.media_type().parse()?,
        holds: Vec::new(),
    })
}

/// `<product>_<version>.vex.json`.
fn openvex_name(subject: &Subject) -> Result<FileName, AttestError> {
    Ok(format!("{}_{}.vex.json", subject.product, subject.version).parse()?)
}

fn openvex_entry(subject: &Subject, bytes: &[u8]) -> Result<Entry, AttestError> {
    let (artifact, name) = (Artifact::of(bytes), openvex_name(subject)?);
    Ok(Entry {
        kind: ArtifactKind::Vex,
        service: None,
        target: None,
        digest: artifact.digest(),
        size: size(artifact, name.as_str())?,
        media_type: "application/json".parse()?,
        holds: Vec::new(),
        name: ArtifactName::File(name),
    })
}

/// An empty file is no archive and no program: something went wrong before.
fn size(artifact: Artifact, name: &str) -> Result<u64, AttestError> {
    match artifact.size() {
        size @ 1.. if size <= MAX_INTEGER.unsigned_abs() => Ok(size),
        size => Err(AttestError::Size { name: name.to_owned(), size }),
    }
}

/// A name of ours as a value.
fn own(name: &str) -> FileName {
    name.parse().expect("our own names are plain file names")
}
