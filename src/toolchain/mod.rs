//! What compiles: which toolchain a project asks for, where it comes from, and what is known about it.

pub mod go;
pub mod lock;
