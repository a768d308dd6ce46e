//! Finds or fetches the Go that a project asks for: exactly that version builds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::cache::{Fetched, Slot, Staging};
use super::environment::environment;
use super::facts::{Facts, Source, Trust};
use super::fault::GoError;
use super::identity::{identity, targets};
use super::module_zip::ModuleZip;
use super::path::{self, Installed};
use super::proxy::{self, Place, Proxies, ProxyError};
use super::release::Release;
use super::settings::GoSettings;
use super::version::GoVersion;
use super::vouch::Vouchers;
use super::wanted::Wanted;
use crate::command::Command;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::http::{Http, redacted};
use crate::host::process::ProcessError;
use crate::host::staging::Staged;
use crate::lock::Lock;

/// The most that a toolchain's zip may have; those of 2026 have 75 MB.
const ZIP_CAP: u64 = 1 << 30;
/// A transfer is told of whenever so many bytes have come.
const TOLD_EVERY: u64 = 1 << 20;

/// What is asked for, and what may be used for it.
pub struct Provision<'a> {
    /// The machine.
    pub host: &'a Host,
    /// Who is told.
    pub events: &'a Events,
    /// The cache folder of sealift.
    pub cache: &'a Path,
    /// The pins of the project.
    pub lock: Option<&'a Lock>,
}

impl Provision<'_> {
    /// Gives the Go that is wanted: the one on PATH when it is the one, else one that was fetched before, else it is
    /// fetched. An unverified toolchain is given with the reason in [`Trust::Unverified`]; to warn is the caller's.
    ///
    /// # Errors
    /// `toolchain.hash-mismatch` (exit 8) when the pin or the checksum database says another hash; `toolchain.missing`,
    /// `toolchain.unavailable`, `toolchain.too-old`, and what proxies, archive and files have to say.
    pub fn provision(&self, wanted: &Wanted) -> Result<Facts, GoError> {
        let installed = path::installed(self.host);
        match wanted {
            Wanted::Any => self.on_path(&installed?.ok_or(GoError::Missing)?),
            Wanted::Exactly { version, by } => match installed {
                Ok(Some(go)) if go.is_release && go.version == *version => self.on_path(&go),
                // A Go on PATH that cannot be understood is not needed here.
                _ if *version < GoVersion::FIRST_DOWNLOADABLE => Err(GoError::TooOld { version: *version }),
                _ => self.fetched(*version, by),
            },
            Wanted::AtLeast { version, by } => match installed {
                Ok(Some(go)) if go.version >= *version => self.on_path(&go),
                _ => {
                    let first = GoVersion::FIRST_DOWNLOADABLE;
                    self.events.info(format!("Go {version} cannot be downloaded: Go {first} builds in its place"));
                    self.fetched(first, by)
                }
            },
        }
    }

    fn on_path(&self, go: &Installed) -> Result<Facts, GoError> {
        let settings = GoSettings::read(&self.host.env, Some(&go.root))?;
        self.facts(go.version, go.root.clone(), &settings, (Source::Path, Trust::Path, None))
    }

    fn fetched(&self, version: GoVersion, by: &str) -> Result<Facts, GoError> {
        let release = Release::host(version);
        let slot = Slot::of(self.cache, &release);
        let settings = self.settings()?;
        let (http, proxies) = (Http::new(&self.host.env), Proxies::parse(settings.proxy())?);
        let seen = self.seen();
        let vouchers = Vouchers { http: &http, proxies: &proxies, settings: &settings, lock: self.lock, seen: &seen };
        let mut found = self.cached(&slot, &release, &vouchers)?.map(|fetched| (fetched, Source::Cached));
        if found.is_none() {
            let held = slot.lock(self.host)?;
            // Somebody else may have fetched it while this run waited.
            found = match self.cached(&slot, &release, &vouchers)? {
                Some(fetched) => Some((fetched, Source::Cached)),
                None => {
                    self.events.info(format!("fetching {} ({by})", release.name()));
                    Some(self.fetch(slot.stage(&held)?, &release, &vouchers)?)
                }
            };
        }
        let (fetched, source) = found.ok_or(GoError::Missing)?;
        self.facts(version, slot.root(), &settings, (source, fetched.trust, Some(fetched.hash)))
    }

    /// A toolchain that was fetched before, if its programs are still what they were.
    fn cached(&self, slot: &Slot, release: &Release, vouchers: &Vouchers<'_>) -> Result<Option<Fetched>, GoError> {
        let Some(mut fetched) = slot.complete()? else { return Ok(None) };
        if !identity(&slot.root(), &self.memos()).is_ok_and(|identity| identity == fetched.identity) {
            let text = format!("{} in the cache is damaged, and is fetched again", release.name());
            self.events.warn("toolchain.damaged", text);
            return Ok(None);
        }
        let trust = vouchers.judge_again(release, &fetched.hash, fetched.trust.clone())?;
        if trust != fetched.trust {
            fetched.trust = trust;
            slot.record(&fetched)?;
        }
        Ok(Some(fetched))
    }

    fn fetch(
        &self,
        staging: Staging<'_>,
        release: &Release,
        vouchers: &Vouchers<'_>,
    ) -> Result<(Fetched, Source), GoError> {
        let zip = staging.zip();
        let from = self.download(release, vouchers, &zip)?;
        let module = ModuleZip::inspect(&zip, release)?;
        let hash = module.hash();
        let trust = vouchers.judge(release, &hash)?;
        let stopped = || self.host.children.stopped();
        module.unpack(&staging.root(), &stopped).map_err(|error| self.unless_stopped(error))?;
        let version = path::version_file(&staging.root())?.unwrap_or_default();
        if version != release.version.toolchain() {
            let why = format!("its VERSION is {version:?}");
            return Err(GoError::Content { name: release.name(), why });
        }
        let identity = identity(&staging.root(), &self.memos())
            .map_err(|error| GoError::Content { name: release.name(), why: error.to_string() })?;
        let fetched = Fetched { hash, trust, identity };
        staging.commit(&fetched)?;
        Ok((fetched, Source::Fetched { from }))
    }

    /// Downloads the zip from the first proxy that has it; gives that proxy's URL for people.
    pub(super) fn download(&self, release: &Release, vouchers: &Vouchers<'_>, zip: &Path) -> Result<String, GoError> {
        let answer = vouchers.proxies.ask(|place| match place {
            Place::Direct => Err(ProxyError::Direct),
            Place::Off => Err(ProxyError::Off),
            Place::Url(base) => {
                let url = format!("{base}/{}", release.zip_path());
                let dir = zip.parent().unwrap_or(Path::new("."));
                let mut out = Stoppable { out: Staged::create(dir, 0o644)?, host: self.host };
                let mut told = 0;
                proxy::download(vouchers.http, &url, &mut out, ZIP_CAP, &mut |done, total| {
                    // Each piece would be a thousand events a second.
                    if done - told >= TOLD_EVERY || Some(done) == total {
                        told = done;
                        let (name, total) = (release.name(), total.unwrap_or(0));
                        self.events.send(Event::Transfer { name, done, total });
                    }
                })?;
                out.out.commit(zip)?;
                Ok(redacted(base))
            }
        });
        answer.map_err(|source| {
            let error = if source.is_missing() {
                GoError::Unavailable { name: release.name(), source: Box::new(source) }
            } else {
                source.into()
            };
            self.unless_stopped(error)
        })
    }

    /// What went wrong because the user asked to stop went not wrong.
    fn unless_stopped(&self, error: GoError) -> GoError {
        if self.host.children.stopped() { ProcessError::Interrupted.into() } else { error }
    }

    fn facts(
        &self,
        version: GoVersion,
        root: PathBuf,
        settings: &GoSettings,
        (source, trust, hash): (Source, Trust, Option<String>),
    ) -> Result<Facts, GoError> {
        let program = root.join("bin").join(format!("go{}", std::env::consts::EXE_SUFFIX));
        let identity = identity(&root, &self.memos())?;
        let targets = targets(&identity, &self.memos(), || {
            let vars = environment(&self.host.env, settings, &root, self.cache);
            let command = Command::new(&program, &root).args(["tool", "dist", "list"]).envs(vars);
            Ok(self.host.run(&command)?.stdout)
        })?;
        Ok(Facts { version, root, program, source, trust, hash, identity, targets })
    }

    /// The settings for downloads. The defaults of a Go on PATH are the distribution's, and count as for the go command
    /// itself.
    pub(super) fn settings(&self) -> Result<GoSettings, GoError> {
        let root = path::installed(self.host).ok().flatten().map(|go| go.root);
        Ok(GoSettings::read(&self.host.env, root.as_deref())?)
    }

    fn memos(&self) -> PathBuf {
        self.cache.join("memos")
    }

    pub(super) fn seen(&self) -> PathBuf {
        self.cache.join("sumdb")
    }
}

/// A file that takes no more bytes when the user asked to stop.
struct Stoppable<'a> {
    out: Staged,
    host: &'a Host,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.host.children.stopped() {
            return Err(io::Error::other("interrupted"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
