//! A small real release, made by the functions that make every release.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealift::archive::{self, Codec, Content, Format, Member, MemberPath, Mode};
use sealift::artifact::Artifact;
use sealift::attest::{
    Asked, Clean, Contents, Dist, Making, Reach, Sealed, Signer, Signing, Stored, Subject, place, seal,
};
use sealift::event::Events;
use sealift::host::Host;
use sealift::host::env::Env;
use sealift::product::{Archive, ArchiveKind, Binary, Held, ImageIndex};
use sealift::verify::{Judgement, What, verify};
use sealift_trust::statement::Service;
use sealift_trust::{Digest, FileName, Outcome, Policy, SecretKey, SignatureFormat};

/// A release in a temporary folder.
pub struct Made {
    root: tempfile::TempDir,
    pub archives: Vec<Archive>,
    pub images: Vec<ImageIndex>,
    pub binaries: Vec<Binary>,
}

pub fn key(seed: u8) -> SecretKey {
    SecretKey::generate(&zeroize::Zeroizing::new([seed; 32]))
}

pub fn host() -> Host {
    Host::with_env(Env::of(PathBuf::from("/"), Vec::<(String, String)>::new()))
}

pub fn subject(version: &str) -> Subject {
    let commit = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let version: semver::Version = version.parse().unwrap();
    let name = "api".parse().unwrap();
    Subject {
        product: "shop".parse().unwrap(),
        version: version.clone(),
        channel: Some("stable".parse().unwrap()),
        snapshot: false,
        commit: "89abcdef0123456789abcdef0123456789abcdef".parse().unwrap(),
        source: None,
        created: 1_769_860_800,
        services: vec![Service { name, version, commit, modified: None }],
        making: Some(making()),
    }
}

/// As a local run has it that took everything from its own commit.
pub fn making() -> Making {
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

impl Made {
    /// Two archives with a binary each, in the store; nothing in `dist/` yet.
    pub fn store(version: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("store")).unwrap();
        let mut made = Self { root, archives: Vec::new(), images: Vec::new(), binaries: Vec::new() };
        made.pack(version, "linux/amd64", Format::TarGz);
        made.pack(version, "windows/amd64", Format::Zip);
        made
    }

    /// The same, sealed by a key and placed.
    pub fn release(version: &str, signer: &SecretKey) -> Self {
        let made = Self::store(version);
        let sealed = made.sealed(version, Some(signer));
        made.place(&sealed);
        made
    }

    pub fn sealed(&self, version: &str, signer: Option<&SecretKey>) -> Sealed {
        self.sealed_in(version, signer, &[SignatureFormat::Raw], false)
    }

    /// The same with signatures in other formats, and perhaps of each archive.
    pub fn sealed_in(
        &self,
        version: &str,
        signer: Option<&SecretKey>,
        formats: &[SignatureFormat],
        each: bool,
    ) -> Sealed {
        let again = |key: &SecretKey| SecretKey::from_pem(&key.to_pem(None).unwrap(), None).unwrap();
        let signer = signer.map(|key| Signer::Key(again(key)));
        let stored = |name: &FileName| self.stored(name.as_str());
        let each: Option<&dyn Fn(&FileName) -> PathBuf> = if each { Some(&stored) } else { None };
        let signing = signer.as_ref().map(|signer| Signing { signer, formats, each });
        seal(&subject(version), &self.contents(), signing.as_ref()).unwrap()
    }

    pub fn place(&self, sealed: &Sealed) {
        let journal = self.root.path().join("journal.json");
        let dist = Dist { folder: &self.dist(), journal: &journal, reach: Reach::All, clean: Clean::Refuse };
        let archive = |archive: &Archive| self.stored(archive.name.as_str());
        let blob = |digest: Digest| self.stored(&digest.hex());
        let placements = sealed.placements(
            &self.contents(),
            Stored { archive: &archive, sbom: &|_| unreachable!("no SBOMs"), blob: &blob },
        );
        place(&host(), &dist, &placements).unwrap();
    }

    fn contents(&self) -> Contents<'_> {
        Contents {
            archives: &self.archives,
            images: &self.images,
            binaries: &self.binaries,
            notes: None,
            sboms: &[],
            openvex: None,
        }
    }

    pub fn dist(&self) -> PathBuf {
        self.root.path().join("dist")
    }

    pub fn stored(&self, name: &str) -> PathBuf {
        self.root.path().join("store").join(name)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dist().join(name)
    }

    pub fn names(&self) -> Vec<String> {
        sealift::host::files::names(&self.dist()).unwrap()
    }

    pub fn put_back(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        if std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            std::fs::remove_dir(&path).unwrap();
        } else {
            std::fs::remove_file(&path).ok();
        }
        std::fs::write(path, bytes).unwrap();
    }

    /// Puts bytes into the store by their digest.
    pub fn keep(&self, bytes: &[u8]) -> Artifact {
        let artifact = Artifact::of(bytes);
        std::fs::write(self.stored(&artifact.digest().hex()), bytes).unwrap();
        artifact
    }

    /// Every file below `dist/`, by its path there.
    pub fn deep(&self) -> Vec<String> {
        let mut found = Vec::new();
        sealift::host::tree::walk(&self.dist(), &mut |_| true, &mut |path| found.push(path.to_owned())).unwrap();
        found
    }

    pub fn pack(&mut self, version: &str, target: &str, format: Format) {
        let content = format!("program {version} for {target}").into_bytes();
        let target: sealift::target::Target = target.parse().unwrap();
        let program = format!("api{}", target.executable_suffix());
        let member = |path: &str, mode, content: Vec<u8>| Member {
            path: MemberPath::new(path).unwrap(),
            mode,
            content: Content::new(content.len() as u64, Box::new(move || Ok(Box::new(std::io::Cursor::new(content))))),
        };
        let artifact = Artifact::of(&content);
        let members =
            vec![member(&program, Mode::Executable, content), member("LICENSE", Mode::Plain, b"free".to_vec())];
        let mut bytes = Vec::new();
        let written = archive::write(Codec::from(format), 1_769_860_800, members, &mut bytes).unwrap();
        let name = format!("api_{version}_{}.{format}", target.stem());
        std::fs::write(self.stored(&name), &bytes).unwrap();
        let service: sealift_trust::FileName = "api".parse().unwrap();
        let held = Held { path: program, service: service.clone(), digest: artifact.digest(), size: artifact.size() };
        self.archives.push(Archive {
            name: name.parse().unwrap(),
            kind: ArchiveKind::Binaries,
            services: vec![service.clone()],
            target: Some(target.clone()),
            artifact: written.archive,
            media_type: format.media_type().to_owned(),
            holds: vec![held],
        });
        self.binaries.push(Binary { service, version: version.parse().unwrap(), target, artifact });
    }
}

pub fn judge(folder: &Path, signer: &SecretKey) -> Judgement {
    let policy = Policy::implicit(signer.public());
    verify(&host(), &What::Folder(folder.to_owned()), &policy, &Events::silent()).unwrap()
}

/// What a folder is refused with.
pub fn code(folder: &Path, signer: &SecretKey) -> &'static str {
    judge(folder, signer).code().unwrap_or("accepted")
}

/// The codes by which a changed file may be refused: which one depends on the file alone.
pub fn codes(path: &str) -> &'static [&'static str] {
    match path {
        "release.json" => &["verify.envelope", "verify.signature"],
        "checksums.txt" => &["verify.checksums"],
        "provenance.json" => &["verify.provenance"],
        "checksums.txt.sig" | "checksums.txt.minisig" | "checksums.txt.sigstore.json" | "checksums.txt.ssh.sig" => {
            &["verify.checksums-signature"]
        }
        _ if [".sig", ".minisig", ".sigstore.json"].iter().any(|end| path.ends_with(end)) => {
            &["verify.artifact-signature"]
        }
        "image/oci-layout" | "image/index.json" => &["verify.image-layout"],
        _ => &["verify.digest-mismatch", "verify.size-mismatch"],
    }
}

/// Changes (0), removes (1), inserts (2) or appends a byte: refused by the right code with a failed check, and accepted
/// again when the file is as it was.
pub fn refuses_a_changed_byte(made: &Made, path: &str, at: proptest::sample::Index, change: u8, how: u8) {
    let whole = std::fs::read(made.path(path)).unwrap();
    let mut bytes = whole.clone();
    let at = at.index(bytes.len());
    match how {
        0 => bytes[at] ^= change,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, change),
        _ => bytes.push(change),
    }
    std::fs::write(made.path(path), &bytes).unwrap();
    let judgement = judge(&made.dist(), &key(1));
    std::fs::write(made.path(path), &whole).unwrap();
    assert!(judgement.verified.is_none(), "{path} {how} {at}");
    let code = judgement.code().unwrap();
    assert!(codes(path).contains(&code), "{path} {how} {at}: {code}");
    assert!(judgement.checks.iter().any(|check| matches!(check.outcome, Outcome::Failed(_))), "{path} {how} {at}");
    assert_eq!(judge(&made.dist(), &key(1)).code(), None, "{path} {how} {at}");
}
