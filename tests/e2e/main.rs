//! End to end: the real binary, with real git and real go, in a sandbox of its own.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]

mod sandbox;

mod affected;
mod attacks;
mod attest;
mod bad_input;
mod build;
mod bump;
mod canaries;
mod changelog;
mod console;
mod image;
mod interop;
mod key;
mod keyless;
mod modules;
mod package;
mod plan;
mod refs;
mod registry;
mod release;
mod reproducible;
mod sbom;
mod scan;
mod signature;
mod toolchain;
mod verify;
mod version;
