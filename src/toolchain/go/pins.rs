//! The pins of `sealift.lock`: one hash for each platform that a developer or a CI machine may have.

use super::cache::Slot;
use super::fault::GoError;
use super::module_zip::ModuleZip;
use super::provision::Provision;
use super::proxy::Proxies;
use super::release::{self, Release};
use super::version::GoVersion;
use super::vouch::Vouchers;
use crate::error::Fault;
use crate::host::http::Http;
use crate::lock::{Lock, NAME, PLATFORMS};

/// A pin that came, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// Of which version.
    pub version: GoVersion,
    /// For which platform: `linux-amd64`.
    pub platform: String,
    /// The hash; nothing when the version is no longer wanted.
    pub after: Option<String>,
    /// Where the hash came from.
    pub by: PinSource,
}

/// Where a pinned hash came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// The checksum database proved it; nothing was downloaded.
    ChecksumDatabase,
    /// It was computed from what a proxy served, because no database could be asked.
    Download {
        /// From which proxy.
        from: String,
        /// Why the database could not be asked.
        why: String,
    },
    /// The version is no longer wanted.
    Unwanted,
}

impl std::fmt::Display for PinChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = format!("{} {}", self.version.toolchain(), self.platform);
        let hash = self.after.as_deref().unwrap_or("none");
        match &self.by {
            PinSource::ChecksumDatabase => write!(f, "{name} {hash} (proved by the checksum database)"),
            PinSource::Download { from, why } => write!(f, "{name} {hash} (downloaded from {from}, because {why})"),
            PinSource::Unwanted => write!(f, "{name} is no longer wanted"),
        }
    }
}

impl Provision<'_> {
    /// Pins these versions, and no others, for every host platform; says what changed. A pin that is there stays: the
    /// hash of a release never changes, so a database that says otherwise is an error (`toolchain.hash-mismatch`).
    /// Versions before 1.21 cannot be fetched and get no pin. A platform other than this machine's that the proxies do
    /// not serve (a company's mirror may have one system only) is warned of and gets none either.
    pub fn update_pins(&self, versions: &[GoVersion], lock: &mut Lock) -> Result<Vec<PinChange>, GoError> {
        let settings = self.settings()?;
        let (http, proxies, seen) = (Http::new(&self.host.env), Proxies::parse(settings.proxy())?, self.seen());
        let vouchers = Vouchers { http: &http, proxies: &proxies, settings: &settings, lock: None, seen: &seen };
        let wanted = versions.iter().filter(|version| **version >= GoVersion::FIRST_DOWNLOADABLE);
        let mut silent: Option<String> = None;
        let mut changes = Vec::new();
        for (version, platform) in wanted.flat_map(|version| PLATFORMS.map(|platform| (*version, platform))) {
            let release = Release { version, platform: platform.to_owned() };
            match self.pin(&vouchers, &release, lock.go(version, platform), &mut silent) {
                Ok(None) => {}
                Ok(Some((hash, by))) => {
                    lock.pin_go(version, platform, &hash);
                    changes.push(PinChange { version, platform: platform.to_owned(), after: Some(hash), by });
                }
                Err(error) if is_absence(&error) && platform != release::platform() => {
                    self.events.warn("toolchain.no-pin", format!("no pin for {}: {error}", release.name()));
                }
                Err(error) => return Err(error),
            }
        }
        changes.extend(unpin_others(versions, lock));
        Ok(changes)
    }

    /// Finds the hash of one release, if it is not pinned already.
    fn pin(
        &self,
        vouchers: &Vouchers<'_>,
        release: &Release,
        pinned: Option<&str>,
        silent: &mut Option<String>,
    ) -> Result<Option<(String, PinSource)>, GoError> {
        match self.ask_database(vouchers, release, silent)? {
            Ok((name, hash)) => {
                contradicted(release, pinned, &hash, &name)?;
                Ok(pinned.is_none().then_some((hash, PinSource::ChecksumDatabase)))
            }
            Err(_) if pinned.is_some() => Ok(None),
            Err(why) => self.measure(vouchers, release, why).map(Some),
        }
    }

    /// Asks the database, unless it was silent before: each platform would wait for it again.
    fn ask_database(
        &self,
        vouchers: &Vouchers<'_>,
        release: &Release,
        silent: &mut Option<String>,
    ) -> Result<Result<(String, String), String>, GoError> {
        if let Some(why) = silent {
            return Ok(Err(why.clone()));
        }
        let answer = vouchers.database_hash(release)?;
        if let Err(why) = &answer {
            self.events.warn("toolchain.unverified", format!("pins are computed from downloads: {why}"));
            *silent = Some(why.clone());
        }
        Ok(answer)
    }

    /// Downloads a zip for its hash alone.
    fn measure(&self, vouchers: &Vouchers<'_>, release: &Release, why: String) -> Result<(String, PinSource), GoError> {
        let slot = Slot::of(self.cache, release);
        let held = slot.lock(self.host)?;
        let staging = slot.stage(&held)?;
        let zip = staging.zip();
        let from = self.download(release, vouchers, &zip)?;
        let hash = ModuleZip::inspect(&zip, release)?.hash();
        Ok((hash, PinSource::Download { from, why }))
    }
}

/// Whether somebody said that there is no such release, or that it is not for us.
fn is_absence(error: &GoError) -> bool {
    matches!(error.code(), "sumdb.unknown" | "toolchain.unavailable" | "http.status")
}

fn contradicted(release: &Release, pinned: Option<&str>, hash: &str, database: &str) -> Result<(), GoError> {
    match pinned {
        Some(pin) if pin != hash => Err(GoError::HashMismatch {
            name: format!("{NAME}: {}", release.name()),
            by: database.to_owned(),
            expected: hash.to_owned(),
            found: pin.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn unpin_others(wanted: &[GoVersion], lock: &mut Lock) -> Vec<PinChange> {
    let others: Vec<GoVersion> = lock.go_versions().filter(|version| !wanted.contains(version)).collect();
    let mut changes = Vec::new();
    for version in others {
        for platform in lock.go_platforms(version) {
            changes.push(PinChange { version, platform, after: None, by: PinSource::Unwanted });
        }
        lock.unpin_go(version);
    }
    changes
}
