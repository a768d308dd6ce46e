//! Base images as others make them, written by hand: nothing of sealift takes part.

use std::path::Path;

use sealift_trust::Digest;
use serde_json::{Value, json};

/// A layer: entries of a tar, compressed with gzip.
pub struct Layer {
    pub blob: Vec<u8>,
    pub diff_id: Digest,
}

/// What an entry of a layer is.
pub enum Entry<'a> {
    Folder,
    File(&'a str),
    Bytes(&'a [u8]),
    Link(&'a str),
    HardLink(&'a str),
    Device,
    /// A file of which a PAX record says that it is shorter than its header says.
    TwoSizes(&'a str),
}

pub fn layer(entries: &[(&str, Entry<'_>)]) -> Layer {
    let tar = tar(entries);
    Layer { blob: gzip(&tar), diff_id: Digest::of(&tar) }
}

/// A layer whose blob is as large as what it holds.
pub fn stored(entries: &[(&str, Entry<'_>)]) -> Layer {
    let tar = tar(entries);
    Layer { blob: compressed(&tar, flate2::Compression::none()), diff_id: Digest::of(&tar) }
}

fn tar(entries: &[(&str, Entry<'_>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o755);
        let mut name = [0; 100];
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_ustar_mut().unwrap().name = name;
        let content: &[u8] = match entry {
            Entry::File(content) | Entry::TwoSizes(content) => content.as_bytes(),
            Entry::Bytes(content) => content,
            _ => b"",
        };
        header.set_size(content.len() as u64);
        match entry {
            Entry::Folder => header.set_entry_type(tar::EntryType::Directory),
            Entry::File(_) | Entry::Bytes(_) | Entry::TwoSizes(_) => header.set_entry_type(tar::EntryType::Regular),
            Entry::Link(to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name_literal(to).unwrap();
            }
            Entry::HardLink(to) => {
                header.set_entry_type(tar::EntryType::Link);
                header.set_link_name_literal(to).unwrap();
            }
            Entry::Device => header.set_entry_type(tar::EntryType::Char),
        }
        header.set_cksum();
        if matches!(entry, Entry::TwoSizes(_)) {
            tar.append_pax_extensions([("size", &b"1"[..])]).unwrap();
        }
        tar.append(&header, content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    compressed(bytes, flate2::Compression::best())
}

fn compressed(bytes: &[u8], level: flate2::Compression) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), level);
    std::io::Write::write_all(&mut out, bytes).unwrap();
    out.finish().unwrap()
}

/// Alpine in small: a shell, users, authorities, and `/etc/ssl/cert.pem` as a link.
pub fn alpine(version: &str) -> Vec<Layer> {
    let release = format!("ID=alpine\nVERSION_ID={version}\n");
    vec![layer(&[
        ("bin/", Entry::Folder),
        ("bin/busybox", Entry::File("a shell")),
        ("bin/sh", Entry::Link("/bin/busybox")),
        ("etc/", Entry::Folder),
        ("etc/os-release", Entry::File(&release)),
        ("etc/passwd", Entry::File("root:x:0:0:root:/root:/bin/ash\nnobody:x:65534:65534::/:/sbin/nologin\n")),
        ("etc/group", Entry::File("root:x:0:root\nnobody:x:65534:")),
        ("etc/ssl/", Entry::Folder),
        ("etc/ssl/cert.pem", Entry::Link("certs/ca-certificates.crt")),
        ("etc/ssl/certs/", Entry::Folder),
        ("etc/ssl/certs/ca-certificates.crt", Entry::File("# the base's own\n")),
        ("tmp/", Entry::Folder),
        ("usr/", Entry::Folder),
        ("usr/bin/", Entry::Folder),
        ("usr/bin/wget", Entry::Link("/bin/busybox")),
    ])]
}

/// A distroless one in small: its user is there, in a second layer over the first.
pub fn distroless() -> Vec<Layer> {
    let first = [("./etc/passwd", Entry::File("root:x:0:0::/:/sbin/nologin\n")), ("./etc/group", Entry::File("old"))];
    let users = "root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n";
    let second = [
        ("./etc/passwd", Entry::File(users)),
        ("./etc/.wh.group", Entry::File("")),
        ("./home/nonroot/", Entry::Folder),
    ];
    vec![layer(&first), layer(&second)]
}

/// Writes blobs and what leads to them.
pub struct Maker<'a> {
    dir: &'a Path,
    label: &'a str,
    workdir: &'a str,
}

impl<'a> Maker<'a> {
    pub fn new(dir: &'a Path) -> Self {
        std::fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
        std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { dir, label: "kept", workdir: "" }
    }

    /// The same with another label and another folder in its configuration.
    pub fn configured_anew(self) -> Self {
        Self { label: "new", workdir: "/srv", ..self }
    }

    pub fn put(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        std::fs::write(self.dir.join("blobs/sha256").join(digest.hex()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }

    pub fn document(&self, media_type: &str, document: &Value) -> Value {
        self.put(media_type, &serde_json::to_vec(document).unwrap())
    }

    /// One platform's image.
    pub fn manifest(&self, layers: &[Layer], arch: &str, variant: Option<&str>) -> Value {
        let mut config = json!({
            "architecture": arch,
            "os": "linux",
            "config": {
                "Env": ["PATH=/base/bin", "BASE=1"],
                "Cmd": ["/bin/sh"],
                "Labels": { "base.label": self.label },
                "WorkingDir": self.workdir,
                "Healthcheck": { "Test": ["NONE"] },
            },
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| layer.diff_id).collect::<Vec<_>>() },
            "history": layers.iter().map(|_| json!({ "created_by": "somebody" })).collect::<Vec<_>>(),
        });
        let mut platform = json!({ "architecture": arch, "os": "linux" });
        if let Some(variant) = variant {
            config["variant"] = variant.into();
            platform["variant"] = variant.into();
        }
        let config = self.document("application/vnd.oci.image.config.v1+json", &config);
        let layer = |layer: &Layer| self.put("application/vnd.oci.image.layer.v1.tar+gzip", &layer.blob);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        });
        let mut descriptor = self.document(MANIFEST, &manifest);
        descriptor["platform"] = platform;
        descriptor
    }

    pub fn index(&self, manifests: &[Value]) -> Value {
        self.document(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))
    }

    /// An SBOM about a document.
    pub fn sbom(&self, subject: &Value) -> Value {
        let empty = self.put("application/vnd.oci.empty.v1+json", b"{}");
        let mut subject = subject.clone();
        subject.as_object_mut().unwrap().remove("platform");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/spdx+json",
            "config": empty,
            "layers": [self.put("application/spdx+json", b"{\"spdxVersion\":\"SPDX-2.3\"}")],
            "subject": subject,
        });
        let mut descriptor = self.document(MANIFEST, &manifest);
        descriptor["artifactType"] = "application/spdx+json".into();
        descriptor
    }

    /// Ends with `index.json`: documents, each perhaps under a name.
    pub fn finish(self, entries: &[(&Value, Option<&str>)]) {
        let entry = |(entry, name): &(&Value, Option<&str>)| {
            let mut entry = (*entry).clone();
            if let Some(name) = name {
                entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
            }
            entry
        };
        let index = json!({ "schemaVersion": 2, "manifests": entries.iter().map(entry).collect::<Vec<_>>() });
        std::fs::write(self.dir.join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    }
}

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A layout with an alpine for several platforms, named `3.22`, and an SBOM about it.
pub fn alpine_layout(dir: &Path, version: &str) {
    let maker = Maker::new(dir);
    let layers = alpine(version);
    let manifests = [("amd64", None), ("arm64", Some("v8")), ("arm", Some("v7")), ("386", None)]
        .map(|(arch, variant)| maker.manifest(&layers, arch, variant));
    let index = maker.index(&manifests);
    let sbom = maker.sbom(&index);
    maker.finish(&[(&index, Some("3.22")), (&sbom, None)]);
}
