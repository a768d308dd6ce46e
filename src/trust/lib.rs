//! The verifying core of sealift: small, and without I/O, so that fuzzing and mutation testing stay affordable.

pub mod digest;
pub mod json;

pub use digest::{Digest, Hasher};
