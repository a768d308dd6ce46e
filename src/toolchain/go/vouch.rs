//! Whether a fetched toolchain is the released one.

use std::path::Path;

use super::facts::Trust;
use super::fault::GoError;
use super::proxy::Proxies;
use super::release::{MODULE, Release};
use super::settings::GoSettings;
use super::sumdb::{Asking, Session, SumDb, SumDbError};
use crate::host::http::Http;
use crate::lock::{self, Lock};

/// Who can be asked about a hash.
pub struct Vouchers<'a> {
    /// The client.
    pub http: &'a Http,
    /// `GOPROXY`.
    pub proxies: &'a Proxies,
    /// The settings, for `GOSUMDB`.
    pub settings: &'a GoSettings,
    /// The pins, when the project has any.
    pub lock: Option<&'a Lock>,
    /// Where tree heads of checksum databases are kept.
    pub seen: &'a Path,
}

impl Vouchers<'_> {
    /// Judges a hash: the pin decides when there is one, else the checksum database. When neither can say anything the
    /// toolchain is unverified, and the caller says so; a wrong answer refuses. `GONOSUMDB` does not count, as in the go
    /// command: what runs the build is never a private module.
    pub fn judge(&self, release: &Release, hash: &str) -> Result<Trust, GoError> {
        if let Some(pin) = self.pin(release) {
            return same(release, hash, pin, lock::NAME).map(|()| Trust::Locked);
        }
        match self.database_hash(release)? {
            Ok((name, expected)) => same(release, hash, &expected, &name).map(|()| Trust::ChecksumDatabase),
            Err(why) => Ok(Trust::Unverified { why }),
        }
    }

    /// Judges a toolchain that was fetched before: a pin may have come or gone since, and a database that could not be
    /// asked then is asked now.
    pub fn judge_again(&self, release: &Release, hash: &str, before: Trust) -> Result<Trust, GoError> {
        if before == Trust::ChecksumDatabase && self.pin(release).is_none() {
            return Ok(before);
        }
        self.judge(release, hash)
    }

    fn pin(&self, release: &Release) -> Option<&str> {
        self.lock?.go(release.version, &release.platform)
    }

    /// The hash that the checksum database proves, with the database's name; else why it cannot be asked.
    pub fn database_hash(&self, release: &Release) -> Result<Result<(String, String), String>, GoError> {
        let Some(db) = SumDb::parse(self.settings.sumdb())? else { return Ok(Err("GOSUMDB=off".into())) };
        let asking = Asking { http: self.http, proxies: self.proxies, seen: self.seen };
        let answer = Session::open(&db, &asking).and_then(|session| session.lookup(MODULE, &release.module_version()));
        match answer {
            Ok(hash) => Ok(Ok((db.name().to_owned(), hash))),
            Err(SumDbError::Unreachable { name, source }) => Ok(Err(format!("{name} cannot be reached: {source}"))),
            Err(wrong) => Err(wrong.into()),
        }
    }
}

fn same(release: &Release, found: &str, expected: &str, by: &str) -> Result<(), GoError> {
    if found == expected {
        return Ok(());
    }
    Err(GoError::HashMismatch {
        name: release.name(),
        by: by.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    })
}
