//! Go: which version builds, where it is, and what its children may see.

mod cache;
pub mod dirhash;
pub mod environment;
mod facts;
mod fault;
pub mod gomod;
mod identity;
mod module_zip;
mod path;
mod pins;
mod provision;
pub mod proxy;
pub mod release;
pub mod settings;
pub mod sumdb;
#[cfg(test)]
mod tests;
pub mod version;
mod vouch;
pub mod wanted;

pub use facts::{Facts, Source, Trust};
pub use fault::GoError;
pub use pins::{PinChange, PinSource};
pub use provision::Provision;
