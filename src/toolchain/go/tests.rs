//! Provisioning against proxies of our own: folders and a loopback server that have tiny hand-made toolchains.
#![allow(clippy::disallowed_methods)]

use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::release::Release;
use super::sumdb::tests::TestDb;
use super::version::GoVersion;
use super::wanted::Wanted;
use super::*;
use crate::error::{Failure, Fault};
use crate::event::{Event, Events};
use crate::host::{Host, env::Env, files};
use crate::lock::Lock;
use crate::target::Target;

const VERSION: &str = "1.26.3";

fn version() -> GoVersion {
    VERSION.parse().unwrap()
}

fn wanted() -> Wanted {
    Wanted::Exactly { version: version(), by: "go.mod:1:4".into() }
}

/// Files by their names in a zip.
type Files = Vec<(String, Vec<u8>)>;

/// The files of a toolchain.
fn toolchain(version: &str) -> Files {
    let release = Release::host(version.parse().unwrap());
    let tools = format!("pkg/tool/{}_{}", Target::host().os(), Target::host().arch());
    let script = "#!/bin/sh\n[ \"$*\" = 'tool dist list' ] && printf 'linux/amd64\\nlinux/arm64\\n'\n";
    let mut files = vec![
        ("VERSION".to_owned(), format!("go{version}\ntime 2026-05-04T20:36:18Z\n").into_bytes()),
        ("bin/go".into(), script.into()),
        ("src/_go.mod".into(), b"module std\n".to_vec()),
    ];
    files.extend(["asm", "compile", "link"].map(|tool| (format!("{tools}/{tool}"), tool.into())));
    files.into_iter().map(|(name, bytes)| (format!("{}{name}", release.prefix()), bytes)).collect()
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn hash(files: &[(String, Vec<u8>)]) -> String {
    dirhash::hash1(files.iter().map(|(name, bytes)| (name.as_str(), sealift_trust::Digest::of(bytes))))
}

/// A machine with a home, a cache and a folder that serves as a proxy.
struct Machine {
    dir: tempfile::TempDir,
    vars: Vec<(&'static str, String)>,
    lock: Option<Lock>,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = format!("file://{}", dir.path().join("proxy").display());
        let home = dir.path().join("home").display().to_string();
        let vars = vec![("GOPROXY", folder), ("GOSUMDB", "off".into()), ("GOENV", "off".into()), ("HOME", home)];
        Self { dir, vars, lock: None }
    }

    fn proxy(&self) -> PathBuf {
        self.dir.path().join("proxy")
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn serving(self, version: &str, bytes: &[u8]) -> Self {
        let path = self.proxy().join(Release::host(version.parse().unwrap()).zip_path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.vars.retain(|(other, _)| *other != name);
        self.vars.push((name, value.into()));
        self
    }

    fn pinning(mut self, hash: &str) -> Self {
        let mut lock = Lock::default();
        lock.pin_go(version(), &Release::host(version()).platform, hash);
        self.lock = Some(lock);
        self
    }

    /// A checksum database behind the proxy that knows one hash.
    fn database(self, hash: &str) -> Self {
        let mut db = TestDb::new(3);
        let name = format!("golang.org/toolchain {}", Release::host(version()).module_version());
        db.records.push(format!("{name} {hash}\n{name}/go.mod {hash}\n"));
        db.serve(&self.proxy(), &name.replace(' ', "@"));
        let setting = db.setting();
        self.with("GOSUMDB", setting)
    }

    fn ask(&self, wanted: &Wanted) -> Result<Facts, GoError> {
        self.ask_telling(wanted, &Events::silent())
    }

    fn ask_telling(&self, wanted: &Wanted, events: &Events) -> Result<Facts, GoError> {
        let host = Host::with_env(Env::of(self.dir.path().into(), self.vars.clone()));
        let cache = self.cache();
        Provision { host: &host, events, cache: &cache, lock: self.lock.as_ref() }.provision(wanted)
    }

    fn refusal(&self) -> (&'static str, u8) {
        let error = self.ask(&wanted()).unwrap_err();
        // Nothing under a final name, and no staging left.
        let left: Vec<String> = files::names(&self.cache().join("toolchains")).unwrap_or_default();
        assert!(left.iter().all(|name| name.ends_with(".lock")), "{left:?}");
        assert!(!self.dir.path().join("evil").exists() && !self.cache().join("evil").exists());
        let failure = Failure::from(error);
        (failure.code, failure.kind.exit_code())
    }
}

fn good() -> Machine {
    Machine::new().serving(VERSION, &zip(&toolchain(VERSION)))
}

#[test]
fn a_toolchain_is_fetched_once_and_is_whole() {
    let machine = good();
    let facts = machine.ask(&wanted()).unwrap();
    assert_eq!((facts.version, facts.hash), (version(), Some(hash(&toolchain(VERSION)))));
    assert_eq!(facts.source, Source::Fetched { from: machine.vars[0].1.clone() });
    assert_eq!(facts.trust, Trust::Unverified { why: "GOSUMDB=off".into() });
    assert_eq!(facts.targets, ["linux/amd64", "linux/arm64"]);
    assert_eq!(facts.program, facts.root.join("bin/go"));
    let tool = format!("pkg/tool/{}_{}/link", Target::host().os(), Target::host().arch());
    let mode = |name: &str| files::mode(&facts.root.join(name)).unwrap();
    assert_eq!((mode("bin/go"), mode(&tool), mode("VERSION")), (0o755, 0o755, 0o644));
    assert_eq!(files::names(&facts.root.join("src")).unwrap(), ["go.mod"]);
    // The proxy may go away now.
    std::fs::remove_dir_all(machine.proxy()).unwrap();
    let again = machine.ask(&wanted()).unwrap();
    assert_eq!((again.source, again.identity, again.trust), (Source::Cached, facts.identity, facts.trust));
}

#[test]
fn the_checksum_database_vouches_or_refuses() {
    let right = good().database(&hash(&toolchain(VERSION)));
    assert_eq!(right.ask(&wanted()).unwrap().trust, Trust::ChecksumDatabase);
    let other = hash(&toolchain("1.26.4"));
    assert_eq!(good().database(&other).refusal(), ("toolchain.hash-mismatch", 8));
    // A database that cannot be reached is not one that agrees.
    let setting = format!("{} http://127.0.0.1:9", TestDb::new(3).setting());
    let trust = good().with("GOSUMDB", setting).ask(&wanted()).unwrap().trust;
    assert!(matches!(trust, Trust::Unverified { ref why } if why.contains("sum.example")), "{trust:?}");
    assert_eq!(good().with("GOSUMDB", "nonsense").refusal(), ("sumdb.setting", 3));
    // A signature by another key.
    let machine = good().database(&hash(&toolchain(VERSION)));
    let setting = TestDb::new(4).setting();
    assert_eq!(machine.with("GOSUMDB", setting).refusal(), ("sumdb.signature", 8));
}

#[test]
fn a_pin_decides() {
    let right = hash(&toolchain(VERSION));
    let machine = good().pinning(&right).with("GOSUMDB", "off");
    assert_eq!(machine.ask(&wanted()).unwrap().trust, Trust::Locked);
    let wrong = hash(&toolchain("1.26.4"));
    // Even when the database knows the hash that was found.
    assert_eq!(good().database(&right).pinning(&wrong).refusal(), ("toolchain.hash-mismatch", 8));
    // And a toolchain that was fetched before is measured by a pin that came later.
    let machine = good();
    machine.ask(&wanted()).unwrap();
    assert_eq!(machine.pinning(&wrong).ask(&wanted()).unwrap_err().code(), "toolchain.hash-mismatch");
}

#[test]
fn a_database_that_was_silent_is_asked_again() {
    let machine = good();
    assert!(matches!(machine.ask(&wanted()).unwrap().trust, Trust::Unverified { .. }));
    let machine = machine.database(&hash(&toolchain(VERSION)));
    let facts = machine.ask(&wanted()).unwrap();
    assert_eq!((facts.source, facts.trust), (Source::Cached, Trust::ChecksumDatabase));
    // What it proved once stays proven without it.
    std::fs::remove_dir_all(machine.proxy()).unwrap();
    assert_eq!(machine.ask(&wanted()).unwrap().trust, Trust::ChecksumDatabase);
    let machine = good();
    machine.ask(&wanted()).unwrap();
    let machine = machine.database(&hash(&toolchain("1.26.4")));
    assert_eq!(machine.ask(&wanted()).unwrap_err().code(), "toolchain.hash-mismatch");
}

#[test]
fn hostile_zips_are_refused_whole() {
    let refused = |change: &dyn Fn(&mut Files)| {
        let mut files = toolchain(VERSION);
        change(&mut files);
        Machine::new().serving(VERSION, &zip(&files)).refusal()
    };
    let prefix = Release::host(version()).prefix();
    assert_eq!(refused(&|files| files.push(("other/evil".into(), vec![]))), ("toolchain.prefix", 11));
    let escaping = format!("{prefix}../../../../evil");
    assert_eq!(refused(&|files| files.push((escaping.clone(), vec![]))), ("archive.path-parent", 11));
    assert_eq!(refused(&|files| files.push(("/evil".into(), vec![]))).1, 11);
    assert_eq!(refused(&|files| files[0].1 = b"go1.26.4\n".to_vec()), ("toolchain.content", 11));
    assert_eq!(refused(&|files| drop(files.pop())), ("toolchain.content", 11));
    let whole = zip(&toolchain(VERSION));
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        let (code, exit) = Machine::new().serving(VERSION, &whole[..cut]).refusal();
        assert!(code.starts_with("archive.") && exit == 11, "{cut}: {code} {exit}");
    }
}

#[test]
fn a_killed_run_and_a_damaged_cache_are_repaired() {
    let machine = good();
    let staging = machine.cache().join("toolchains").join(format!(".{}.staging", Release::host(version()).name()));
    std::fs::create_dir_all(staging.join("go/bin")).unwrap();
    std::fs::write(staging.join("go/bin/go"), "half").unwrap();
    let facts = machine.ask(&wanted()).unwrap();
    assert!(!staging.exists());
    std::fs::write(facts.root.join("bin/go"), "#!/bin/sh\necho evil\n").unwrap();
    let (sender, told) = std::sync::mpsc::channel();
    let again = machine.ask_telling(&wanted(), &Events::new(sender)).unwrap();
    assert!(matches!(again.source, Source::Fetched { .. }));
    assert_eq!(again.identity, facts.identity);
    assert!(told.try_iter().any(|event| matches!(event, Event::Warn { code: "toolchain.damaged", .. })));
}

#[test]
fn two_runs_at_once_fetch_once() {
    let machine = good();
    let sources: Vec<Source> = std::thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| machine.ask(&wanted()).unwrap().source));
        runs.map(|run| run.join().unwrap()).into()
    });
    assert_eq!(sources.iter().filter(|source| matches!(source, Source::Fetched { .. })).count(), 1, "{sources:?}");
}

/// A server that answers every request with one status, or with the files of a folder.
fn server(status: &'static str, folder: Option<PathBuf>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let body = folder.as_ref().and_then(|folder| std::fs::read(folder.join(path)).ok());
            let status = if body.is_some() { "200 OK" } else { status };
            let body = body.unwrap_or_default();
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").ok();
            stream.write_all(&body).ok();
        }
    });
    url
}

#[test]
fn proxies_are_asked_in_their_order() {
    let missing = server("404 Not Found", None);
    let broken = server("403 Forbidden", None);
    let machine = good().database(&hash(&toolchain(VERSION)));
    let serving = server("404 Not Found", Some(machine.proxy()));
    let with = |list: String| {
        let fresh = good().database(&hash(&toolchain(VERSION)));
        fresh.with("GOPROXY", list)
    };
    let facts = with(format!("{missing},{serving}")).ask(&wanted()).unwrap();
    assert_eq!((facts.source, facts.trust), (Source::Fetched { from: serving.clone() + "/" }, Trust::ChecksumDatabase));
    assert_eq!(with(format!("{broken},{serving}")).refusal(), ("http.status", 7));
    assert!(with(format!("{broken}|{serving}")).ask(&wanted()).is_ok());
    assert_eq!(with(format!("{missing},direct")).refusal(), ("toolchain.unavailable", 6));
    assert_eq!(with("direct".into()).refusal(), ("goproxy.direct", 6));
    assert_eq!(with("off".into()).refusal(), ("goproxy.off", 6));
    assert_eq!(with("nonsense".into()).refusal(), ("goproxy.setting", 3));
}

#[test]
fn without_a_go_on_path_the_rules_still_hold() {
    let machine = Machine::new().serving("1.21.0", &zip(&toolchain("1.21.0")));
    let old = Wanted::AtLeast { version: "1.18".parse().unwrap(), by: "go.mod:3:4".into() };
    let (sender, told) = std::sync::mpsc::channel();
    let facts = machine.ask_telling(&old, &Events::new(sender)).unwrap();
    assert_eq!(facts.version.to_string(), "1.21.0");
    assert!(told.try_iter().any(|event| matches!(event, Event::Info(text) if text.contains("1.18"))));
    assert_eq!(machine.ask(&Wanted::Any).unwrap_err().code(), "toolchain.missing");
    let ancient = Wanted::Exactly { version: "1.20.1".parse().unwrap(), by: "build.go".into() };
    assert_eq!(machine.ask(&ancient).unwrap_err().code(), "toolchain.too-old");
}

/// Puts a hand-made Go on PATH, reached through a link as distributions install it.
fn install(machine: &Machine, version: &str, as_wrapper: bool) -> PathBuf {
    let root = machine.dir.path().join("usr/lib/go");
    let prefix = Release::host(super::tests::version()).prefix();
    for (name, bytes) in toolchain(VERSION) {
        let path = root.join(name.strip_prefix(&prefix).unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        files::set_mode(&path, 0o755).unwrap();
    }
    std::fs::write(root.join("VERSION"), version).unwrap();
    let bin = machine.dir.path().join("usr/bin");
    std::fs::create_dir_all(&bin).unwrap();
    if as_wrapper {
        let answer = format!("{{\"GOROOT\": \"{}\", \"GOVERSION\": \"{version}\"}}", root.display());
        std::fs::write(bin.join("go"), format!("#!/bin/sh\n[ \"$GOTOOLCHAIN\" = local ] && echo '{answer}'\n"))
            .unwrap();
        files::set_mode(&bin.join("go"), 0o755).unwrap();
    } else {
        std::os::unix::fs::symlink(root.join("bin/go"), bin.join("go")).unwrap();
    }
    bin
}

#[test]
fn the_go_on_path_serves_when_it_is_the_one() {
    for as_wrapper in [false, true] {
        let machine = Machine::new();
        let bin = install(&machine, "go1.26.3", as_wrapper);
        let machine = machine.with("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let facts = machine.ask(&wanted()).unwrap();
        assert_eq!((facts.source, facts.trust, facts.hash), (Source::Path, Trust::Path, None));
        assert_eq!(files::real(&facts.root).unwrap(), files::real(&machine.dir.path().join("usr/lib/go")).unwrap());
        assert_eq!(machine.ask(&Wanted::Any).unwrap().version, version());
        let other = Wanted::Exactly { version: "1.26.4".parse().unwrap(), by: "build.go".into() };
        assert_eq!(machine.ask(&other).unwrap_err().code(), "toolchain.unavailable");
    }
}

#[test]
fn a_variant_on_path_is_not_the_release() {
    let machine = good();
    let bin = install(&machine, "go1.26.3-custom", false);
    let machine = machine.with("PATH", bin.display().to_string());
    assert!(matches!(machine.ask(&wanted()).unwrap().source, Source::Fetched { .. }));
    assert_eq!(machine.ask(&Wanted::Any).unwrap().source, Source::Path);
}

#[test]
fn the_real_go_is_known_for_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::with_env(Env::real());
    let cache = dir.path().join("cache");
    let provision = Provision { host: &host, events: &Events::silent(), cache: &cache, lock: None };
    let facts = provision.provision(&Wanted::Any).unwrap();
    let go = |args: &[&str]| {
        let output = std::process::Command::new("go").args(args).env("GOTOOLCHAIN", "local").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(facts.version.toolchain(), go(&["env", "GOVERSION"]));
    assert_eq!(files::real(&facts.root).unwrap(), files::real(Path::new(&go(&["env", "GOROOT"]))).unwrap());
    assert_eq!(facts.targets.join("\n"), go(&["tool", "dist", "list"]));
    let exactly = Wanted::Exactly { version: facts.version, by: "go.mod".into() };
    assert_eq!(provision.provision(&exactly).unwrap().identity, facts.identity);
}

/// Puts the toolchain of every host platform on the proxy; gives their hashes.
fn serve_all(machine: &Machine) -> Vec<(Release, String)> {
    let platforms = crate::lock::PLATFORMS;
    let releases = platforms.map(|platform| Release { version: version(), platform: platform.into() });
    releases
        .map(|release| {
            let files = vec![(format!("{}VERSION", release.prefix()), release.platform.clone().into_bytes())];
            let path = machine.proxy().join(release.zip_path());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, zip(&files)).unwrap();
            (release, hash(&files))
        })
        .into()
}

fn update(machine: &Machine, lock: &mut Lock) -> Result<Vec<PinChange>, GoError> {
    let host = Host::with_env(Env::of(machine.dir.path().into(), machine.vars.clone()));
    let cache = machine.cache();
    let provision = Provision { host: &host, events: &Events::silent(), cache: &cache, lock: None };
    provision.update_pins(&[version(), "1.20.1".parse().unwrap()], lock)
}

#[test]
fn pins_come_from_downloads_when_no_database_answers() {
    let machine = Machine::new();
    let hashes = serve_all(&machine);
    let mut lock = Lock::default();
    lock.pin_go("1.26.2".parse().unwrap(), "linux-amd64", &hashes[0].1);
    let changes = update(&machine, &mut lock).unwrap();
    for (release, hash) in &hashes {
        assert_eq!(lock.go(version(), &release.platform), Some(hash.as_str()));
    }
    assert_eq!(lock.go_versions().collect::<Vec<_>>(), [version()]);
    let removed = changes.iter().filter(|change| change.after.is_none()).count();
    assert_eq!((changes.len(), removed), (7, 1));
    assert!(changes.iter().all(|change| change.after.is_none() || matches!(change.by, PinSource::Download { .. })));
    assert_eq!(update(&machine, &mut lock).unwrap(), []);
    assert!(files::names(&machine.cache().join("toolchains")).unwrap().iter().all(|name| name.ends_with(".lock")));
}

#[test]
fn a_platform_that_is_not_served_gets_no_pin_but_this_machine_must() {
    let machine = Machine::new();
    let hashes = serve_all(&machine);
    let here = Release::host(version()).platform;
    let (other, _) = hashes.iter().find(|(release, _)| release.platform != here).unwrap();
    std::fs::remove_file(machine.proxy().join(other.zip_path())).unwrap();
    let mut lock = Lock::default();
    assert_eq!(update(&machine, &mut lock).unwrap().len(), 5);
    assert_eq!(lock.go(version(), &other.platform), None);
    std::fs::remove_dir_all(machine.proxy()).unwrap();
    assert_eq!(update(&machine, &mut Lock::default()).unwrap_err().code(), "toolchain.unavailable");
}

#[test]
fn pins_come_from_the_database_without_a_download() {
    let machine = Machine::new();
    let hashes = serve_all(&machine);
    let mut db = TestDb::new(3);
    // The database of the test has one record for each lookup, each the last of its tree: the log grows honestly.
    let mut lock = Lock::default();
    for (release, hash) in &hashes {
        let name = format!("golang.org/toolchain {}", release.module_version());
        db.records.push(format!("{name} {hash}\n{name}/go.mod {hash}\n"));
        db.serve(&machine.proxy(), &name.replace(' ', "@"));
        std::fs::remove_file(machine.proxy().join(release.zip_path())).unwrap();
    }
    let machine = machine.with("GOSUMDB", db.setting());
    let changes = update(&machine, &mut lock).unwrap();
    assert!(changes.len() == 6 && changes.iter().all(|change| change.by == PinSource::ChecksumDatabase), "{changes:?}");
    // A pin that the database contradicts is an alarm, not a change.
    lock.pin_go(version(), "linux-arm64", &hashes[0].1);
    assert_eq!(update(&machine, &mut lock).unwrap_err().code(), "toolchain.hash-mismatch");
}
