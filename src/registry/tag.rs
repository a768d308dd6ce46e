//! Tags: what they stand for, and the one way to move them.

use sealift_trust::Digest;
use sealift_trust::json::Value;

use super::Remote;
use super::error::RegistryError;
use super::line::Ask;
use super::token::Scope;
use crate::error::Failure;
use crate::host::http::Method;
use crate::oci::{Descriptor, Document, Reference, Repository, Tag};

/// The most tags of one repository.
const TAGS: usize = 100_000;

/// How a tag stands to what it should stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such tag yet.
    Free,
    /// It stands for that already.
    Same,
}

impl Remote<'_> {
    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.line.repository
    }

    /// What a tag stands for now, by its bytes and not by what the registry says of them.
    ///
    /// # Errors
    /// `registry.not-found`, and whatever is wrong with the document.
    pub fn resolve(&self, tag: &Tag) -> Result<Descriptor, Failure> {
        Ok(self.read_tag(tag)?.0)
    }

    /// What a reference stands for: a tag now, a digest always.
    pub fn find(&self, reference: &Reference) -> Result<Descriptor, Failure> {
        match reference {
            Reference::Pinned(pinned) => self.describe(pinned.digest()),
            Reference::Tag { tag, .. } => self.resolve(tag),
        }
    }

    fn read_tag(&self, tag: &Tag) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        self.read_reference(tag.as_str(), &self.line.named(format_args!(":{tag}")))
    }

    /// The document that a tag stands for, if there is such a tag.
    pub(super) fn tagged(&self, tag: &Tag) -> Result<Option<(Descriptor, Vec<u8>)>, RegistryError> {
        match self.read_tag(tag) {
            Err(RegistryError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Makes sure that a version's tag can be given to a document: it is free, or stands for it already.
    ///
    /// # Errors
    /// `registry.tag-exists` when it stands for something else: a version is never moved.
    pub fn guard_tag(&self, tag: &Tag, wanted: Digest) -> Result<Standing, Failure> {
        match self.tagged(tag)? {
            None => Ok(Standing::Free),
            Some((found, _)) if found.digest == wanted => Ok(Standing::Same),
            Some((found, _)) => {
                let tag = self.line.named(format_args!(":{tag}"));
                Err(RegistryError::TagExists { tag, found: found.digest, wanted }.into())
            }
        }
    }

    /// Moves a tag to a document that is there already, and reads it back: nothing else moves tags.
    ///
    /// # Errors
    /// `registry.tag-moved` when it stands for something else afterwards: two releases run at once.
    pub fn move_tag(&self, tag: &Tag, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Failure> {
        Document::parse(bytes, &descriptor.media_type)?;
        descriptor.check(crate::artifact::Artifact::of(bytes))?;
        self.put_manifest(tag.as_str(), descriptor, bytes)?;
        let (found, _) = self.read_tag(tag)?;
        if found.digest != descriptor.digest {
            let (tag, wanted) = (self.line.named(format_args!(":{tag}")), descriptor.digest);
            return Err(RegistryError::TagMoved { tag, found: found.digest, wanted }.into());
        }
        Ok(())
    }

    /// All tags, in the registry's order.
    ///
    /// # Errors
    /// `registry.not-found` where there is no such repository, and lists that lie.
    pub fn tags(&self) -> Result<Vec<Tag>, Failure> {
        let line = &self.line;
        let mut tags = Vec::new();
        let found = line.list(line.url("tags/list?n=1000")?, None, TAGS, |_, value| {
            let Value::Object(members) = value else { return Err("the list is no object".into()) };
            match members.get("tags") {
                // Registries of Go write an empty list so.
                None | Some(Value::Null) => {}
                Some(Value::Array(texts)) => {
                    for text in texts {
                        let tag = text.as_str().and_then(|text| text.parse().ok());
                        tags.push(tag.ok_or("the list holds what is no tag")?);
                    }
                }
                Some(_) => return Err("the list is no list".into()),
            }
            Ok(tags.len())
        })?;
        found.ok_or_else(|| RegistryError::NotFound { what: line.repository.to_string() })?;
        Ok(tags)
    }

    /// Deletes a document with all its tags. One that is not there is as good as deleted.
    ///
    /// # Errors
    /// `registry.unsupported` where the registry allows no deletion.
    pub fn delete(&self, digest: Digest) -> Result<(), Failure> {
        let line = &self.line;
        let url = line.url(&format!("manifests/{digest}"))?;
        let ask = Ask::new(Method::Delete, url, Scope::delete(&line.repository), &[]);
        line.registry.retried(0, || {
            let response = line.send(&ask)?;
            match response.status {
                200 | 202 | 204 | 404 => Ok(()),
                405 | 501 => {
                    let (host, what) = (line.endpoint.name.clone(), "to delete images");
                    Err(RegistryError::Unsupported { host, what })
                }
                _ => Err(line.refusal(&ask.url, response, "")),
            }
        })?;
        Ok(())
    }
}
