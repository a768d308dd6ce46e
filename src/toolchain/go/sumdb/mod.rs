//! The Go checksum database: what a module's hash is, proven by a log that cannot say different things to different
//! people (golang.org/design/25530-sumdb).

mod note;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sealift_trust::Digest;

use super::proxy::{self, Place, Proxies, ProxyError};
use crate::error::{Fault, Kind};
use crate::host::files::{self, FileError};
use crate::host::http::Http;
use crate::host::staging;
use note::Verifier;
use tree::{Head, Tile, Tree};

/// The key of Go's public database (`cmd/go/internal/modfetch`), where one is not written out in `GOSUMDB`.
const PUBLIC: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// The most that is read of a lookup: a few lines and a signed note.
const LOOKUP_CAP: u64 = 64 * 1024;

/// What a checksum database did not say, or said wrongly.
#[derive(Debug, thiserror::Error)]
pub enum SumDbError {
    /// `GOSUMDB` is not `name`, `key` or `key url`.
    #[error("GOSUMDB is wrong: it is `off`, a name, a key, or a key and an URL")]
    Setting,
    /// No answer.
    #[error("the checksum database {name} cannot be reached")]
    Unreachable {
        /// Which.
        name: String,
        /// Why.
        source: Box<ProxyError>,
    },
    /// It knows no such version.
    #[error("the checksum database {name} knows no {module}")]
    Unknown {
        /// Which database.
        name: String,
        /// Module and version.
        module: String,
    },
    /// Its answer has the wrong form.
    #[error("the checksum database gave a malformed {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// Its answer is not signed by its key.
    #[error("the answer is not signed by the key of the checksum database {name}")]
    Signature {
        /// Which database.
        name: String,
    },
    /// The record is not in the signed tree.
    #[error("the checksum database {name} cannot prove that its answer for {module} is in its log")]
    Proof {
        /// Which database.
        name: String,
        /// Module and version.
        module: String,
    },
    /// The signed tree is not a continuation of the one that was seen before.
    #[error(
        "the checksum database {name} has rewritten its log: {older} records seen before are not in the present {newer}"
    )]
    Fork {
        /// Which database.
        name: String,
        /// The smaller tree.
        older: u64,
        /// The larger tree.
        newer: u64,
    },
    /// The last seen tree head could not be kept.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Fault for SumDbError {
    fn code(&self) -> &'static str {
        match self {
            Self::Setting => "sumdb.setting",
            Self::Unreachable { .. } => "sumdb.unreachable",
            Self::Unknown { .. } => "sumdb.unknown",
            Self::Malformed { .. } => "sumdb.malformed",
            Self::Signature { .. } => "sumdb.signature",
            Self::Proof { .. } => "sumdb.proof",
            Self::Fork { .. } => "sumdb.fork",
            Self::File(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Setting => Kind::Config,
            Self::Unreachable { .. } => Kind::Network,
            Self::File(error) => error.kind(),
            _ => Kind::Trust,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting => Some("`go env -w GOSUMDB=sum.golang.org` sets Go's default".into()),
            Self::Unknown { .. } => Some("check the version: a release is named like 1.26.8".into()),
            Self::Unreachable { source, .. } => source.hint(),
            Self::File(error) => error.hint(),
            _ => Some("do not go on: check GOPROXY and GOSUMDB, and try from another network".into()),
        }
    }
}

/// A database: its name and key, and where it is reached.
#[derive(Clone, Debug)]
pub struct SumDb {
    verifier: Verifier,
    base: Option<String>,
}

impl SumDb {
    /// Reads `GOSUMDB`; nothing for `off`.
    pub fn parse(setting: &str) -> Result<Option<Self>, SumDbError> {
        let mut words = setting.split_whitespace();
        let (first, base, more) = (words.next(), words.next(), words.next());
        let (key, base) = match (first, base) {
            (Some("off"), None) => return Ok(None),
            // An alias for networks that do not reach the name itself.
            (Some("sum.golang.google.cn"), None) => (PUBLIC, Some("https://sum.golang.google.cn")),
            (Some("sum.golang.org"), base) => (PUBLIC, base),
            (Some(key), base) => (key, base),
            (None, _) => return Err(SumDbError::Setting),
        };
        let verifier = Verifier::parse(key).filter(|_| more.is_none()).ok_or(SumDbError::Setting)?;
        Ok(Some(Self { verifier, base: base.map(|base| base.trim_end_matches('/').to_owned()) }))
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.verifier.name
    }
}

/// How a database is asked.
pub struct Asking<'a> {
    /// The client.
    pub http: &'a Http,
    /// The proxies that may pass requests on.
    pub proxies: &'a Proxies,
    /// Where the last seen tree heads are kept.
    pub seen: &'a Path,
}

/// A connected database.
pub struct Session<'a> {
    db: &'a SumDb,
    asking: &'a Asking<'a>,
    base: String,
    /// Tiles that were read; a wrong one makes a proof fail, whenever it was read.
    tiles: RefCell<HashMap<Tile, Vec<u8>>>,
}

impl<'a> Session<'a> {
    /// Finds out how the database is reached: by the URL in `GOSUMDB`, else through the first proxy that says that it
    /// passes requests on, else directly.
    pub fn open(db: &'a SumDb, asking: &'a Asking<'a>) -> Result<Self, SumDbError> {
        let name = db.name();
        let direct = || format!("https://{name}");
        let base = match &db.base {
            Some(base) => base.clone(),
            None => {
                let through = asking.proxies.ask(|place| match place {
                    Place::Direct | Place::Off => Ok(direct()),
                    Place::Url(url) => {
                        let base = format!("{url}/sumdb/{name}");
                        proxy::get(asking.http, &format!("{base}/supported"), LOOKUP_CAP).map(|_| base)
                    }
                });
                match through {
                    // Folders alone are a test of a toolchain that no public database knows yet.
                    Err(source) if source.is_missing() && asking.proxies.only_folders() => {
                        return Err(unreachable(name, source));
                    }
                    Err(error) if error.is_missing() => direct(),
                    other => other.map_err(|source| unreachable(name, source))?,
                }
            }
        };
        Ok(Self { db, asking, base, tiles: RefCell::default() })
    }

    /// The `h1:` hash of a module's version.
    pub fn lookup(&self, module: &str, version: &str) -> Result<String, SumDbError> {
        let name = self.db.name();
        let named = format!("{module}@{version}");
        let answer = self.get(&format!("lookup/{named}"), LOOKUP_CAP).map_err(|source| {
            let unknown = || SumDbError::Unknown { name: name.to_owned(), module: named.clone() };
            if source.is_missing() { unknown() } else { unreachable(name, source) }
        })?;
        let answer = String::from_utf8(answer).map_err(|_| SumDbError::Malformed { what: "lookup" })?;
        let record = Record::parse(&answer)?;
        let head = Head::parse(self.db.verifier.open(record.note)?)?;
        self.prove(&record, &head, &named)?;
        self.keep(record.note, head)?;
        let prefix = format!("{module} {version} ");
        let mut hashes = record.text.lines().filter_map(|line| line.strip_prefix(&prefix));
        match (hashes.next(), hashes.next()) {
            (Some(hash), None) if super::dirhash::is_hash(hash) => Ok(hash.to_owned()),
            _ => Err(SumDbError::Malformed { what: "record" }),
        }
    }

    fn prove(&self, record: &Record<'_>, head: &Head, named: &str) -> Result<(), SumDbError> {
        let mut read = |tile| self.tile(tile);
        let root = Tree::new(head.size, &mut read).root_with(record.number, &tree::leaf(record.text.as_bytes()))?;
        if root == head.root {
            return Ok(());
        }
        Err(SumDbError::Proof { name: self.db.name().to_owned(), module: named.to_owned() })
    }

    /// Compares a tree head with the one that was seen last and keeps the newer. A log that takes something back is
    /// found out here, and nowhere else.
    fn keep(&self, note: &str, head: Head) -> Result<(), SumDbError> {
        let path = self.seen_path();
        let seen = files::read_if_present(&path, LOOKUP_CAP)?.and_then(|bytes| String::from_utf8(bytes).ok());
        // A file that this key did not sign says nothing about the log.
        let seen = seen.and_then(|note| Head::parse(self.db.verifier.open(&note).ok()?).ok());
        if seen == Some(head) {
            return Ok(());
        }
        if let Some(seen) = seen {
            let (older, newer) = if seen.size <= head.size { (seen, head) } else { (head, seen) };
            let mut read = |tile| self.tile(tile);
            let roots = Tree::new(newer.size, &mut read).roots(older.size)?;
            if roots != (newer.root, older.root) {
                let name = self.db.name().to_owned();
                return Err(SumDbError::Fork { name, older: older.size, newer: newer.size });
            }
            if seen.size >= head.size {
                return Ok(());
            }
        }
        Ok(staging::remember(&path, note.as_bytes())?)
    }

    fn seen_path(&self) -> PathBuf {
        // A name may hold slashes; its digest does not.
        self.asking.seen.join(Digest::of(self.db.name().as_bytes()).hex())
    }

    /// A tile; one that is complete by now is not served in part any more.
    fn tile(&self, tile: Tile) -> Result<Vec<u8>, SumDbError> {
        if let Some(bytes) = self.tiles.borrow().get(&tile) {
            return Ok(bytes.clone());
        }
        let cap = tile.complete().bytes() as u64;
        let answer = match self.get(&tile.path(), cap) {
            Err(error) if error.is_missing() && tile != tile.complete() => self.get(&tile.complete().path(), cap),
            other => other,
        };
        let mut bytes = answer.map_err(|source| unreachable(self.db.name(), source))?;
        bytes.truncate(tile.bytes());
        self.tiles.borrow_mut().insert(tile, bytes.clone());
        Ok(bytes)
    }

    fn get(&self, path: &str, cap: u64) -> Result<Vec<u8>, ProxyError> {
        proxy::get(self.asking.http, &format!("{}/{path}", self.base), cap)
    }
}

fn unreachable(name: &str, source: ProxyError) -> SumDbError {
    // An answer without an end is an answer, and a wrong one.
    if matches!(source.code(), "http.too-large" | "file.too-large") {
        return SumDbError::Malformed { what: "answer, longer than any" };
    }
    SumDbError::Unreachable { name: name.to_owned(), source: Box::new(source) }
}

/// A lookup's answer: a record's number, its text, an empty line, and a signed tree head.
struct Record<'a> {
    number: u64,
    text: &'a str,
    note: &'a str,
}

impl<'a> Record<'a> {
    fn parse(answer: &'a str) -> Result<Self, SumDbError> {
        let refuse = || SumDbError::Malformed { what: "record" };
        let (number, rest) = answer.split_once('\n').ok_or_else(refuse)?;
        let number = tree::decimal(number).ok_or_else(refuse)?;
        let end = rest.find("\n\n").ok_or_else(refuse)?;
        let (text, note) = (&rest[..=end], &rest[end + 2..]);
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(refuse());
        }
        Ok(Self { number, text, note })
    }
}
