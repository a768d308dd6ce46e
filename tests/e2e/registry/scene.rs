//! A client, a registry that lies at one step, and a server elsewhere that must never see a secret.

use std::io::Read;
use std::sync::OnceLock;
use std::time::Duration;

use sealift::error::Failure;
use sealift::event::Events;
use sealift::host::Host;
use sealift::host::env::Env;
use sealift::oci::{Descriptor, Index, Manifest, Reference, Repository, Sink, Source, Tag, media};
use sealift::registry::{Registry, Retry};

use super::server::{Auth, Content, Lie, PASSWORD, Reply, Request, Server, USER};

/// What the registry holds before it lies.
#[derive(Clone)]
pub struct Sample {
    pub layer: Vec<u8>,
    pub layer_at: Descriptor,
    pub manifest: Vec<u8>,
    pub manifest_at: Descriptor,
    /// Another image.
    pub other: Vec<u8>,
    pub other_at: Descriptor,
    /// A document about the image.
    pub referrer: Vec<u8>,
    pub referrer_at: Descriptor,
}

impl Sample {
    pub fn new() -> Self {
        static SAMPLE: OnceLock<Sample> = OnceLock::new();
        SAMPLE.get_or_init(Self::make).clone()
    }

    fn make() -> Self {
        let layer: Vec<u8> =
            (0..300_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()).collect();
        let layer_at = Descriptor::of(media::OCI_LAYER_TAR, &layer);
        let config = Descriptor::of(media::OCI_CONFIG, CONFIG);
        let manifest = Manifest::new(config.clone(), vec![layer_at.clone()]).encode();
        let manifest_at = Descriptor::of(media::OCI_MANIFEST, &manifest);
        let other = Manifest::new(config, Vec::new()).encode();
        let other_at = Descriptor::of(media::OCI_MANIFEST, &other);
        let mut about = Manifest::new(Descriptor::of(media::EMPTY, b"{}"), vec![Descriptor::of(media::EMPTY, b"{}")]);
        about.artifact_type = Some("application/vnd.example".into());
        about.subject = Some(manifest_at.clone());
        let referrer = about.encode();
        let referrer_at = Descriptor::of(media::OCI_MANIFEST, &referrer);
        Self { layer, layer_at, manifest, manifest_at, other, other_at, referrer, referrer_at }
    }

    /// Puts everything into a registry: the image as `v1`, and its referrer in the registry's own list.
    pub fn fill(&self, content: &mut Content) {
        content.keep_blob(media::OCI_CONFIG, CONFIG);
        content.keep_blob(media::OCI_LAYER_TAR, &self.layer);
        content.keep_blob(media::EMPTY, b"{}");
        content.keep(media::OCI_MANIFEST, &self.manifest);
        content.keep(media::OCI_MANIFEST, &self.other);
        content.keep(media::OCI_MANIFEST, &self.referrer);
        content.manifests.insert("v1".into(), (media::OCI_MANIFEST.into(), self.manifest.clone()));
        let index = Index::new(vec![self.referrer_at.clone()]).encode();
        content.referrers.insert(self.manifest_at.digest.to_string(), (media::OCI_INDEX.into(), index));
    }
}

pub const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;

/// What the client is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Resolve,
    Document,
    Blob,
    HasBlob,
    HasDocument,
    PutBlob,
    Mount,
    PutDocument,
    PutReferrer,
    MoveTag,
    GuardTag,
    Tags,
    Referrers,
    Delete,
}

pub struct Scene {
    pub sample: Sample,
    pub registry: Server,
    pub elsewhere: Server,
    /// How long the client waits for a word.
    pub patience: Duration,
    host: Host,
}

impl Scene {
    /// A registry that answers by `lie` first, which gets the address of the server elsewhere; that one holds the same
    /// things and asks nobody who he is, but for what `beyond` answers.
    pub fn new(
        auth: Auth,
        lie: impl Fn(&Request, &mut Content, &str) -> Option<Reply> + Send + Sync + 'static,
        beyond: Box<Lie>,
    ) -> Self {
        let sample = Sample::new();
        let elsewhere = Server::start(Auth::Open, beyond);
        let address = elsewhere.address.clone();
        let registry = Server::start(auth, Box::new(move |request, content| lie(request, content, &address)));
        for server in [&registry, &elsewhere] {
            sample.fill(&mut server.content.lock().unwrap());
        }
        let env = [
            ("SEALIFT_REGISTRY_HOST", registry.address.as_str()),
            ("SEALIFT_REGISTRY_USER", USER),
            ("SEALIFT_REGISTRY_PASSWORD", PASSWORD),
        ];
        let host = Host::with_env(Env::of("/".into(), env));
        Self { sample, registry, elsewhere, patience: Duration::from_secs(60), host }
    }

    pub fn client(&self) -> Registry<'_> {
        let millis = Duration::from_millis;
        let retry = Retry { tries: 3, first: millis(1), longest: millis(2), budget: Duration::from_secs(2) };
        Registry::new(&self.host, &[], &Events::silent()).with_patience(retry, self.patience)
    }

    pub fn repository(&self) -> Repository {
        format!("{}/a", self.registry.address).parse().unwrap()
    }

    /// Does one thing; what is read is compared with what the registry should hold.
    pub fn act(&self, act: Act) -> Result<(), Failure> {
        let (client, sample) = (self.client(), &self.sample);
        let remote = client.repository(&self.repository())?;
        let tag: Tag = "v1".parse().unwrap();
        match act {
            Act::Resolve => {
                let reference: Reference = format!("{}:v1", self.repository()).parse().unwrap();
                let found = remote.find(&reference)?;
                // What was resolved is what is read: the tag may move in between.
                assert_eq!(Descriptor::of(&found.media_type, &remote.document(&found)?).digest, found.digest);
            }
            Act::Document => assert_eq!(remote.document(&sample.manifest_at)?, sample.manifest),
            Act::Blob => {
                let mut bytes = Vec::new();
                let mut stream = remote.blob(&sample.layer_at)?;
                stream.read_to_end(&mut bytes).map_err(|error| {
                    sealift::oci::from_stream(error, |error| panic!("a failure without its name: {error}"))
                })?;
                assert!(bytes == sample.layer);
            }
            Act::HasBlob => drop(remote.has(&sample.layer_at)?),
            Act::HasDocument => drop(remote.has(&sample.manifest_at)?),
            Act::PutBlob => {
                let layer = sample.layer.clone();
                remote.put_blob(&sample.layer_at, &|| Ok(Box::new(std::io::Cursor::new(layer.clone()))))?;
            }
            Act::Mount => {
                let from = self.repository().sibling("b").unwrap();
                if !remote.mount(&sample.layer_at, &from)? {
                    let layer = sample.layer.clone();
                    remote.put_blob(&sample.layer_at, &|| Ok(Box::new(std::io::Cursor::new(layer.clone()))))?;
                }
            }
            Act::PutDocument => remote.put_document(&sample.manifest_at, &sample.manifest)?,
            Act::PutReferrer => remote.put_document(&sample.referrer_at, &sample.referrer)?,
            Act::MoveTag => remote.move_tag(&tag, &sample.other_at, &sample.other)?,
            Act::GuardTag => drop(remote.guard_tag(&tag, sample.manifest_at.digest)?),
            Act::Tags => drop(remote.tags()?),
            Act::Referrers => drop(remote.referrers(sample.manifest_at.digest)?),
            Act::Delete => remote.delete(sample.manifest_at.digest)?,
        }
        Ok(())
    }
}
