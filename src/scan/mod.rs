//! Known vulnerabilities of what is linked into programs, by the functions that are in them.

pub mod database;
mod error;
mod matching;
pub mod osv;
pub mod range;
mod severity;
mod subject;
mod version;

pub use error::ScanError;
pub use matching::{Finding, Found, Function, Presence, find};
pub use severity::{Score, Severity};
pub use subject::{Linked, Product, Subject};
pub use version::GoVersion;
