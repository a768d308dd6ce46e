//! A file whose digest and size were measured.

use std::io::{self, Read};

use sealift_trust::{Digest, Hasher};
use serde::Serialize;

/// Digest and size of bytes that were read. There is no constructor that takes them as they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    digest: Digest,
    size: u64,
}

impl Artifact {
    /// Reads to the end and measures.
    pub fn measure(mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = Hasher::new();
        // 128 KiB: past that SHA-256 with SHA-NI gains nothing, and the buffer stays in the L2 cache.
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => hasher.update(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::from(hasher))
    }

    /// Measures a buffer.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }

    /// The digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl From<Hasher> for Artifact {
    fn from(hasher: Hasher) -> Self {
        let (digest, size) = hasher.finish();
        Self { digest, size }
    }
}
