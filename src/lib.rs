//! Sealift: build it, seal it, ship it.

pub mod archive;
pub mod artifact;
pub mod command;
pub mod error;
pub mod event;
pub mod host;
pub mod target;
pub mod toolchain;
