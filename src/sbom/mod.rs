//! What is in a program: read from the program itself.

pub mod binary;
