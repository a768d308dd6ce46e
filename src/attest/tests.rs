#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use sealift_trust::name::InnerPath;
use sealift_trust::statement::{IMAGE_INDEX, IMAGE_MANIFEST};
use sealift_trust::{Passphrase, SecretKey};

use super::keys::{self, KeyFileError, KeySource, Places};
use super::*;
use crate::archive::{Codec, Content, Format, Member, MemberPath, Mode, write};
use crate::error::{Fault, Kind};
use crate::host::Host;
use crate::host::env::Env;
use crate::host::files;
use crate::host::staging;
use crate::product::{self, Held as Holds, Image, SbomFormat};

fn host() -> Host {
    Host::with_env(Env::of(PathBuf::from("/"), Vec::<(String, String)>::new()))
}

fn key() -> Signer<'static> {
    Signer::Key(SecretKey::generate(&zeroize::Zeroizing::new([7; 32])))
}

fn signing<'a>(signer: &'a Signer<'a>) -> Signing<'a> {
    Signing { signer, formats: &[SignatureFormat::Raw], each: None }
}

fn generate(path: &Path, passphrase: Option<&Passphrase>) -> Result<sealift_trust::PublicKey, KeyFileError> {
    keys::write(path, &keys::make(keys::NewKey::Ed25519)?, passphrase)
}

fn subject() -> Subject {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let service = Service {
        name: own("api"),
        version: "1.2.3".parse().unwrap(),
        commit: commit.parse().unwrap(),
        modified: None,
    };
    Subject {
        product: own("shop"),
        version: "1.2.3".parse().unwrap(),
        channel: None,
        snapshot: false,
        commit: commit.parse().unwrap(),
        source: None,
        created: 0,
        services: vec![service],
        making: Some(making()),
    }
}

/// As a local run has it that took everything from its own commit.
fn making() -> Making {
    Making {
        tag: None,
        modified: false,
        asked: Asked::default(),
        builds: Vec::new(),
        archives: Vec::new(),
        images: Vec::new(),
        dependencies: BTreeSet::new(),
        job: None,
    }
}

/// A store, a `dist/` and a journal in a temporary folder.
struct Yard {
    root: tempfile::TempDir,
    archives: Vec<Archive>,
    images: Vec<ImageIndex>,
    binaries: Vec<Binary>,
    sboms: Vec<SbomFile>,
}

impl Yard {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("store")).unwrap();
        let mut yard = Self { root, archives: Vec::new(), images: Vec::new(), binaries: Vec::new(), sboms: Vec::new() };
        yard.pack("linux/amd64", Format::TarGz);
        yard.pack("windows/arm64", Format::Zip);
        yard.source();
        yard
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn archive(&mut self, name: &str, format: Format, content: Vec<u8>, holds: Option<Holds>, target: Option<&str>) {
        let member = Member {
            path: MemberPath::new(holds.as_ref().map_or("main.go", |held| &held.path)).unwrap(),
            mode: Mode::Executable,
            content: Content::new(content.len() as u64, Box::new(move || Ok(Box::new(std::io::Cursor::new(content))))),
        };
        let mut bytes = Vec::new();
        let written = write(Codec::from(format), 0, vec![member], &mut bytes).unwrap();
        std::fs::write(self.path("store").join(name), bytes).unwrap();
        self.archives.push(Archive {
            name: own(name),
            kind: if target.is_some() { ArchiveKind::Binaries } else { ArchiveKind::Source },
            services: holds.iter().map(|held| held.service.clone()).collect(),
            target: target.map(|target| target.parse().unwrap()),
            artifact: written.archive,
            media_type: format.media_type().to_owned(),
            holds: holds.into_iter().collect(),
        });
    }

    fn pack(&mut self, target: &str, format: Format) {
        let content = format!("program for {target}").into_bytes();
        let artifact = Artifact::of(&content);
        let held =
            Holds { path: "bin/api".into(), service: own("api"), digest: artifact.digest(), size: artifact.size() };
        let name = format!("api_{}.{format}", target.replace('/', "_"));
        self.archive(&name, format, content, Some(held), Some(target));
        let (service, target, version) = (own("api"), target.parse().unwrap(), "1.2.3".parse().unwrap());
        self.binaries.push(Binary { service, version, target, artifact });
    }

    /// An image of arbitrary bytes for linux/amd64: nothing here reads what is in it.
    fn image(&mut self, word: &str) {
        let blob = |what: &str| {
            let bytes = format!("{what} {word}").into_bytes();
            std::fs::write(self.path("store").join(Digest::of(&bytes).hex()), &bytes).unwrap();
            Artifact::of(&bytes)
        };
        let binary = &self.binaries[0];
        let held = Holds {
            path: "usr/bin/api".into(),
            service: own("api"),
            digest: binary.artifact.digest(),
            size: binary.artifact.size(),
        };
        let shared = b"root files";
        std::fs::write(self.path("store").join(Digest::of(shared).hex()), shared).unwrap();
        let image = Image {
            service: own("api"),
            target: binary.target.clone(),
            artifact: blob("manifest"),
            media_type: IMAGE_MANIFEST.to_owned(),
            config: blob("config"),
            layers: vec![Artifact::of(shared), blob("layer")],
            holds: vec![held],
        };
        let (service, artifact) = (own("api"), blob("index"));
        self.images = vec![ImageIndex { service, artifact, media_type: IMAGE_INDEX.to_owned(), images: vec![image] }];
    }

    /// A list of what is in the first binary.
    fn list(&mut self) {
        let bytes = b"{}\n";
        std::fs::write(self.path("store/api_linux_amd64.cdx.json"), bytes).unwrap();
        self.sboms = vec![SbomFile {
            name: own("api_linux_amd64.cdx.json"),
            format: SbomFormat::CycloneDx,
            service: own("api"),
            target: self.binaries[0].target.clone(),
            of: product::SbomOf::Binary,
            subject: self.binaries[0].artifact.digest(),
            artifact: Artifact::of(bytes),
        }];
    }

    fn source(&mut self) {
        self.archive("source.tar.gz", Format::TarGz, b"package main".to_vec(), None, None);
    }

    fn sealed(&self, key: Option<&Signer<'_>>) -> Sealed {
        seal(&subject(), &self.contents(), key.map(signing).as_ref()).unwrap()
    }

    fn contents(&self) -> Contents<'_> {
        Contents {
            archives: &self.archives,
            images: &self.images,
            binaries: &self.binaries,
            notes: None,
            sboms: &self.sboms,
            openvex: None,
        }
    }

    fn plan(&self, key: Option<&Signer<'_>>) -> Vec<Placement> {
        let archive = |archive: &Archive| self.path("store").join(archive.name.as_str());
        let sbom = |sbom: &SbomFile| self.path("store").join(sbom.name.as_str());
        let blob = |digest: Digest| self.path("store").join(digest.hex());
        self.sealed(key).placements(&self.contents(), Stored { archive: &archive, sbom: &sbom, blob: &blob })
    }

    fn try_place(&self, plan: &[Placement], clean: Clean) -> Result<Placed, AttestError> {
        let (folder, journal) = (self.path("dist"), self.path(".sealift/dist.json"));
        place(&host(), &Dist { folder: &folder, journal: &journal, reach: Reach::All, clean }, plan)
    }

    fn place(&self, key: Option<&Signer<'_>>) -> Placed {
        self.try_place(&self.plan(key), Clean::Refuse).unwrap()
    }

    fn there(&self) -> Vec<String> {
        files::names(&self.path("dist")).unwrap()
    }

    /// Every file below `dist/`, by its path there.
    fn deep(&self) -> Vec<String> {
        let mut found = Vec::new();
        crate::host::tree::walk(&self.path("dist"), &mut |_| true, &mut |path| found.push(path.to_owned())).unwrap();
        found.sort();
        found
    }

    fn paths(plan: &[Placement]) -> Vec<String> {
        let mut paths: Vec<String> = plan.iter().map(|placement| placement.path.to_string()).collect();
        paths.sort();
        paths
    }

    /// What would show any write: inode, change time and mode of everything, folder and journal included.
    fn traces(&self) -> BTreeMap<String, (u64, i64, i64, u32)> {
        let dist = self.path("dist");
        let mut paths: Vec<PathBuf> = self.deep().iter().map(|name| dist.join(name)).collect();
        let folders = ["image", "image/blobs", "image/blobs/sha256"].map(|folder| dist.join(folder));
        paths.extend(folders.into_iter().filter(|folder| folder.exists()));
        paths.extend([dist, self.path(".sealift"), self.path(".sealift/dist.json")]);
        let trace = |path: &PathBuf| {
            let meta = std::fs::metadata(path).unwrap();
            (path.display().to_string(), (meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.mode()))
        };
        paths.iter().map(trace).collect()
    }
}

const SIGNED: [&str; 7] = [
    "api_linux_amd64.tar.gz",
    "api_windows_arm64.zip",
    "checksums.txt",
    "checksums.txt.sig",
    "provenance.json",
    "release.json",
    "source.tar.gz",
];

fn run(dir: &Path, program: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn openssl_and_sha256sum_agree() {
    let yard = Yard::new();
    yard.place(Some(&key()));
    let dist = yard.path("dist");
    std::fs::write(yard.path("k.pub"), key().public().to_pem()).unwrap();
    let (good, text) = run(&dist, "sha256sum", &["--strict", "-c", "checksums.txt"]);
    assert!(good && text.lines().count() == 3, "{text}");
    let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "../k.pub", "-rawin", "-sigfile", "checksums.txt.sig"];
    let verify = [&verify[..], &["-in", "checksums.txt"]].concat();
    let (good, text) = run(&dist, "openssl", &verify);
    assert!(good, "{text}");
    let mut changed = std::fs::read(dist.join("checksums.txt")).unwrap();
    changed[0] ^= 1;
    std::fs::write(dist.join("checksums.txt"), changed).unwrap();
    assert!(!run(&dist, "openssl", &verify).0);
    assert!(!run(&dist, "sha256sum", &["--strict", "-c", "checksums.txt"]).0);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let yard = Yard::new();
    let (once, again) = (yard.sealed(Some(&key())), yard.sealed(Some(&key())));
    assert_eq!((&once.files, once.manifest), (&again.files, again.manifest));
    let mut shuffled = Yard {
        root: tempfile::tempdir().unwrap(),
        archives: yard.archives.clone(),
        images: Vec::new(),
        binaries: yard.binaries.clone(),
        sboms: Vec::new(),
    };
    shuffled.archives.reverse();
    shuffled.binaries.reverse();
    assert_eq!(shuffled.sealed(Some(&key())).files, once.files);
    let names: Vec<&str> = once.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["checksums.txt", "checksums.txt.sig", "provenance.json", "release.json"]);
    let unsigned = yard.sealed(None);
    let names: Vec<&str> = unsigned.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["checksums.txt", "release.unsigned.json"]);
    assert_eq!(Digest::of(&unsigned.files[1].1), unsigned.manifest);
}

/// Each file has a signature beside it, made over what was measured: nothing else is signed, whatever lies there by then.
#[test]
fn what_is_signed_by_itself_is_what_was_measured() {
    let mut yard = Yard::new();
    yard.list();
    let (signer, vex) = (key(), b"{\"@context\":\"https://openvex.dev/ns/v0.2.0\"}");
    let lies = |name: &FileName| yard.path("store").join(name.as_str());
    let contents = Contents { notes: Some("new"), openvex: Some(vex), ..yard.contents() };
    let formats = [SignatureFormat::Raw, SignatureFormat::Minisign, SignatureFormat::Ssh];
    let sealed = |formats: &[SignatureFormat]| {
        seal(&subject(), &contents, Some(&Signing { signer: &signer, formats, each: Some(&lies) }))
    };
    let whole = sealed(&formats).unwrap();
    let names: Vec<&str> = whole.files.iter().map(|(name, _)| name.as_str()).collect();
    for (name, entry) in whole.release.files() {
        for format in formats {
            assert!(names.contains(&signature_of(name.as_str(), format).as_str()), "{name} {format:?}: {names:?}");
        }
        let (_, raw) = whole.files.iter().find(|(file, _)| file.as_str() == format!("{name}.sig")).unwrap();
        let decided = whole.files.iter().find(|(file, _)| file == name).map(|(_, bytes)| bytes.clone());
        let bytes = decided.unwrap_or_else(|| std::fs::read(lies(name)).unwrap());
        assert_eq!(Digest::of(&bytes), entry.digest);
        let signature = sealift_trust::Signature::from_bytes(raw).unwrap();
        assert_eq!(signer.public().verify(&bytes, &signature), Ok(()), "{name}");
    }
    let mut companions = whole.release.companions.clone();
    companions.sort();
    let mut beside: Vec<FileName> = whole.files.iter().map(|(name, _)| name.clone()).collect();
    beside.retain(|name| name.as_str() != MANIFEST && !whole.release.files().any(|(file, _)| file == name));
    beside.sort();
    assert_eq!(companions, beside);
    let archive = yard.path("store/api_linux_amd64.tar.gz");
    let good = std::fs::read(&archive).unwrap();
    for other in [&good[1..], &[&good[..], b"x"].concat(), b""] {
        std::fs::write(&archive, other).unwrap();
        for format in formats {
            let error = sealed(&[format]).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("attest.changed", Kind::Input), "{format:?}");
        }
    }
    std::fs::remove_file(&archive).unwrap();
    assert_eq!(sealed(&formats).unwrap_err().code(), "file.missing");
}

#[test]
fn what_makes_no_release_is_refused() {
    let yard = Yard::new();
    let code = |subject: &Subject, archives: &[Archive], binaries: &[Binary]| {
        let error = seal(
            subject,
            &Contents { archives, images: &[], binaries, notes: None, sboms: &[], openvex: None },
            Some(&signing(&key())),
        )
        .unwrap_err();
        (error.code(), error.kind())
    };
    assert_eq!(code(&subject(), &[], &[]), ("statement.nothing", Kind::Input));
    assert_eq!(code(&subject(), &yard.archives[..1], &yard.binaries), ("statement.not-held", Kind::Input));
    assert_eq!(code(&subject(), &yard.archives, &yard.binaries[..1]), ("statement.holds-stranger", Kind::Input));
    let late = Subject { created: u64::MAX, ..subject() };
    assert_eq!(code(&late, &yard.archives, &yard.binaries), ("attest.created", Kind::Config));
    let empty = Archive { artifact: Artifact::of(b""), ..yard.archives[0].clone() };
    assert_eq!(code(&subject(), &[empty], &yard.binaries), ("attest.size", Kind::Input));
    let mut outside = yard.archives.clone();
    outside[0].holds[0].path = "../api".into();
    assert_eq!(code(&subject(), &outside, &yard.binaries).1, Kind::Input);
}

#[test]
fn a_second_run_touches_nothing() {
    let yard = Yard::new();
    let placed = yard.place(Some(&key()));
    assert_eq!((placed.written.len(), placed.kept.len(), placed.removed.len()), (7, 0, 0));
    assert_eq!(yard.there(), SIGNED);
    assert!(yard.there().iter().all(|name| files::mode(&yard.path("dist").join(name)).unwrap() == 0o644));
    let before = yard.traces();
    let placed = yard.place(Some(&key()));
    assert_eq!((placed.written.len(), placed.kept.len(), placed.removed.len()), (0, 7, 0));
    assert_eq!(yard.traces(), before);
}

#[test]
fn only_what_differs_is_written_and_the_store_is_never_shared() {
    let yard = Yard::new();
    yard.place(Some(&key()));
    let zip = yard.path("dist/api_windows_arm64.zip");
    let stored = std::fs::read(yard.path("store/api_windows_arm64.zip")).unwrap();
    let before = yard.traces();
    std::fs::write(&zip, b"damaged").unwrap();
    assert_eq!(std::fs::read(yard.path("store/api_windows_arm64.zip")).unwrap(), stored, "no hard link");
    let placed = yard.place(Some(&key()));
    let written: Vec<&str> = placed.written.iter().map(InnerPath::as_str).collect();
    assert_eq!(written, ["api_windows_arm64.zip", "release.json"], "the manifest goes first and comes last");
    assert_eq!(std::fs::read(&zip).unwrap(), stored);
    let after = yard.traces();
    let untouched = yard.path("dist/source.tar.gz").display().to_string();
    assert_eq!(before[&untouched], after[&untouched]);
    files::set_mode(&zip, 0o600).unwrap();
    assert_eq!(yard.place(Some(&key())).written.len(), 2);
    assert_eq!(files::mode(&zip).unwrap(), 0o644);
}

#[test]
fn what_sealift_left_there_goes_and_what_it_did_not_put_there_stays() {
    let yard = Yard::new();
    yard.place(None);
    assert!(yard.there().contains(&"release.unsigned.json".to_owned()));
    let placed = yard.place(Some(&key()));
    assert_eq!(placed.removed, ["release.unsigned.json"]);
    assert_eq!(yard.there(), SIGNED);

    std::fs::write(yard.path("dist/.staged.123-4"), b"half").unwrap();
    let before = files::mode(&yard.path("dist/release.json")).unwrap();
    let placed = yard.place(Some(&key()));
    assert_eq!((placed.removed, placed.written.len()), (vec![".staged.123-4".to_owned()], 0));
    assert_eq!(files::mode(&yard.path("dist/release.json")).unwrap(), before);

    for foreign in ["mine.txt", ".staged.mine", ".staged.1-"] {
        std::fs::write(yard.path("dist").join(foreign), b"precious").unwrap();
        let before = yard.traces();
        let error = yard.try_place(&yard.plan(None), Clean::Refuse).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("attest.foreign-file", Kind::Conflict));
        assert!(error.to_string().contains(foreign) && error.hint().unwrap().contains("--clean"), "{error}");
        assert_eq!(yard.traces(), before);
        std::fs::remove_file(yard.path("dist").join(foreign)).unwrap();
    }
}

#[test]
fn clean_removes_everything_but_a_repository() {
    let yard = Yard::new();
    for folder in ["dist/old/deep", "dist/release.json"] {
        std::fs::create_dir_all(yard.path(folder)).unwrap();
    }
    std::fs::write(yard.path("dist/old/deep/file"), b"x").unwrap();
    std::os::unix::fs::symlink(yard.path("store"), yard.path("dist/link")).unwrap();
    assert_eq!(yard.try_place(&yard.plan(None), Clean::Refuse).unwrap_err().code(), "attest.foreign-file");
    let placed = yard.try_place(&yard.plan(Some(&key())), Clean::Remove).unwrap();
    assert_eq!(placed.removed, ["link", "old", "release.json"]);
    assert_eq!(yard.there(), SIGNED);
    assert_eq!(files::names(&yard.path("store")).unwrap().len(), 3, "a link is removed, not what it leads to");
    std::fs::create_dir(yard.path("dist/.git")).unwrap();
    let error = yard.try_place(&yard.plan(Some(&key())), Clean::Remove).unwrap_err();
    assert_eq!((error.code(), yard.there().len()), ("attest.repository", 8));
}

#[test]
fn a_linked_dist_is_refused() {
    let yard = Yard::new();
    std::fs::create_dir(yard.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(yard.path("elsewhere"), yard.path("dist")).unwrap();
    assert_eq!(yard.try_place(&yard.plan(None), Clean::Remove).unwrap_err().code(), "file.not-a-folder");
    assert!(files::names(&yard.path("elsewhere")).unwrap().is_empty());
}

/// A release that could not be completed has no manifest, and the next run completes it.
#[test]
fn a_failed_run_leaves_no_manifest_and_the_next_one_goes_on() {
    let yard = Yard::new();
    yard.place(Some(&key()));
    let stored = yard.path("store/api_linux_amd64.tar.gz");
    let good = std::fs::read(&stored).unwrap();
    for bad in [&b"other"[..], &[]] {
        std::fs::remove_file(yard.path("dist/api_linux_amd64.tar.gz")).unwrap();
        std::fs::write(&stored, bad).unwrap();
        let error = yard.try_place(&yard.plan(Some(&key())), Clean::Refuse).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("attest.changed", Kind::Input));
        let there = ["api_windows_arm64.zip", "checksums.txt", "checksums.txt.sig", "provenance.json", "source.tar.gz"];
        assert_eq!(yard.there(), there, "neither a manifest nor a staged file");
        std::fs::write(&stored, &good).unwrap();
        assert_eq!(yard.place(Some(&key())).written.len(), 2);
        assert_eq!(yard.there(), SIGNED);
    }
}

/// Every state that a run from one release to the next can be killed in, as `place` orders its steps: the list knows
/// both, no manifest, stale files gone one by one, new ones coming one by one, perhaps a staged file.
#[test]
fn from_every_state_between_two_releases_the_next_run_goes_on() {
    let yard = Yard::new();
    let old =
        [&yard.plan(None)[..], &[Placement { path: own("old.txt").into(), source: Source::Bytes(b"old".to_vec()) }]]
            .concat();
    let (new, folder) = (yard.plan(Some(&key())), yard.path("dist"));
    let journal = yard.path(".sealift/dist.json");
    for done in 0..=new.len() {
        yard.try_place(&old, Clean::Refuse).unwrap();
        let both = old.iter().chain(&new).map(|placement| placement.path.clone()).collect();
        super::journal::write(&journal, &both).unwrap();
        files::remove(&folder.join("release.unsigned.json")).unwrap();
        if done > 0 {
            files::remove(&folder.join("old.txt")).unwrap();
        }
        for (name, bytes) in yard.sealed(Some(&key())).files.iter().take(done.saturating_sub(yard.archives.len())) {
            staging::write(&folder.join(name.as_str()), bytes, 0o644).unwrap();
        }
        std::fs::write(folder.join(format!(".staged.1-{done}")), b"half").unwrap();
        yard.try_place(&new, Clean::Refuse).unwrap();
        assert_eq!(yard.there(), SIGNED, "after {done} files");
        let traces = yard.traces();
        assert!(yard.try_place(&new, Clean::Refuse).unwrap().written.is_empty());
        assert_eq!(yard.traces(), traces, "the list is right too");
    }
}

#[test]
fn an_interrupted_run_stops() {
    let yard = Yard::new();
    let interrupted = host();
    interrupted.children.stop();
    let (folder, journal) = (yard.path("dist"), yard.path("journal"));
    let dist = Dist { folder: &folder, journal: &journal, reach: Reach::All, clean: Clean::Refuse };
    let error = place(&interrupted, &dist, &yard.plan(None)).unwrap_err();
    assert_eq!((error.kind(), yard.there().len()), (Kind::Interrupted, 0));
}

#[test]
fn a_name_stands_for_one_file() {
    let yard = Yard::new();
    let mut plan = yard.plan(None);
    plan.push(Placement { path: own("CHECKSUMS.txt").into(), source: Source::Bytes(Vec::new()) });
    assert_eq!(yard.try_place(&plan, Clean::Refuse).unwrap_err().code(), "attest.same-name");
}

#[test]
fn images_are_placed_like_every_other_file() {
    let mut yard = Yard::new();
    yard.image("one");
    let plan = yard.plan(Some(&key()));
    let placed = yard.try_place(&plan, Clean::Refuse).unwrap();
    assert_eq!((placed.written.len(), yard.deep()), (plan.len(), Yard::paths(&plan)));
    let hex = |bytes: &[u8]| format!("image/blobs/sha256/{}", Digest::of(bytes).hex());
    assert!(yard.deep().contains(&hex(b"root files")) && yard.deep().contains(&hex(b"index one")));
    assert!(yard.deep().iter().all(|path| files::mode(&yard.path("dist").join(path)).unwrap() == 0o644));
    assert!(!std::fs::read_to_string(yard.path("dist/checksums.txt")).unwrap().contains("image"));
    let before = yard.traces();
    assert!(yard.try_place(&plan, Clean::Refuse).unwrap().written.is_empty());
    assert_eq!(yard.traces(), before);

    // One blob is damaged: it, and what says that it is right, are written again.
    let layer = yard.path("dist").join(hex(b"layer one"));
    std::fs::write(&layer, b"damaged").unwrap();
    let placed = yard.try_place(&plan, Clean::Refuse).unwrap();
    let written: Vec<&str> = placed.written.iter().map(InnerPath::as_str).collect();
    assert_eq!(written, [&hex(b"layer one"), "image/index.json", "release.json"]);

    // Another image: blobs that nothing names go, shared ones stay as they are.
    let kept = yard.path("dist").join(hex(b"root files")).display().to_string();
    let before = yard.traces();
    yard.image("two");
    let plan = yard.plan(Some(&key()));
    let placed = yard.try_place(&plan, Clean::Refuse).unwrap();
    assert_eq!((placed.removed.len(), yard.deep()), (4, Yard::paths(&plan)));
    assert_eq!(yard.traces()[&kept], before[&kept]);

    // An archive changes: the layout is not touched.
    std::fs::write(yard.path("dist/source.tar.gz"), b"damaged").unwrap();
    let placed = yard.try_place(&plan, Clean::Refuse).unwrap();
    let written: Vec<&str> = placed.written.iter().map(InnerPath::as_str).collect();
    assert_eq!(written, ["source.tar.gz", "release.json"]);

    // No images: the folder goes with all that is in it.
    yard.images.clear();
    let placed = yard.place(Some(&key()));
    assert!(placed.removed.contains(&"image".to_owned()) && placed.removed.contains(&"image/blobs/sha256".to_owned()));
    assert_eq!(yard.there(), SIGNED);
}

#[test]
fn what_is_foreign_in_the_layout_is_refused_or_removed() {
    let mut yard = Yard::new();
    yard.image("one");
    let plan = yard.plan(Some(&key()));
    yard.try_place(&plan, Clean::Refuse).unwrap();
    let whole = yard.deep();
    let is_refused = |what: &str| {
        let before = yard.traces();
        let error = yard.try_place(&plan, Clean::Refuse).unwrap_err();
        assert!(error.code() == "attest.foreign-file" && error.to_string().contains(what), "{what}: {error}");
        assert_eq!(yard.traces(), before, "{what}");
        yard.try_place(&plan, Clean::Remove).unwrap();
        assert_eq!(yard.deep(), whole, "{what}");
        assert!(yard.try_place(&plan, Clean::Refuse).unwrap().written.is_empty(), "{what}");
    };
    for foreign in ["image/mine", "image/blobs/mine", "image/blobs/sha256/mine", "image/blobs/sha256/.staged.mine"] {
        std::fs::write(yard.path("dist").join(foreign), b"precious").unwrap();
        is_refused(foreign);
    }
    for foreign in ["image/mine", "image/blobs/sha512"] {
        std::fs::create_dir(yard.path("dist").join(foreign)).unwrap();
        is_refused(foreign);
    }
    // What is found through a link is neither kept nor touched.
    for folder in ["image", "image/blobs"] {
        let (there, elsewhere) = (yard.path("dist").join(folder), yard.path("elsewhere"));
        std::fs::rename(&there, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &there).unwrap();
        let before = files::names(&elsewhere).unwrap();
        is_refused(folder);
        assert_eq!(files::names(&elsewhere).unwrap(), before);
        std::fs::remove_dir_all(&elsewhere).unwrap();
    }
    // A killed run's staged file, in any folder, is nobody's.
    std::fs::write(yard.path("dist/image/blobs/sha256/.staged.1-2"), b"half").unwrap();
    let placed = yard.try_place(&plan, Clean::Refuse).unwrap();
    assert_eq!((placed.removed.len(), placed.written.len()), (1, 0));
    std::fs::create_dir(yard.path("dist/image/.git")).unwrap();
    assert_eq!(yard.try_place(&plan, Clean::Remove).unwrap_err().code(), "attest.repository");
}

/// From one image to another, and to none: killed after any number of removals and of writes, the next run completes it.
#[test]
fn from_every_state_between_two_images_the_next_run_goes_on() {
    let mut yard = Yard::new();
    let journal = yard.path(".sealift/dist.json");
    let mut plans = Vec::new();
    for word in ["one", "two"] {
        yard.image(word);
        plans.push(yard.plan(Some(&key())));
    }
    yard.images.clear();
    plans.push(yard.plan(Some(&key())));
    for (old, new) in [(0, 1), (1, 0), (0, 2), (2, 0)].map(|(old, new)| (&plans[old], &plans[new])) {
        let gone: Vec<String> = Yard::paths(old).into_iter().filter(|path| !Yard::paths(new).contains(path)).collect();
        let both: BTreeSet<InnerPath> = old.iter().chain(new).map(|placement| placement.path.clone()).collect();
        for done in 0..=gone.len() + new.len() {
            yard.try_place(old, Clean::Refuse).unwrap();
            super::journal::write(&journal, &both).unwrap();
            for path in gone.iter().take(done).map(String::as_str).chain(["release.json", "image/index.json"]) {
                files::remove(&yard.path("dist").join(path)).unwrap();
            }
            for placement in
                new.iter().take(done.saturating_sub(gone.len())).filter(|p| p.path.as_str() != "release.json")
            {
                let to = yard.path("dist").join(placement.path.as_str());
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                match &placement.source {
                    Source::Bytes(bytes) => drop(staging::write(&to, bytes, 0o644).unwrap()),
                    Source::File { path, .. } => drop(staging::copy(path, &to, 0o644).unwrap()),
                }
            }
            yard.try_place(new, Clean::Refuse).unwrap();
            assert_eq!(yard.deep(), Yard::paths(new), "after {done}");
            assert_eq!(yard.path("dist/image").exists(), new.len() > 7, "after {done}");
            let traces = yard.traces();
            assert!(yard.try_place(new, Clean::Refuse).unwrap().written.is_empty());
            assert_eq!(yard.traces(), traces, "the list is right too");
        }
    }
}

#[test]
fn a_part_of_a_release_leaves_the_other_where_it_is() {
    let mut yard = Yard::new();
    yard.image("one");
    yard.list();
    let place = |plan: &[Placement], reach: Reach| {
        let (folder, journal) = (yard.path("dist"), yard.path(".sealift/dist.json"));
        super::place(&host(), &Dist { folder: &folder, journal: &journal, reach, clean: Clean::Refuse }, plan).unwrap()
    };
    let all = yard.plan(Some(&key()));
    let (images, rest): (Vec<Placement>, Vec<Placement>) =
        all.iter().cloned().partition(|placement| placement.path.as_str().starts_with("image/"));
    let files = rest.into_iter().filter(|p| matches!(p.source, Source::File { .. }));
    let (sboms, archives): (Vec<Placement>, Vec<Placement>) =
        files.partition(|placement| placement.path.as_str().ends_with(".cdx.json"));
    let parts = || Yard::paths(&[&archives[..], &images, &sboms].concat());
    assert_eq!(sboms.len(), 1);
    place(&archives, Reach::Archives);
    assert!(place(&sboms, Reach::Sboms).removed.is_empty());
    let placed = place(&images, Reach::Images);
    assert!(placed.removed.is_empty());
    assert_eq!(yard.deep(), parts());
    place(&all, Reach::All);
    // What follows from the whole does not stay beside one part of it.
    let removed = ["checksums.txt", "checksums.txt.sig", "provenance.json", "release.json"];
    for (part, reach) in [(&images, Reach::Images), (&archives, Reach::Archives), (&sboms, Reach::Sboms)] {
        assert_eq!(place(part, reach).removed, removed);
        assert_eq!(yard.deep(), parts());
        place(&all, Reach::All);
    }
    place(&archives, Reach::Archives);
    assert_eq!(place(&archives, Reach::All).removed.len(), images.len() + 1 + 3, "files, and the folders of images");
}

#[test]
fn images_are_measured_again() {
    let mut yard = Yard::new();
    yard.image("one");
    yard.place(Some(&key()));
    let (dist, record) = (yard.path("dist"), yard.path(".sealift/image.json"));
    assert_eq!(recall_images(&dist, &record).unwrap(), [], "no record, no images");
    std::fs::write(&record, product::record_images(&yard.images).unwrap()).unwrap();
    assert_eq!(recall_images(&dist, &record).unwrap(), yard.images);
    for blob in yard.images[0].blobs() {
        let path = blob_path(&dist, blob.digest());
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[0] ^= 1;
        for bytes in [&flipped[..], &whole[1..], &[&whole[..], b"x"].concat()] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(recall_images(&dist, &record).unwrap_err().code(), "attest.changed");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(recall_images(&dist, &record).unwrap_err().code(), "attest.missing");
        std::fs::write(&path, &whole).unwrap();
    }
    // A record that tells another size.
    let text = String::from_utf8(product::record_images(&yard.images).unwrap()).unwrap();
    let config = yard.images[0].images[0].config;
    let told = format!("\"config\":{{\"digest\":\"{}\",\"size\":{}}}", config.digest(), config.size());
    assert!(text.contains(&told), "{text}");
    std::fs::write(&record, text.replace(&told, &told.replace("\"size\":", "\"size\":1"))).unwrap();
    assert_eq!(recall_images(&dist, &record).unwrap_err().code(), "attest.changed");
    std::fs::write(&record, b"{}").unwrap();
    assert_eq!(recall_images(&dist, &record).unwrap_err().code(), "attest.record");
}

#[test]
fn sboms_are_measured_again() {
    let mut yard = Yard::new();
    yard.list();
    yard.place(Some(&key()));
    let (dist, record) = (yard.path("dist"), yard.path(".sealift/sbom.json"));
    assert_eq!(recall_sboms(&dist, &record).unwrap(), [], "no record, no SBOMs");
    std::fs::write(&record, product::record_sboms(&yard.sboms).unwrap()).unwrap();
    assert_eq!(recall_sboms(&dist, &record).unwrap(), yard.sboms);
    let path = dist.join("api_linux_amd64.cdx.json");
    for bytes in [&b"{ }"[..], b"{}", b"[]\n"] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(recall_sboms(&dist, &record).unwrap_err().code(), "attest.changed");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(recall_sboms(&dist, &record).unwrap_err().code(), "attest.missing");
}

#[test]
fn what_was_packaged_is_measured_again() {
    let yard = Yard::new();
    yard.place(Some(&key()));
    let (dist, record) = (yard.path("dist"), yard.path(".sealift/package.json"));
    assert_eq!(recall(&dist, &record).unwrap_err().code(), "attest.missing");
    std::fs::write(&record, product::record(&yard.binaries, &yard.archives).unwrap()).unwrap();
    let recalled = recall(&dist, &record).unwrap();
    assert_eq!((&recalled.archives, &recalled.binaries), (&yard.archives, &yard.binaries));
    let contents = Contents {
        archives: &recalled.archives,
        images: &[],
        binaries: &recalled.binaries,
        notes: None,
        sboms: &[],
        openvex: None,
    };
    let sealed = seal(&subject(), &contents, Some(&signing(&key()))).unwrap();
    let archive = |archive: &Archive| dist.join(archive.name.as_str());
    let plan = sealed.placements(
        &contents,
        Stored { archive: &archive, sbom: &|_| unreachable!(), blob: &|digest| blob_path(&dist, digest) },
    );
    assert!(yard.try_place(&plan, Clean::Refuse).unwrap().written.is_empty());

    let zip = dist.join("api_windows_arm64.zip");
    let whole = std::fs::read(&zip).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (bytes, code) in [(&flipped[..], "attest.changed"), (&whole[1..], "attest.changed")] {
        std::fs::write(&zip, bytes).unwrap();
        assert_eq!(recall(&dist, &record).unwrap_err().code(), code);
    }
    std::fs::remove_file(&zip).unwrap();
    std::os::unix::fs::symlink(yard.path("store/api_windows_arm64.zip"), &zip).unwrap();
    assert_eq!(recall(&dist, &record).unwrap_err().code(), "attest.missing");
    std::fs::remove_file(&zip).unwrap();
    std::fs::write(&zip, &whole).unwrap();

    // A record that tells of another binary than the one that lies there.
    let mut lying = yard.archives.clone();
    lying[0].holds[0].size += 1;
    std::fs::write(&record, product::record(&yard.binaries, &lying).unwrap()).unwrap();
    assert_eq!(recall(&dist, &record).unwrap_err().code(), "attest.changed");
    let stranger = Binary { artifact: Artifact::of(b"stranger"), ..yard.binaries[0].clone() };
    std::fs::write(&record, product::record(&[stranger], &yard.archives).unwrap()).unwrap();
    assert_eq!(recall(&dist, &record).unwrap_err().code(), "attest.missing");
    std::fs::write(&record, b"{}").unwrap();
    assert_eq!(recall(&dist, &record).unwrap_err().code(), "attest.record");
}

fn with_env<const N: usize>(dir: &Path, vars: [(&str, &str); N]) -> Host {
    Host::with_env(Env::of(dir.to_owned(), vars))
}

#[test]
fn a_new_key_is_private_and_never_replaces_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("release.key");
    let public = generate(&path, None).unwrap();
    assert_eq!((files::mode(&path).unwrap(), files::mode(&keys::public_path(&path)).unwrap()), (0o600, 0o644));
    let pem = std::fs::read_to_string(keys::public_path(&path)).unwrap();
    assert_eq!(sealift_trust::PublicKey::from_pem(&pem).unwrap().fingerprint(), public.fingerprint());
    let (good, text) = run(dir.path(), "openssl", &["pkey", "-in", "release.key", "-pubout"]);
    assert!(good && text == pem, "{text}");
    let secret = std::fs::read(&path).unwrap();
    for there in ["release.key", "release.key.pub"] {
        let error = generate(&path, None).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("key.exists", Kind::Conflict));
        assert_eq!(std::fs::read(&path).ok(), (there == "release.key").then(|| secret.clone()));
        std::fs::remove_file(dir.path().join(there)).unwrap();
    }
    let again = generate(&path, None).unwrap();
    assert_ne!(again.fingerprint(), public.fingerprint());
}

#[test]
fn a_key_comes_from_the_first_place_that_names_one() {
    let dir = tempfile::tempdir().unwrap();
    let of = |name: &str| generate(&dir.path().join(name), None).unwrap().fingerprint();
    let (option, variable, config) = (of("option"), of("variable"), of("config"));
    let text = std::fs::read_to_string(dir.path().join("variable")).unwrap();
    let (flag, file) = (Path::new("option"), Path::new("config"));
    let load = |host: &Host, places: Places<'_>| {
        let loaded = keys::load_secret(host, &places);
        loaded.map(|loaded| loaded.map(|loaded| (loaded.key.public().fingerprint(), loaded.source)))
    };
    let all = Places { option: Some(flag), config: Some(file) };
    let no_option = Places { option: None, config: Some(file) };
    let none = Places { option: None, config: None };
    let both = with_env(dir.path(), [("SEALIFT_KEY", "variable"), ("SEALIFT_KEY_PEM", &text)]);
    let path = with_env(dir.path(), [("SEALIFT_KEY", "variable")]);
    let pem = with_env(dir.path(), [("SEALIFT_KEY_PEM", &text)]);
    let empty = with_env(dir.path(), []);
    assert_eq!(load(&both, all).unwrap(), Some((option, KeySource::Option(dir.path().join("option")))));
    assert!(matches!(load(&both, no_option), Err(KeyFileError::TwoSources)));
    assert_eq!(load(&path, no_option).unwrap().unwrap().0, variable);
    assert_eq!(load(&pem, no_option).unwrap(), Some((variable, KeySource::Text)));
    assert_eq!(load(&empty, no_option).unwrap().unwrap().0, config);
    assert_eq!(load(&empty, none).unwrap(), None);
    // A place that names a key which is not there is an error: the next place is not asked.
    let absent = with_env(dir.path(), [("SEALIFT_KEY", "absent")]);
    let error = load(&absent, no_option).unwrap_err();
    assert_eq!(
        (error.code(), error.hint().is_some_and(|hint| hint.starts_with("sealift key generate"))),
        ("key.absent", true)
    );
}

#[test]
fn a_key_that_cannot_be_trusted_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    generate(&path, None).unwrap();
    let host = with_env(dir.path(), []);
    let load = |path: &Path| keys::load_secret(&host, &Places { option: Some(path), config: None });
    for mode in [0o640, 0o604, 0o610, 0o644] {
        files::set_mode(&path, mode).unwrap();
        let error = load(&path).unwrap_err();
        assert_eq!((error.code(), error.hint().unwrap()), ("key.permissions", format!("chmod 600 {}", path.display())));
    }
    files::set_mode(&path, 0o400).unwrap();
    assert!(load(&path).unwrap().is_some());
    // Secrets are mounted as links; what counts is the file.
    std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
    assert!(load(&dir.path().join("link")).unwrap().is_some());
    files::set_mode(&keys::public_path(&path), 0o600).unwrap();
    assert_eq!(load(&keys::public_path(&path)).unwrap_err().code(), "key.secret-wanted");
    assert_eq!(load(dir.path()).unwrap_err().code(), "key.not-a-file");
    for (bytes, code) in
        [(&b"nothing"[..], "key.not-pem"), (&[0xff; 8], "file.not-text"), (&vec![b'x'; 70_000], "file.too-large")]
    {
        let bad = dir.path().join("bad");
        staging::write(&bad, bytes, 0o600).unwrap();
        assert_eq!(load(&bad).unwrap_err().code(), code);
    }
}

#[test]
fn a_passphrase_comes_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let passphrase = Passphrase::new(b"correct horse".to_vec()).unwrap();
    let public = generate(&path, Some(&passphrase)).unwrap();
    let places = Places { option: Some(&path), config: None };
    let right = with_env(dir.path(), [("SEALIFT_KEY_PASSWORD", "correct horse")]);
    let loaded = keys::load_secret(&right, &places).unwrap().unwrap();
    assert_eq!(loaded.key.public().fingerprint(), public.fingerprint());
    for (host, code) in [
        (with_env(dir.path(), [("SEALIFT_KEY_PASSWORD", "wrong")]), "key.passphrase-wrong"),
        (with_env(dir.path(), []), "key.passphrase-missing"),
    ] {
        let error = keys::load_secret(&host, &places).unwrap_err();
        assert_eq!((error.code(), error.hint().unwrap().contains("SEALIFT_KEY_PASSWORD")), (code, true));
        assert!(!format!("{error:?}").contains("wrong\""));
    }
}
