//! Why there is no answer, or why it is no.

use crate::error::{Fault, Kind};
use crate::host::files::FileError;
use crate::host::http::HttpError;
use crate::sanitize::sanitize_line;

use super::osv::Unusable;
use crate::sbom::binary::BinaryError;

/// Why a scan did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is a gate and nothing to judge by.
    #[error("scan.fail is \"{fail}\", and no database of vulnerabilities is named")]
    NoDatabase {
        /// The gate.
        fail: &'static str,
    },
    /// A database that is named is not there.
    #[error("there is no database of vulnerabilities at {place}")]
    Missing {
        /// Where.
        place: String,
    },
    /// A database is neither of the two forms.
    #[error("{place} is no database of vulnerabilities: {why}")]
    NotADatabase {
        /// Where.
        place: String,
        /// What it lacks.
        why: String,
    },
    /// A part of a database is not there.
    #[error("the database {place} is not complete: {part} is missing")]
    Incomplete {
        /// Where.
        place: String,
        /// Which part.
        part: String,
    },
    /// A part of a database cannot be read.
    #[error("{part} of the database {place} cannot be read")]
    Broken {
        /// Where.
        place: String,
        /// Which part.
        part: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A record is of a form that is not known here.
    #[error("{part} of the database {place} cannot be used")]
    Record {
        /// Where.
        place: String,
        /// Which record.
        part: String,
        /// Why.
        source: Unusable,
    },
    /// A database is too old.
    #[error("the database {place} is {days} days old, and scan.max-age allows {most}")]
    Stale {
        /// Where.
        place: String,
        /// Its age.
        days: u64,
        /// The greatest age.
        most: u64,
    },
    /// A database does not tell its age.
    #[error("the database {place} does not tell how old it is, or tells a day to come")]
    Ageless {
        /// Where.
        place: String,
    },
    /// A program says nothing about what is in it.
    #[error("{file} does not tell what is in it: {why}")]
    Silent {
        /// The program.
        file: String,
        /// Why.
        why: &'static str,
    },
    /// A program cannot be read.
    #[error("{file} cannot be scanned")]
    Program {
        /// The program.
        file: String,
        /// Why.
        source: BinaryError,
    },
    /// An image layout whose indexes lead too deep.
    #[error("the indexes in {place} stand in each other more than {most} deep")]
    Nested {
        /// Where.
        place: String,
        /// The most.
        most: usize,
    },
    /// There is no program where some were looked for.
    #[error("there is no program in {place} that could be scanned")]
    Nothing {
        /// Where.
        place: String,
    },
    /// A VEX document cannot be read.
    #[error("{file} is no OpenVEX document: {why}")]
    VexForm {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// A statement lacks what is needed to believe it.
    #[error("the statement about {vulnerability} in {file} {lacks}")]
    VexIncomplete {
        /// Which document.
        file: String,
        /// Which statement.
        vulnerability: String,
        /// What it lacks.
        lacks: &'static str,
    },
    /// A statement is about something else.
    #[error("the statement about {vulnerability} in {file} is about {product}, and {scanned} was scanned")]
    VexProduct {
        /// Which document.
        file: String,
        /// Which statement.
        vulnerability: String,
        /// Its product.
        product: String,
        /// What was scanned.
        scanned: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The network.
    #[error("the database {place} cannot be fetched")]
    Network {
        /// Where.
        place: String,
        /// Why.
        source: HttpError,
    },
}

impl ScanError {
    /// A text from a database or a document, as a message may show it.
    pub(super) fn shown(text: &str) -> String {
        sanitize_line(&text.chars().take(120).collect::<String>()).into_owned()
    }
}

impl Fault for ScanError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoDatabase { .. } => "scan.no-database",
            Self::Missing { .. } => "scan.database-missing",
            Self::NotADatabase { .. } => "scan.not-a-database",
            Self::Incomplete { .. } => "scan.database-incomplete",
            Self::Broken { .. } => "scan.database-broken",
            Self::Record { source: Unusable::Schema(_), .. } => "scan.schema",
            Self::Record { .. } => "scan.record",
            Self::Stale { .. } => "scan.database-stale",
            Self::Ageless { .. } => "scan.database-ageless",
            Self::Silent { .. } => "scan.silent",
            Self::Program { .. } => "scan.program",
            Self::Nested { .. } => "scan.nested",
            Self::Nothing { .. } => "scan.nothing",
            Self::VexForm { .. } => "scan.vex-form",
            Self::VexIncomplete { .. } => "scan.vex-incomplete",
            Self::VexProduct { .. } => "scan.vex-product",
            Self::File(error) => error.code(),
            Self::Network { source, .. } => source.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoDatabase { .. } | Self::Stale { .. } | Self::Ageless { .. } => Kind::Gate,
            Self::File(error) => error.kind(),
            Self::Network { source, .. } => source.kind(),
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoDatabase { .. } => {
                "name one: scan.database = [\"https://vuln.go.dev\"], or --database DIR|ZIP|URL".into()
            }
            Self::Missing { .. } => "fetch it once without --offline, or name another with --database".into(),
            Self::NotADatabase { .. } => {
                "a database has index/modules.json and ID/*.json, or one OSV record in each *.json".into()
            }
            Self::Incomplete { .. } | Self::Broken { .. } | Self::Record { source: Unusable::Form(_), .. } => {
                "fetch the database again; nothing was judged by what there is of it".into()
            }
            Self::Record { .. } => "a newer sealift may read it".into(),
            Self::Stale { .. } => "fetch a newer one, or set scan.max-age".into(),
            Self::Ageless { .. } => "set scan.max-age = 0 to use it whatever its age".into(),
            Self::Silent { .. } => {
                "build with modules and Go 1.18 or newer, Rust with `cargo auditable build`; scan before upx".into()
            }
            Self::Program { .. } | Self::Nested { .. } | Self::Nothing { .. } => "name a program, a folder or archive with programs, or an image layout".into(),
            Self::VexForm { .. } => "the format is at https://github.com/openvex/spec".into(),
            Self::VexIncomplete { .. } => {
                "a statement that excuses needs \"supplier\", a \"justification\" or \"impact_statement\", and \"expires\": \
                 \"2027-01-31T00:00:00Z\""
                    .into()
            }
            Self::VexProduct { .. } => "take the statement out, or scan the product that it is about".into(),
            Self::File(error) => return error.hint(),
            Self::Network { source, .. } => {
                return source.hint().or_else(|| Some("--offline uses what was fetched before".into()));
            }
        })
    }
}
