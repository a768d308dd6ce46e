//! Go: which version builds, where it is, and what its children may see.

pub mod gomod;
pub mod version;
