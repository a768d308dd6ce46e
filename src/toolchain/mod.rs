//! Compilers: what is installed or provisioned, and what they are given.

pub mod sources;
