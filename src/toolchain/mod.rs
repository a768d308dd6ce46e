//! What compiles: which toolchain a project asks for, where it comes from, what is known about it, and what it is given.

pub mod go;
pub mod sources;
