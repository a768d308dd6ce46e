//! Go: which version builds, where it is, and what its children may see.

pub mod dirhash;
pub mod environment;
mod fault;
pub mod gomod;
pub mod proxy;
pub mod settings;
pub mod sumdb;
pub mod version;
pub mod wanted;

pub use fault::GoError;
