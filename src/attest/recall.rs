//! What an earlier run packaged, measured again: for `sealift attest` by itself.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::Path;

use sealift_trust::{Digest, FileName};

use super::{AttestError, blob_path};
use crate::archive::{self, ArchiveError, Format, Limits, ReadSeek};
use crate::artifact::Artifact;
use crate::host::files;
use crate::host::machine;
use crate::host::regular::{self, Found, Regular};
use crate::product::{
    self, Archive, ArchiveKind, Binary, Image, ImageIndex, RecordedArchive, RecordedBinary, RecordedImage,
    RecordedIndex, RecordedSbom, SbomFile, Told,
};

/// What an earlier run made, as it is now.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// The binaries, measured where they lie: in the archives.
    pub binaries: Vec<Binary>,
    /// The archives, measured in `dist/`.
    pub archives: Vec<Archive>,
}

/// Reads `.sealift/package.json`, measures every archive that it names in `dist/`, and every binary in these; refuses
/// whatever differs from what the record tells. Runs on all cores.
///
/// # Errors
/// `attest.record`, `attest.missing`, `attest.changed`, or what an archive is refused for.
pub fn recall(dist: &Path, record: &Path) -> Result<Recalled, AttestError> {
    let shown = || record.display().to_string();
    let bytes = read(record)?.ok_or_else(|| AttestError::Missing { path: shown() })?;
    let recorded = product::read(&bytes).map_err(|source| AttestError::Record { path: shown(), source })?;
    let measured = machine::parallel(&recorded.archives, machine::cores(), |archive| measure(dist, archive))?;
    let mut held: BTreeMap<Digest, Artifact> = BTreeMap::new();
    let mut archives = Vec::new();
    for (archive, binaries) in measured {
        held.extend(binaries.into_iter().map(|binary| (binary.digest(), binary)));
        archives.push(archive);
    }
    let binary = |binary: RecordedBinary| match held.get(&binary.artifact.digest) {
        Some(found) if binary.artifact.is(*found) => {
            let RecordedBinary { service, version, target, .. } = binary;
            Ok(Binary { service, version, target, artifact: *found })
        }
        _ => Err(AttestError::Missing { path: format!("{} for {} in the archives", binary.service, binary.target) }),
    };
    let binaries = recorded.binaries.into_iter().map(binary).collect::<Result<_, _>>()?;
    Ok(Recalled { binaries, archives })
}

/// Reads `.sealift/image.json` and measures every blob of the images that it names in `dist/`; refuses whatever differs
/// from what the record tells. Without a record there are no images. Runs on all cores.
///
/// # Errors
/// `attest.record`, `attest.missing` or `attest.changed`.
pub fn recall_images(dist: &Path, record: &Path) -> Result<Vec<ImageIndex>, AttestError> {
    let Some(bytes) = read(record)? else { return Ok(Vec::new()) };
    let recorded = product::read_images(&bytes)
        .map_err(|source| AttestError::Record { path: record.display().to_string(), source })?;
    let mut told: BTreeMap<Digest, Told> = BTreeMap::new();
    for index in &recorded.indexes {
        let parts = |image: &RecordedImage| [&[image.artifact, image.config], &image.layers[..]].concat();
        let blobs = index.images.iter().flat_map(parts).chain([index.artifact]);
        told.extend(blobs.map(|blob| (blob.digest, blob)));
    }
    let told: Vec<Told> = told.into_values().collect();
    let measured = machine::parallel(&told, machine::cores(), |told| {
        let path = blob_path(dist, told.digest);
        measure_file(&path, *told).map(|(_, artifact)| (told.digest, artifact))
    })?;
    let measured: BTreeMap<Digest, Artifact> = measured.into_iter().collect();
    // Of one digest a record may tell two sizes.
    let blob = |told: Told| match measured.get(&told.digest) {
        Some(found) if told.is(*found) => Ok(*found),
        _ => Err(AttestError::Changed { path: blob_path(dist, told.digest).display().to_string() }),
    };
    let image = |image: RecordedImage| {
        let RecordedImage { service, target, media_type, holds, .. } = image;
        let (artifact, config) = (blob(image.artifact)?, blob(image.config)?);
        let layers = image.layers.into_iter().map(blob).collect::<Result<_, AttestError>>()?;
        Ok(Image { service, target, artifact, media_type, config, layers, holds })
    };
    let index = |index: RecordedIndex| {
        let RecordedIndex { service, media_type, .. } = index;
        let images = index.images.into_iter().map(image).collect::<Result<_, AttestError>>()?;
        Ok(ImageIndex { service, artifact: blob(index.artifact)?, media_type, images })
    };
    recorded.indexes.into_iter().map(index).collect()
}

/// Reads `.sealift/sbom.json` and measures every SBOM that it names in `dist/`; refuses whatever differs from what the
/// record tells. Without a record there are none.
///
/// # Errors
/// `attest.record`, `attest.missing` or `attest.changed`.
pub fn recall_sboms(dist: &Path, record: &Path) -> Result<Vec<SbomFile>, AttestError> {
    let Some(bytes) = read(record)? else { return Ok(Vec::new()) };
    let recorded = product::read_sboms(&bytes)
        .map_err(|source| AttestError::Record { path: record.display().to_string(), source })?;
    let sbom = |recorded: RecordedSbom| {
        let (_, artifact) = measure_file(&dist.join(recorded.name.as_str()), recorded.artifact)?;
        let RecordedSbom { name, format, of, service, target, subject, .. } = recorded;
        Ok(SbomFile { name, format, of, service, target, subject, artifact })
    };
    recorded.sboms.into_iter().map(sbom).collect()
}

fn read(record: &Path) -> Result<Option<Vec<u8>>, AttestError> {
    Ok(files::read_if_present(record, product::MAX_RECORD as u64)?)
}

/// Opens a regular file and measures it; refuses one that is not as told.
fn measure_file(path: &Path, told: Told) -> Result<(Regular, Artifact), AttestError> {
    let shown = || path.display().to_string();
    let Found::File(found) = regular::open(path)? else {
        return Err(AttestError::Missing { path: shown() });
    };
    let measured = if found.size == told.size {
        Some(Artifact::measure((&found.file).take(told.size.saturating_add(1))).map_err(files::at("read", path))?)
    } else {
        None
    };
    let artifact = measured.filter(|found| told.is(*found)).ok_or_else(|| AttestError::Changed { path: shown() })?;
    Ok((found, artifact))
}

/// Measures an archive, and the binaries that it holds.
fn measure(dist: &Path, recorded: &RecordedArchive) -> Result<(Archive, Vec<Artifact>), AttestError> {
    let path = dist.join(recorded.name.as_str());
    let shown = || path.display().to_string();
    let (mut found, artifact) = measure_file(&path, recorded.artifact)?;
    let binaries = match recorded.kind {
        ArchiveKind::Source | ArchiveKind::File => Vec::new(),
        ArchiveKind::Binaries => held(&mut found, recorded, artifact)
            .map_err(|source| AttestError::Archive { path: shown(), source })?
            .ok_or_else(|| AttestError::Changed { path: shown() })?,
    };
    let RecordedArchive { name, kind, services, target, media_type, holds, .. } = recorded;
    let (name, services): (FileName, Vec<FileName>) = (name.clone(), services.clone());
    let (target, media_type, holds) = (target.clone(), media_type.clone(), holds.clone());
    Ok((Archive { name, kind: *kind, services, target, artifact, media_type, holds }, binaries))
}

/// The binaries of an archive in the order of the record; none when one is not as recorded.
fn held(
    found: &mut Regular,
    recorded: &RecordedArchive,
    archive: Artifact,
) -> Result<Option<Vec<Artifact>>, ArchiveError> {
    let known = |format: &Format| format.media_type() == recorded.media_type;
    let format = Format::ALL.into_iter().find(known).map_or_else(|| recorded.media_type.parse(), Ok)?;
    let open = || {
        let mut file = found.file.try_clone()?;
        file.rewind()?;
        Ok(Box::new(file) as Box<dyn ReadSeek>)
    };
    let listing = archive::list(format, &open, &Limits::release())?;
    let binary = |held: &product::Held| {
        let measured = listing.entry(&held.path)?.artifact()?;
        (measured.digest() == held.digest && measured.size() == held.size).then_some(measured)
    };
    let binaries: Option<Vec<Artifact>> = recorded.holds.iter().map(binary).collect();
    Ok(binaries.filter(|_| listing.archive() == archive))
}
