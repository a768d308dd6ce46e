//! Places where images lie, opened.

use sealift_trust::Digest;

use super::ImageError;
use crate::event::Events;
use crate::host::Host;
use crate::oci::{
    self, ArchiveForm, ArchiveWriter, Copied, Copy, Descriptor, DockerArchive, Document, Layout, OciArchive, Place,
    Platform, Source,
};
use crate::target::Target;

/// Opens places.
pub struct Places<'a> {
    host: &'a Host,
    events: &'a Events,
}

/// A place that was opened.
pub enum Opened {
    /// A folder.
    Layout(Layout, Option<String>),
    /// A layout in a tar.
    Archive(OciArchive, Option<String>),
    /// What `docker save` writes.
    Docker(DockerArchive, Option<String>),
}

impl<'a> Places<'a> {
    /// What places are opened with.
    pub fn new(host: &'a Host, events: &'a Events) -> Self {
        Self { host, events }
    }

    /// Copies an image to a place, and names it there.
    pub fn copy(&self, from: &Opened, root: &Descriptor, to: &Place, options: &Copy) -> Result<Copied, ImageError> {
        let source = from.source();
        Ok(match to {
            Place::Layout { folder, name } => {
                let layout = Layout::create(folder)?;
                let copied = oci::copy(root, source, &layout, options, self.events)?;
                layout.name(root, name.as_deref())?;
                copied
            }
            Place::OciArchive { file, name } => {
                let archive = ArchiveWriter::create(file, ArchiveForm::Oci)?;
                let copied = oci::copy(root, source, &archive, options, self.events)?;
                archive.finish(&[(root.clone(), name.clone())])?;
                copied
            }
            Place::DockerArchive { file, name } => {
                let root = one_platform(source, root)?;
                let archive = ArchiveWriter::create(file, ArchiveForm::Docker)?;
                let copied = oci::copy(&root, source, &archive, options, self.events)?;
                archive.finish(&[(root, name.clone())])?;
                copied
            }
            Place::Registry(_) => unimplemented!(),
        })
    }

    /// What an image at a place is known by: a name that the place itself is asked with, by digest.
    pub fn reference(&self, place: &Place, root: &Descriptor) -> String {
        match place {
            Place::Registry(reference) => reference.repository().pin(root.digest).to_string(),
            Place::Layout { folder, .. } => format!("oci:{}:@{}", folder.display(), root.digest),
            Place::OciArchive { file, .. } => format!("oci-archive:{}:@{}", file.display(), root.digest),
            Place::DockerArchive { file, .. } => format!("docker-archive:{}:@{}", file.display(), root.digest),
        }
    }

    /// Opens a place to read from it.
    pub fn open(&self, place: &Place) -> Result<Opened, ImageError> {
        match place {
            Place::Layout { folder, name } => Ok(Opened::Layout(Layout::open(folder)?, name.clone())),
            Place::OciArchive { file, name } => Ok(Opened::Archive(OciArchive::open_archive(file)?, name.clone())),
            Place::DockerArchive { file, name } => Ok(Opened::Docker(DockerArchive::open(file)?, name.clone())),
            Place::Registry(_) => unimplemented!(),
        }
    }
}

impl Opened {
    /// Where documents and blobs come from.
    pub fn source(&self) -> &dyn Source {
        match self {
            Self::Layout(layout, _) => layout,
            Self::Archive(archive, _) => archive,
            Self::Docker(archive, _) => archive,
        }
    }

    /// What the place names now.
    pub fn named(&self) -> Result<Descriptor, ImageError> {
        Ok(match self {
            Self::Layout(layout, name) => layout.find(name.as_deref())?,
            Self::Archive(archive, name) => archive.find(name.as_deref())?,
            Self::Docker(archive, name) => archive.find(name.as_deref())?,
        })
    }

    /// What was pinned, whatever the place names now.
    pub fn pinned(&self, digest: Digest) -> Result<Descriptor, ImageError> {
        match self {
            Self::Layout(layout, _) => Ok(layout.find(Some(&format!("@{digest}")))?),
            Self::Archive(archive, _) => Ok(archive.find(Some(&format!("@{digest}")))?),
            Self::Docker(archive, _) => Ok(archive.find(Some(&format!("@{digest}")))?),
        }
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
    found.ok_or_else(|| ImageError::Nothing {
        why: format!("the index has none for {wanted}, which docker-archive needs"),
    })
}
