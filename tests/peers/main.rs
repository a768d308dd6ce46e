//! What needs programs that take minutes to build, and therefore no part of `cargo test`: `cargo xtask peers` runs it.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros, missing_docs)]
#![allow(dead_code, reason = "each of the modules below serves the end-to-end tests as well")]

#[path = "../e2e/keyless/authority.rs"]
mod authority;
mod cosign;
#[path = "../e2e/keyless/der.rs"]
mod der;
#[path = "../e2e/registry/program.rs"]
mod program;
#[path = "../e2e/sandbox.rs"]
mod sandbox;
#[path = "../e2e/registry/server.rs"]
mod server;
