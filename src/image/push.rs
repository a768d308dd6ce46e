//! To a registry: images by their digests, and tags when somebody says so.

use super::{ImageError, Made, Places, Stored};
use crate::event::Events;
use crate::oci::{self, Copied, Copy, Pinned, Repository, Source, Tag};
use crate::plan;
use crate::registry::Standing;
use crate::store::Store;
use crate::version::TagKind;

/// A tag and what it leads to now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MovedTag {
    /// The repository.
    pub repository: Repository,
    /// The tag.
    pub tag: Tag,
    /// Whether it led there before.
    pub known: bool,
}

/// Whether every image has a repository to go to, asked before any is made.
///
/// # Errors
/// `image.no-repository`.
pub fn destined(images: &[plan::Image]) -> Result<(), ImageError> {
    let homeless = images.iter().find(|image| image.repository.is_none());
    homeless.map_or(Ok(()), |image| Err(ImageError::NoRepository { service: image.service.to_string() }))
}

/// Sends an image to its repository, by digest: no tag moves, and nobody sees it who does not know the digest.
///
/// # Errors
/// `image.no-repository`; what the registry says.
pub fn push(
    places: &Places<'_>,
    store: &Store,
    events: &Events,
    (image, made): (&plan::Image, &Made),
) -> Result<(Pinned, Copied), ImageError> {
    let Some(repository) = &image.repository else {
        return Err(ImageError::NoRepository { service: image.service.to_string() });
    };
    let remote = places.repository(repository)?;
    let copied = oci::copy(&made.descriptor, &Stored::new(store), &remote, &Copy::default(), events)?;
    Ok((repository.pin(made.descriptor.digest), copied))
}

/// Lets the tags of images lead to them, after all that they lead to is there. Before the first one moves, each that
/// names a version is looked at: one that leads elsewhere is somebody else's, and nothing moves.
///
/// # Errors
/// `registry.tag-exists`; what the registry says.
pub fn move_tags(
    places: &Places<'_>,
    store: &Store,
    images: &[(&plan::Image, &Made)],
) -> Result<Vec<MovedTag>, ImageError> {
    let mut wanted = Vec::new();
    for (image, made) in images {
        let Some(repository) = &image.repository else {
            return Err(ImageError::NoRepository { service: image.service.to_string() });
        };
        let remote = places.repository(repository)?;
        let digest = made.descriptor.digest;
        let mut tags = Vec::new();
        for named in &image.tags {
            let known = match named.kind {
                TagKind::Fixed => remote.guard_tag(&named.tag, digest)? == Standing::Same,
                // One that cannot be read is moved, and the move will say what is wrong.
                TagKind::Pointer => remote.resolve(&named.tag).is_ok_and(|found| found.digest == digest),
            };
            tags.push((named.tag.clone(), known));
        }
        wanted.push((made, remote, tags));
    }
    let mut moved = Vec::new();
    for (made, remote, tags) in wanted {
        let bytes = Stored::new(store).document(&made.descriptor)?;
        for (tag, known) in tags {
            if !known {
                remote.move_tag(&tag, &made.descriptor, &bytes)?;
            }
            moved.push(MovedTag { repository: remote.repository().clone(), tag, known });
        }
    }
    Ok(moved)
}
