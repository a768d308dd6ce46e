//! Sealift: build it, seal it, ship it.

pub mod archive;
pub mod artifact;
pub mod attest;
pub mod command;
pub mod console;
pub mod error;
pub mod event;
pub mod history;
pub mod host;
pub mod product;
pub mod sanitize;
pub mod store;
pub mod table;
pub mod target;
pub mod toolchain;
pub mod verify;
pub mod version;
