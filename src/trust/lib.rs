//! The verifying core of sealift: small, and without I/O, so that fuzzing and mutation testing stay affordable.

#[macro_use]
mod text;
pub mod digest;
pub mod dsse;
pub mod json;
pub mod key;
pub mod name;

pub use digest::{Digest, Hasher};
