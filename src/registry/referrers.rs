//! What is about an image: signatures, lists of parts, provenance. Registries list it by an API of their own, and where
//! they do not, a tag named after the subject holds the list (distribution-spec, "Listing Referrers" and "Referrers Tag
//! Schema"). Both are read and both are written: a reader of only one of them finds everything.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::PoisonError;

use sealift_trust::Digest;

use super::Remote;
use super::error::RegistryError;
use crate::error::Failure;
use crate::oci::{Descriptor, Document, Index, Source, Tag, media};

/// The most referrers of one subject.
const MOST: usize = 1000;
/// How often the list is written again when somebody else wrote it at the same time.
const TRIES: usize = 5;

impl Source for Remote<'_> {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Failure> {
        Ok(self.read_document(descriptor)?)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(self.stream(descriptor)?))
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Failure> {
        let mut all = BTreeMap::new();
        for descriptor in self.listed(subject)?.into_iter().chain(self.tagged_referrers(subject)?) {
            all.entry(descriptor.digest).or_insert(descriptor);
        }
        // What a list says is believed when the document says it, too.
        for descriptor in all.values() {
            let bytes = self.read_document(descriptor)?;
            let document = Document::parse(&bytes, &descriptor.media_type)?;
            if document.subject().map(|found| found.digest) != Some(subject) {
                return Err(RegistryError::Referrer { referrer: descriptor.digest, subject }.into());
            }
        }
        Ok(all.into_values().collect())
    }

    fn by_tag(&self, tag: &Tag) -> Result<Option<Descriptor>, Failure> {
        Ok(self.tagged(tag)?.map(|(descriptor, _)| descriptor))
    }
}

impl Remote<'_> {
    /// As the registry's API lists them; none where there is no such API.
    fn listed(&self, subject: Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let line = &self.line;
        let mut all = Vec::new();
        line.list(line.url(&format!("referrers/{subject}"))?, Some(media::OCI_INDEX), MOST, |bytes, _| {
            match Document::parse(&bytes, media::OCI_INDEX) {
                Ok(Document::Index(index)) => all.extend(index.manifests),
                Ok(Document::Manifest(_)) => return Err("the list is a manifest".into()),
                Err(error) => return Err(error.to_string()),
            }
            Ok(all.len())
        })?;
        Ok(all)
    }

    /// As the tag lists them.
    fn tagged_referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, RegistryError> {
        // Without such a tag there are none.
        Ok(self.referrers_index(subject)?.map_or_else(Vec::new, |index| index.manifests))
    }

    fn referrers_index(&self, subject: Digest) -> Result<Option<Index>, RegistryError> {
        let tag = Tag::of_referrers(subject);
        let Some((descriptor, bytes)) = self.tagged(&tag)? else { return Ok(None) };
        match Document::parse(&bytes, &descriptor.media_type)? {
            Document::Index(index) if index.manifests.len() <= MOST => Ok(Some(index)),
            Document::Index(_) => {
                Err(RegistryError::Endless { url: self.line.named(format_args!(":{tag}")), most: MOST })
            }
            Document::Manifest(_) => {
                let url = self.line.named(format_args!(":{tag}"));
                let (want, found) = (media::OCI_INDEX.to_owned(), descriptor.media_type);
                Err(RegistryError::MediaType { url, want, found })
            }
        }
    }

    /// Adds a document to the tag that lists what is about its subject. Registries have no way to write only if nothing
    /// changed, so that the list is read again afterwards, and written again when somebody else's had replaced it.
    pub(super) fn refer(&self, subject: Digest, referrer: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let _alone = self.referring.lock().unwrap_or_else(PoisonError::into_inner);
        let document = Document::parse(bytes, &referrer.media_type)?;
        let mut entry = referrer.bare();
        entry.artifact_type = document.artifact_type().map(str::to_owned);
        entry.annotations.clone_from(document.annotations());
        for _ in 0..TRIES {
            let mut index = self.referrers_index(subject)?.unwrap_or_else(|| Index::new(Vec::new()));
            if index.manifests.iter().any(|known| known.digest == referrer.digest) {
                return Ok(());
            }
            index.manifests.push(entry.clone());
            let bytes = index.encode();
            let descriptor = Descriptor::of(&index.media_type, &bytes);
            self.put_manifest(Tag::of_referrers(subject).as_str(), &descriptor, &bytes)?;
        }
        Err(RegistryError::ReferrersRace { subject })
    }
}
