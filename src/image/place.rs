//! Places where images lie: opened to be read, and written to.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sealift_trust::Digest;

use super::ImageError;
use crate::config::settings::RegistrySettings;
use crate::event::Events;
use crate::host::Host;
use crate::oci::{
    self, ArchiveForm, ArchiveWriter, Copied, Copy, Descriptor, DockerArchive, Document, Layout, OciArchive, Place,
    Platform, Reference, Repository, Source,
};
use crate::registry::{Registry, Remote};
use crate::target::Target;
use crate::version;

/// Opens places; registries share connections and credentials.
pub struct Places<'h> {
    registry: Registry<'h>,
    events: Events,
    /// What was warned of: each base once, not for each platform.
    warned: Mutex<BTreeSet<String>>,
}

/// A place that was opened.
pub enum Opened<'p> {
    /// A folder.
    Layout(Layout, Option<String>),
    /// A layout in a tar.
    Archive(OciArchive, Option<String>),
    /// What `docker save` writes.
    Docker(DockerArchive, Option<String>),
    /// A repository.
    Remote(Box<Remote<'p>>, Reference),
}

impl<'h> Places<'h> {
    /// What places are opened with.
    pub fn new(host: &'h Host, registries: &[RegistrySettings], events: &Events) -> Self {
        Self { registry: Registry::new(host, registries, events), events: events.clone(), warned: Mutex::default() }
    }

    /// Says once that a place leads elsewhere than what is pinned.
    pub(super) fn warn_moved(&self, reference: &str, pinned: Digest, now: Digest) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned()) {
            let text = format!("{reference} leads to {now} now, and sealift.lock stays with {pinned}");
            self.events.warn("image.base-moved", text + ": sealift update moves it");
        }
    }

    /// A repository.
    pub fn repository(&self, repository: &Repository) -> Result<Remote<'_>, ImageError> {
        Ok(self.registry.repository(repository)?)
    }

    /// Opens a place to read from it.
    pub fn open(&self, place: &Place) -> Result<Opened<'_>, ImageError> {
        Ok(match place {
            Place::Layout { folder, name } => Opened::Layout(Layout::open(folder)?, name.clone()),
            Place::OciArchive { file, name } => Opened::Archive(OciArchive::open_archive(file)?, name.clone()),
            Place::DockerArchive { file, name } => Opened::Docker(DockerArchive::open(file)?, name.clone()),
            Place::Registry(reference) => {
                Opened::Remote(Box::new(self.repository(reference.repository())?), reference.clone())
            }
        })
    }

    /// Copies an image to a place, and names it there; gives by what it is known there. A tag of a registry is a name
    /// that somebody wrote out, and moves, but for one that says a version.
    ///
    /// # Errors
    /// `registry.tag-exists`; what the places say.
    pub fn copy(
        &self,
        from: &Opened<'_>,
        root: &Descriptor,
        to: &Place,
        options: &Copy,
    ) -> Result<(String, Copied), ImageError> {
        let source = from.source();
        let events = &self.events;
        match to {
            Place::Layout { folder, name } => {
                let layout = Layout::create(folder)?;
                let copied = oci::copy(root, source, &layout, options, events)?;
                layout.name(root, name.as_deref())?;
                Ok((format!("oci:{}:@{}", folder.display(), root.digest), copied))
            }
            Place::OciArchive { file, name } => {
                let archive = ArchiveWriter::create(file, ArchiveForm::Oci)?;
                let copied = oci::copy(root, source, &archive, options, events)?;
                archive.finish(&[(root.clone(), name.clone())])?;
                Ok((format!("oci-archive:{}:@{}", file.display(), root.digest), copied))
            }
            Place::DockerArchive { file, name } => {
                let all = root;
                let root = one_platform(source, root)?;
                if root.digest != all.digest {
                    let platform = root.platform.as_ref().map(ToString::to_string).unwrap_or_default();
                    events.info(format!("docker-archive holds one platform: {platform}"));
                }
                let archive = ArchiveWriter::create(file, ArchiveForm::Docker)?;
                let copied = oci::copy(&root, source, &archive, options, events)?;
                archive.finish(&[(root.clone(), name.clone())])?;
                Ok((format!("docker-archive:{}:@{}", file.display(), root.digest), copied))
            }
            Place::Registry(reference) => {
                let remote = self.repository(reference.repository())?;
                if let Reference::Tag { tag, .. } = reference
                    && version::is_fixed(tag)
                {
                    remote.guard_tag(tag, root.digest)?;
                }
                let options = Copy { mount_from: from.beside(reference.repository()), ..options.clone() };
                let copied = oci::copy(root, source, &remote, &options, events)?;
                match reference {
                    Reference::Pinned(pinned) if pinned.digest() != root.digest => {
                        let why = format!("{}, and {} was asked for", root.digest, pinned.digest());
                        return Err(ImageError::Base { base: reference.repository().to_string(), why });
                    }
                    Reference::Pinned(_) => {}
                    Reference::Tag { tag, .. } => remote.move_tag(tag, root, &source.document(root)?)?,
                }
                Ok((reference.repository().pin(root.digest).to_string(), copied))
            }
        }
    }
}

impl Opened<'_> {
    /// Where documents and blobs come from.
    pub fn source(&self) -> &dyn Source {
        match self {
            Self::Layout(layout, _) => layout,
            Self::Archive(archive, _) => archive,
            Self::Docker(archive, _) => archive,
            Self::Remote(remote, _) => &**remote,
        }
    }

    /// What the place names now.
    pub fn named(&self) -> Result<Descriptor, ImageError> {
        Ok(match self {
            Self::Layout(layout, name) => layout.find(name.as_deref())?,
            Self::Archive(archive, name) => archive.find(name.as_deref())?,
            Self::Docker(archive, name) => archive.find(name.as_deref())?,
            Self::Remote(remote, reference) => remote.find(reference)?,
        })
    }

    /// What was pinned, whatever the place names now.
    pub fn pinned(&self, digest: Digest) -> Result<Descriptor, ImageError> {
        let name = format!("@{digest}");
        Ok(match self {
            Self::Layout(layout, _) => layout.find(Some(&name))?,
            Self::Archive(archive, _) => archive.find(Some(&name))?,
            Self::Docker(archive, _) => archive.find(Some(&name))?,
            Self::Remote(remote, _) => remote.describe(digest)?,
        })
    }

    /// This repository, when another one is of the same registry: blobs need not be sent there.
    fn beside(&self, other: &Repository) -> Option<Repository> {
        let Self::Remote(_, reference) = self else { return None };
        let own = reference.repository();
        (own.host() == other.host() && own != other).then(|| own.clone())
    }
}

/// The image for this machine's platform, where a place holds only one.
fn one_platform(source: &dyn Source, root: &Descriptor) -> Result<Descriptor, ImageError> {
    let Document::Index(index) = Document::parse(&source.document(root)?, &root.media_type)? else {
        return Ok(root.clone());
    };
    let wanted = Platform::new("linux", Target::host().arch(), Target::host().variant());
    let is = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|platform| platform.is(&wanted));
    let found = index.manifests.iter().find(is).cloned();
    let why = || format!("the index has none for {wanted}, and docker-archive holds one platform");
    found.ok_or_else(|| ImageError::Nothing { why: why() })
}
