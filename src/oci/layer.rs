//! Layers, looked at and never unpacked (image-spec, `layer.md`).

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;
use std::sync::Arc;

use sealift_trust::{Digest, Hasher};

use super::tar::{self, EntryKind, Forward};
use super::{Descriptor, Source, media, through_stream};
use crate::artifact::Artifact;
use crate::error::{Failure, Fault, Kind};
use crate::sanitize::sanitize_line;

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerEntry {
    /// Its path without `./` or `/` before it and `/` after it; bytes that are not UTF-8 are replaced. May be hostile:
    /// for showing, and for comparing with paths that are asked for.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, setuid and its like among them.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// Bytes of content in the layer.
    pub size: u64,
    /// Where a link leads, as it is written.
    pub link: Option<String>,
    /// Where its content begins in the uncompressed tar.
    pub at: u64,
}

/// How much of a layer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerLimits {
    /// The most bytes that come out of the decompressor.
    pub bytes: u64,
    /// How many times more than went in, after [`LayerLimits::FREE`].
    pub ratio: u64,
    /// The most entries.
    pub entries: u64,
}

impl LayerLimits {
    /// The bytes that the ratio does not count: a file of zeros is no bomb.
    pub const FREE: u64 = 64 << 20;

    /// For images that are in use: the largest have some 20 GiB, and no executable shrinks to a two-hundredth.
    pub fn usual() -> Self {
        Self { bytes: 32 << 30, ratio: 200, entries: 2_000_000 }
    }
}

/// What was found out about a layer by going through all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Digest and size of the uncompressed tar: the digest is the layer's `diff_id`.
    pub unpacked: Artifact,
    /// How many entries it has.
    pub entries: u64,
}

/// What is wrong with a layer or another tar.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LayerError {
    /// The tar is broken.
    #[error("the entry at byte {at} of the tar {why}")]
    Tar {
        /// Where in the uncompressed stream.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// The tar ends in the middle.
    #[error("the tar ends in the middle (at byte {at})")]
    Truncated {
        /// Where.
        at: u64,
    },
    /// The stream cannot be decompressed or read.
    #[error("the tar cannot be read on after byte {at}")]
    Stream {
        /// Where.
        at: u64,
        /// What the decompressor or the system said.
        source: Arc<io::Error>,
    },
    /// A media type that is no layer.
    #[error("{media_type} is no layer of files")]
    NoLayer {
        /// The type.
        media_type: String,
    },
    /// More comes out than allowed.
    #[error("the layer has more than {cap} bytes when it is decompressed")]
    TooLarge {
        /// The most.
        cap: u64,
    },
    /// More comes out for each byte that went in than allowed.
    #[error("the layer grows more than {cap} times when it is decompressed: this is how a decompression bomb looks")]
    Ratio {
        /// The most.
        cap: u64,
    },
    /// More entries than allowed.
    #[error("the tar has more than {cap} entries")]
    TooMany {
        /// The most.
        cap: u64,
    },
    /// A name that leaves the image.
    #[error("the layer names {path:?}, which is outside of the image")]
    Escapes {
        /// The name.
        path: String,
    },
    /// A file below a link, which tools find in different places.
    #[error("the layers have {path:?} below a symbolic link")]
    ThroughLink {
        /// The path.
        path: String,
    },
    /// Links that lead to each other.
    #[error("{path:?} leads through too many links")]
    Links {
        /// The path.
        path: String,
    },
    /// A file that is too large to be merged with another.
    #[error("{path:?} is larger than {cap} bytes")]
    FileTooLarge {
        /// The path.
        path: String,
        /// The most.
        cap: u64,
    },
    /// The tar in a layer is not the one that the configuration names.
    #[error("the layer holds the tar {found}, its image's configuration says {want}")]
    DiffId {
        /// As configured.
        want: Digest,
        /// As found.
        found: Digest,
    },
}

impl Fault for LayerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Tar { .. } => "layer.tar",
            Self::Truncated { .. } => "layer.truncated",
            Self::Stream { .. } => "layer.stream",
            Self::NoLayer { .. } => "layer.media-type",
            Self::TooLarge { .. } => "layer.too-large",
            Self::Ratio { .. } => "layer.ratio",
            Self::TooMany { .. } => "layer.too-many-entries",
            Self::Escapes { .. } => "layer.escapes",
            Self::ThroughLink { .. } => "layer.through-link",
            Self::Links { .. } => "layer.links",
            Self::FileTooLarge { .. } => "layer.file-too-large",
            Self::DiffId { .. } => "layer.diff-id",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::DiffId { .. } => Kind::Trust,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge { .. } | Self::Ratio { .. } | Self::TooMany { .. } | Self::Escapes { .. } => {
                "look at who made this image before using it".into()
            }
            Self::ThroughLink { .. } | Self::FileTooLarge { .. } => "choose another base image".into(),
            _ => return None,
        })
    }
}

/// Sees each entry with its content, of which it reads what it wants; its failure ends the walk.
pub type VisitEntry<'a> = dyn FnMut(&LayerEntry, &mut dyn Read) -> Result<(), Failure> + 'a;

/// Goes through a layer, to its very end. Memory does not grow with what it holds.
///
/// # Errors
/// A code beginning with `layer.` for a broken or hostile layer, what the source says, and what the visitor says.
pub fn visit(
    source: &dyn Source,
    layer: &Descriptor,
    limits: &LayerLimits,
    visitor: &mut VisitEntry<'_>,
) -> Result<Layer, Failure> {
    let mut stream = Unpacked::new(source.blob(layer)?, &layer.media_type, limits)?;
    let mut entries = 0;
    tar::walk(&mut stream, limits.entries, &mut |header, body| {
        entries += 1;
        if entries > limits.entries {
            return Err(LayerError::TooMany { cap: limits.entries }.into());
        }
        visitor(&LayerEntry::of(header), body)
    })?;
    Ok(Layer { unpacked: stream.finish()?, entries })
}

/// What an error means that a visitor met when it read an entry, at this byte of the uncompressed tar.
pub fn unreadable(error: io::Error, at: u64) -> Failure {
    tar::failure(error, at)
}

impl LayerEntry {
    fn of(header: &tar::Header) -> Self {
        let linked = matches!(header.kind, EntryKind::Link | EntryKind::HardLink);
        Self {
            path: plain(&String::from_utf8_lossy(&header.path)),
            kind: header.kind,
            mode: header.mode & 0o7777,
            uid: header.uid,
            gid: header.gid,
            size: header.size,
            at: header.at,
            link: linked.then(|| String::from_utf8_lossy(&header.link).into_owned()),
        }
    }

    /// The path as a terminal may have it.
    pub fn shown(&self) -> String {
        sanitize_line(&self.path).into_owned()
    }
}

/// A path without empty parts and `.`; `..` stays, for whoever refuses it.
pub(super) fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The uncompressed tar of a layer, measured and cut.
struct Unpacked<'a> {
    decoder: Box<dyn Read + 'a>,
    packed: Rc<Cell<u64>>,
    hasher: Hasher,
    out: u64,
    limits: LayerLimits,
}

impl<'a> Unpacked<'a> {
    fn new(blob: Box<dyn Read + Send + 'a>, media_type: &str, limits: &LayerLimits) -> Result<Self, Failure> {
        let packed = Rc::new(Cell::new(0));
        let counted = BufReader::with_capacity(64 * 1024, Counted { inner: blob, count: packed.clone() });
        let stream = |error| LayerError::Stream { at: 0, source: Arc::new(error) };
        let decoder: Box<dyn Read + 'a> = match media::compression(media_type) {
            Some(media::Compression::None) => Box::new(counted),
            // Several members after each other are one layer: eStargz writes one for each file.
            Some(media::Compression::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
            Some(media::Compression::Zstd) => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(counted).map_err(stream)?;
                // 128 MiB, what the zstd program itself takes without being asked.
                decoder.window_log_max(27).map_err(stream)?;
                Box::new(decoder)
            }
            None => return Err(LayerError::NoLayer { media_type: sanitize_line(media_type).into_owned() }.into()),
        };
        Ok(Self { decoder, packed, hasher: Hasher::new(), out: 0, limits: *limits })
    }

    /// Reads what follows the tar's end, which belongs to the layer all the same.
    fn finish(mut self) -> Result<Artifact, Failure> {
        let end = self.out;
        io::copy(&mut self, &mut io::sink()).map_err(|error| unreadable(error, end))?;
        Ok(self.hasher.into())
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.out += n as u64;
        if self.out > self.limits.bytes {
            return Err(through_stream(LayerError::TooLarge { cap: self.limits.bytes }));
        }
        let most = self.packed.get().saturating_mul(self.limits.ratio).saturating_add(LayerLimits::FREE);
        if self.out > most {
            return Err(through_stream(LayerError::Ratio { cap: self.limits.ratio }));
        }
        Ok(n)
    }
}

impl Forward for Unpacked<'_> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.take(bytes), &mut io::sink())?;
        if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

struct Counted<'a> {
    inner: Box<dyn Read + Send + 'a>,
    count: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}
