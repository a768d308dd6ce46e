//! `sealift.toml`: as it is written (with spans), and as it is resolved (with every default in its place).

pub mod settings;
