//! The program: a thin entry.

fn main() {}
