//! What a system's own package manager says is installed: the databases of apk and dpkg, and which system it is.

use std::collections::{BTreeMap, HashSet};

use super::document::{Component, Role};
use super::{license, purl};

/// The most bytes of a database: that of a full desktop has some 15 MB.
pub(super) const DATABASE_CAP: u64 = 32 << 20;

/// The most packages, and the most files of packages that are remembered.
const MOST_PACKAGES: usize = 100_000;
const MOST_FILES: usize = 2_000_000;

/// The longest field that is kept.
const LONGEST: usize = 4096;

/// What one file of an image says about packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `lib/apk/db/installed` (apk-tools, `apk-installed(5)`).
    Apk,
    /// `var/lib/dpkg/status`, or one file of `status.d/` (deb-control(5); distroless images have one for each package).
    Dpkg,
    /// `var/lib/dpkg/info/*.list`: the files of a package, a path on each line.
    Files,
    /// `var/lib/dpkg/status.d/*.md5sums`: the same behind a digest.
    Sums,
    /// `etc/os-release` (os-release(5)).
    System,
}

impl Source {
    /// What a path in an image is, if it is one of these.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/')?;
        Some(match (folder, name) {
            ("lib/apk/db" | "usr/lib/apk/db", "installed") => Self::Apk,
            ("var/lib/dpkg", "status") => Self::Dpkg,
            ("var/lib/dpkg/status.d", name) if name.ends_with(".md5sums") => Self::Sums,
            ("var/lib/dpkg/status.d", _) => Self::Dpkg,
            ("var/lib/dpkg/info", name) if name.ends_with(".list") => Self::Files,
            ("etc" | "usr/lib", "os-release") => Self::System,
            _ => return None,
        })
    }
}

/// What is installed.
#[derive(Debug, Default)]
pub(super) struct Packages {
    installed: BTreeMap<String, Installed>,
    /// Hashes of the paths that packages put there: a path in an image may have any length.
    files: HashSet<u64>,
    system: BTreeMap<String, String>,
    /// Whether something was left out because there was too much of it.
    pub(super) cut: bool,
}

#[derive(Debug)]
struct Installed {
    kind: &'static str,
    name: String,
    version: String,
    arch: String,
    license: Option<String>,
    origin: String,
}

impl Packages {
    /// Takes in what a file says. Lines that are not understood say nothing.
    pub(super) fn take(&mut self, source: Source, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        match source {
            Source::Apk => self.apk(&text),
            Source::Dpkg => self.dpkg(&text),
            Source::Files => text.lines().for_each(|line| self.file(line)),
            Source::Sums => {
                let paths = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
                paths.for_each(|(_, path)| self.file(path.trim_start()));
            }
            // What stands in /etc comes first, wherever it lies in the layers.
            Source::System => {
                for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
                    let value = value.trim().trim_matches(['"', '\'']).to_owned();
                    if value.len() <= LONGEST {
                        self.system.entry(name.trim().to_owned()).or_insert(value);
                    }
                }
            }
        }
    }

    /// Whether a package put a path there. Systems with `/bin` in `/usr/bin` list a file under either.
    pub(super) fn owns(&self, path: &str) -> bool {
        self.files.contains(&key(path))
    }

    /// The packages, and the system that they are of.
    pub(super) fn components(&self) -> Vec<Component> {
        let word = |name: &str| self.system.get(name).map_or("", String::as_str);
        let (id, version) = (word("ID"), word("VERSION_ID"));
        let distro = match (id, version) {
            ("", _) => String::new(),
            (id, "") => id.to_owned(),
            (id, version) => format!("{id}-{version}"),
        };
        let mut all = Vec::new();
        if !id.is_empty() {
            let mut system = Component::new(format!("system:{distro}"), Role::System, id);
            system.version = Some(version.to_owned()).filter(|version| !version.is_empty());
            let title = Some(word("PRETTY_NAME").to_owned()).filter(|title| !title.is_empty());
            system.properties.extend(title.map(|title| ("sealift:system:name".to_owned(), title)));
            all.push(system);
        }
        all.extend(self.installed.iter().map(|(key, one)| {
            let mut part = Component::new(key.clone(), Role::Package, &one.name);
            part.version = Some(one.version.clone());
            // Which of both makes packages of a kind is not always the system's own name (wolfi, apk).
            let vendor = match (one.kind, id) {
                ("deb", "") => "debian",
                ("apk", "") => "alpine",
                (_, id) => id,
            };
            part.purl = Some(purl::package(one.kind, vendor, (&one.name, &one.version), &one.arch, &distro));
            part.license.clone_from(&one.license);
            if !one.origin.is_empty() && one.origin != one.name {
                part.properties.insert("sealift:source-package".to_owned(), one.origin.clone());
            }
            part
        }));
        all
    }

    fn apk(&mut self, text: &str) {
        let mut folder = "";
        let mut fields: BTreeMap<char, &str> = BTreeMap::new();
        for line in text.lines().chain([""]) {
            let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.len() == 1) else {
                if line.is_empty() {
                    self.apk_package(&std::mem::take(&mut fields));
                }
                continue;
            };
            match name {
                "F" => folder = value,
                "R" => self.file(&format!("{folder}/{value}")),
                _ => drop(fields.insert(name.chars().next().unwrap_or_default(), value)),
            }
        }
    }

    fn apk_package(&mut self, fields: &BTreeMap<char, &str>) {
        let field = |name: char| fields.get(&name).copied().unwrap_or_default();
        self.install(Installed {
            kind: "apk",
            name: field('P').to_owned(),
            version: field('V').to_owned(),
            arch: field('A').to_owned(),
            license: license::valid(field('L')),
            origin: field('o').to_owned(),
        });
    }

    fn dpkg(&mut self, text: &str) {
        let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
        for line in text.lines().chain([""]) {
            if line.trim().is_empty() {
                self.dpkg_package(&std::mem::take(&mut fields));
            } else if !line.starts_with([' ', '\t'])
                && let Some((name, value)) = line.split_once(':')
            {
                fields.insert(name, value.trim());
            }
        }
    }

    /// A stanza; one that is removed but for its configuration is not installed.
    fn dpkg_package(&mut self, fields: &BTreeMap<&str, &str>) {
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        if fields.get("Status").is_some_and(|status| status.split(' ').next_back() != Some("installed")) {
            return;
        }
        // `Source: name (version)` where the version is another one.
        let origin = field("Source").split(' ').next().unwrap_or_default();
        self.install(Installed {
            kind: "deb",
            name: field("Package").to_owned(),
            version: field("Version").to_owned(),
            arch: field("Architecture").to_owned(),
            license: None,
            origin: origin.to_owned(),
        });
    }

    fn install(&mut self, one: Installed) {
        let fields = [&one.name, &one.version, &one.arch, &one.origin];
        if one.name.is_empty() || one.version.is_empty() || fields.iter().any(|field| field.len() > LONGEST) {
            return;
        }
        if self.installed.len() >= MOST_PACKAGES {
            self.cut = true;
            return;
        }
        let key = format!("{}:{}@{}:{}", one.kind, one.name, one.version, one.arch);
        self.installed.entry(key).or_insert(one);
    }

    fn file(&mut self, path: &str) {
        if self.files.len() >= MOST_FILES {
            self.cut = true;
        } else {
            self.files.insert(key(path));
        }
    }
}

/// The hash of a path without what leads to the same file on systems with one `/usr`.
fn key(path: &str) -> u64 {
    let plain = path.trim_start_matches(['.', '/']);
    let plain = plain.strip_prefix("usr/").unwrap_or(plain);
    let digest = sealift_trust::Digest::of(plain.as_bytes());
    u64::from_le_bytes(*digest.bytes().first_chunk().expect("a digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(packages: &Packages) -> Vec<(String, Option<String>, Option<String>)> {
        packages.components().into_iter().map(|part| (part.name, part.purl, part.license)).collect()
    }

    #[test]
    fn apk_and_its_files() {
        let mut packages = Packages::default();
        let text = "C:Q1abc=\nP:busybox\nV:1.36.1-r29\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:bin\nR:busybox\na:0:0:755\n\n\
                    P:ssl_client\nV:1.36.1-r29\nA:x86_64\nL:custom words\no:busybox\n";
        packages.take(Source::Apk, text.as_bytes());
        packages.take(Source::System, b"ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n");
        let purl = |name: &str| Some(format!("pkg:apk/alpine/{name}@1.36.1-r29?arch=x86_64&distro=alpine-3.20.3"));
        assert_eq!(
            told(&packages),
            [
                ("alpine".into(), None, None),
                ("busybox".into(), purl("busybox"), Some("GPL-2.0-only".into())),
                ("ssl_client".into(), purl("ssl_client"), None),
            ]
        );
        assert!(packages.owns("bin/busybox") && packages.owns("usr/bin/busybox") && !packages.owns("bin/other"));
        assert_eq!(packages.components()[2].properties["sealift:source-package"], "busybox");
    }

    #[test]
    fn dpkg_as_a_whole_and_one_by_one() {
        let mut packages = Packages::default();
        let text = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u8\n\
                    Description: files\n Package: not-a-field\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n";
        packages.take(Source::Dpkg, text.as_bytes());
        packages.take(Source::Dpkg, b"Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc (2.36)\n");
        packages.take(Source::Files, b"/.\n/usr\n/usr/lib/os-release\n");
        packages.take(Source::Sums, b"d41d8cd98f00b204e9800998ecf8427e  lib/x86_64-linux-gnu/libc.so.6\n");
        let names: Vec<String> = told(&packages).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["base-files", "libc6"]);
        assert_eq!(
            packages.components()[0].purl.as_deref(),
            Some("pkg:deb/debian/base-files@12.4%2Bdeb12u8?arch=amd64")
        );
        assert!(packages.owns("usr/lib/x86_64-linux-gnu/libc.so.6") && packages.owns("lib/os-release"));
    }

    #[test]
    fn which_file_is_what() {
        for (path, source) in [
            ("lib/apk/db/installed", Some(Source::Apk)),
            ("var/lib/dpkg/status", Some(Source::Dpkg)),
            ("var/lib/dpkg/status.d/tzdata", Some(Source::Dpkg)),
            ("var/lib/dpkg/status.d/tzdata.md5sums", Some(Source::Sums)),
            ("var/lib/dpkg/info/libc6:amd64.list", Some(Source::Files)),
            ("usr/lib/os-release", Some(Source::System)),
            ("home/lib/apk/db/installed", None),
            ("status", None),
        ] {
            assert_eq!(Source::of(path), source, "{path}");
        }
    }
}
