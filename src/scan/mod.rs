//! Known vulnerabilities of what is linked into programs, by the functions that are in them.

pub mod database;
mod error;
mod fix;
mod gate;
mod gather;
mod matching;
pub mod osv;
mod purl;
pub mod range;
mod report;
mod sarif;
mod severity;
mod show;
mod stage;
mod subject;
mod version;
pub mod vex;
mod vex_out;
mod vulns;

pub use error::ScanError;
pub use fix::Fix;
pub use gate::{Decision, Fail, Lapse, Rule, Why};
pub use gather::{Gather, ProgramFile};
pub use matching::{Finding, Found, Function, Presence, find};
pub use purl::Purl;
pub use report::{Judged, Program, Report, Silent, Unjudged};
pub use sarif::sarif;
pub use severity::{Score, Severity};
pub use show::{markdown, table};
pub use stage::{Request, Scanned, Scanner};
pub use subject::{Linked, Product, Subject};
pub use version::GoVersion;
pub use vex_out::{OPENVEX_TYPE, openvex};
pub use vulns::{VULNS_TYPE, vulns};
