//! Images.

mod bad_input;
pub mod base;
mod bases;
mod explain;
mod places;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::sandbox::{EPOCH, Sandbox};

/// Pins bases and no toolchains, which would be fetched.
pub const UPDATE: &[&str] = &["update", "--only", "image"];

/// A document or blob of a layout.
pub fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let bytes = std::fs::read(layout.join("blobs/sha256").join(digest)).unwrap();
    assert_eq!(sealift_trust::Digest::of(&bytes).hex(), digest);
    assert_eq!(bytes.len() as u64, descriptor["size"].as_u64().unwrap());
    bytes
}

pub fn document(layout: &Path, descriptor: &Value) -> Value {
    serde_json::from_slice(&blob(layout, descriptor)).unwrap()
}

/// The only index of a layout.
pub fn index(layout: &Path) -> Value {
    let all: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    assert_eq!(all["manifests"].as_array().unwrap().len(), 1, "{all}");
    document(layout, &all["manifests"][0])
}

/// The manifest for a platform, as `linux/arm/v7`.
pub fn manifest(layout: &Path, platform: &str) -> Value {
    let index = index(layout);
    let is = |entry: &&Value| {
        let part = |name: &str| entry["platform"][name].as_str().map(str::to_owned);
        let parts = [part("os"), part("architecture"), part("variant")];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/") == platform
    };
    let found = index["manifests"].as_array().unwrap().iter().find(is);
    document(layout, found.unwrap_or_else(|| panic!("{platform} is not in {index}")))
}

/// An entry of a layer.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    pub mode: u32,
    pub uid: u64,
    pub mtime: u64,
    pub content: Vec<u8>,
}

/// Entries of a layer by path, folders with a `/` at their end; each only once.
pub fn entries(layout: &Path, layer: &Value) -> BTreeMap<String, Held> {
    let gzip = blob(layout, layer);
    let mut found = BTreeMap::new();
    let mut last = String::new();
    for entry in tar::Archive::new(flate2::bufread::GzDecoder::new(&gzip[..])).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        assert_eq!((header.username_bytes(), header.groupname_bytes()), (Some(&b""[..]), Some(&b""[..])));
        let (mode, uid, mtime) = (header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap());
        assert_eq!(header.gid().unwrap(), uid);
        assert!(path > last, "{path} after {last}");
        last.clone_from(&path);
        found.insert(path, Held { mode, uid, mtime, content });
    }
    found
}

fn layers(manifest: &Value) -> &Vec<Value> {
    manifest["layers"].as_array().unwrap()
}

fn digest_of(run: &str) -> String {
    run.trim().rsplit_once("@sha256:").unwrap_or_else(|| panic!("{run}")).1.to_owned()
}

#[test]
fn an_image_holds_exactly_what_the_plan_names() {
    let sandbox = Sandbox::service();
    sandbox.write("deploy/app.yml", "a: 1\n");
    sandbox.write("deploy/run.sh", "#!/bin/sh\n");
    let script = sandbox.path("deploy/run.sh");
    std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.write(
        "sealift.toml",
        "[project]\nname = \"shop\"\nlicense = \"MIT\"\nsource = \"https://example.com/shop\"\n[image]\nports = [\"8080\"]\nvolumes = [\"/data\"]\nstop-signal = \"SIGINT\"\nworkdir = \"/srv\"\ncmd = [\"--serve\"]\n\
         labels = { \"com.example.team\" = \"shop\" }\nenv = { LOG = \"json\", PATH = \"/usr/bin\" }\n\
         files = { \"/etc/shop/app.yml\" = \"deploy/app.yml\", \"/srv/deploy\" = \"deploy\" }\n",
    );
    // The commit that last changed the program, and not this one.
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.commit("configure");
    let (key, public) = sandbox.key();
    let targets = ["--target", "linux/amd64,linux/arm/v7,windows/amd64"];
    sandbox.ok(&[&["release", "--snapshot", "--key", &key][..], &targets].concat()).quietly();
    sandbox.ok(&["verify", "--key", &public]).quietly();
    sandbox.ok(&[&["plan", "--snapshot"][..], &targets].concat()).quietly();
    let plan = sandbox.json(".sealift/plan.json");
    let mut planned: Vec<&str> =
        plan["images"][0]["holds"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    planned.sort_unstable();
    let layout = sandbox.path("dist/image");
    let service = &plan["services"][0]["stamp"];
    let version = service["version"].as_str().unwrap().to_owned();
    let created =
        std::process::Command::new("date").args(["-u", "-d", &format!("@{EPOCH}"), "+%FT%TZ"]).output().unwrap();
    let created = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    assert_eq!(index(&layout)["manifests"].as_array().unwrap().len(), 2);
    for platform in ["linux/amd64", "linux/arm/v7"] {
        let manifest = manifest(&layout, platform);
        let layers = layers(&manifest);
        assert_eq!(layers.len(), 3);
        let held: Vec<BTreeMap<String, Held>> = layers.iter().map(|layer| entries(&layout, layer)).collect();
        let mut all: Vec<&str> = held.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
        all.sort_unstable();
        assert_eq!(all, planned);
        assert!(held[..2].iter().flat_map(BTreeMap::values).all(|held| held.mtime == 0));
        let program = &held[2]["usr/bin/service"];
        assert_eq!((program.mode, program.uid, program.mtime), (0o755, 0, EPOCH));
        let release = sandbox.json(".sealift/attest.json")["release"].to_string();
        assert!(release.contains(&sealift_trust::Digest::of(&program.content).hex()));
        assert_eq!((held[0]["tmp/"].mode, held[0]["home/nonroot/"].mode), (0o1777, 0o700));
        assert_eq!(held[0]["home/nonroot/"].uid, 65532);
        assert_eq!((held[1]["srv/deploy/run.sh"].mode, held[1]["etc/shop/app.yml"].mode), (0o755, 0o644));
        assert_eq!(held[1]["etc/shop/app.yml"].content, b"a: 1\n");
        let config = document(&layout, &manifest["config"]);
        let run = &config["config"];
        assert_eq!((&run["User"], &run["Entrypoint"][0]), (&"65532:65532".into(), &"/usr/bin/service".into()));
        assert_eq!((&run["WorkingDir"], &run["Cmd"][0]), (&"/srv".into(), &"--serve".into()));
        assert_eq!((&run["StopSignal"], run["Volumes"].get("/data").is_some()), (&"SIGINT".into(), true));
        let env = serde_json::json!(["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "LOG=json", "PATH=/usr/bin"]);
        assert_eq!((&run["Env"], run["ExposedPorts"].get("8080/tcp").is_some()), (&env, true));
        for (label, value) in [
            ("org.opencontainers.image.revision", commit.as_str()),
            ("org.opencontainers.image.licenses", "MIT"),
            ("org.opencontainers.image.title", "service"),
            ("org.opencontainers.image.source", "https://example.com/shop"),
            ("org.opencontainers.image.created", created.as_str()),
            ("org.opencontainers.image.version", version.as_str()),
            ("sealift.builder", concat!("sealift ", env!("CARGO_PKG_VERSION"))),
        ] {
            assert_eq!(run["Labels"][label], value);
            assert_eq!(manifest["annotations"][label], value);
            assert_eq!(index(&layout)["annotations"][label], value);
        }
        assert_eq!(run["Labels"]["com.example.team"], "shop");
    }
    let bundle = &entries(&layout, &layers(&manifest(&layout, "linux/amd64"))[0])["etc/ssl/certs/ca-certificates.crt"];
    let count = String::from_utf8_lossy(&bundle.content).matches("BEGIN CERTIFICATE").count();
    assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
}

#[test]
fn two_builds_anywhere_have_the_same_digests() {
    let targets = ["image", "--target", "linux/amd64,linux/arm/v6,linux/amd64/v3"];
    let first = Sandbox::service();
    let one = digest_of(&first.ok(&targets).stdout);
    let second = Sandbox::service().env("TZ", "Asia/Tokyo").env("LANG", "tr_TR.UTF-8").env("USER", "somebody");
    assert_eq!(digest_of(&second.ok(&targets).stdout), one);
    assert_eq!(first.digests("dist/image"), second.digests("dist/image"));
    let order: Vec<String> = index(&first.path("dist/image"))["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{}/{}", entry["platform"]["architecture"], entry["platform"]["variant"]))
        .collect();
    assert_eq!(order, ["\"amd64\"/null", "\"amd64\"/\"v3\"", "\"arm\"/\"v6\""]);
}

/// Compressed once for both, a program has the same blocks in its archive and in its layer, and either one alone is the
/// same to the last bit.
#[test]
fn archives_and_images_made_together_are_those_made_alone() {
    let (together, archive, image) = (Sandbox::service(), Sandbox::service(), Sandbox::service());
    let (key, _) = together.key();
    let target = ["--target", "linux/amd64"];
    together.ok(&[&["release", "--snapshot", "--key", &key][..], &target].concat()).quietly();
    archive.ok(&[&["package", "--snapshot"][..], &target].concat()).quietly();
    image.ok(&[&["image"][..], &target].concat()).quietly();
    let all = together.digests("dist");
    let (name, digest) = archive.digests("dist").into_iter().find(|(name, _)| name.ends_with(".tar.gz")).unwrap();
    assert_eq!(all[&name], digest);
    assert_eq!(together.digests("dist/image"), image.digests("dist/image"));
    let manifest = manifest(&together.path("dist/image"), "linux/amd64");
    let layer = blob(&together.path("dist/image"), layers(&manifest).last().unwrap());
    let middle = &layer[layer.len() / 2..][..1000];
    let archive = std::fs::read(together.path("dist").join(&name)).unwrap();
    assert!(archive.windows(1000).any(|window| window == middle));
}

#[test]
fn what_no_image_is_made_of_changes_no_image() {
    let sandbox = Sandbox::service();
    let args = ["image", "--target", "linux/amd64"];
    let first = digest_of(&sandbox.ok(&args).stdout);
    sandbox.write("README.md", "another\n");
    sandbox.commit("readme");
    let again = sandbox.ok(&args);
    assert_eq!(digest_of(&again.stdout), first);
    assert!(again.stderr.contains("cached"), "{}", again.stderr);
    sandbox.write("main.go", &format!("{}\n// more\nvar more = 1\n", sandbox.read("main.go")));
    let before = manifest(&sandbox.path("dist/image"), "linux/amd64");
    sandbox.commit("source");
    assert_ne!(digest_of(&sandbox.ok(&args).stdout), first);
    let after = manifest(&sandbox.path("dist/image"), "linux/amd64");
    assert_eq!(layers(&before)[0], layers(&after)[0], "the root files stay");
    assert_ne!(layers(&before)[1], layers(&after)[1]);
}

#[test]
fn a_damaged_layer_is_made_again() {
    let sandbox = Sandbox::service();
    let args = ["image", "--target", "linux/amd64"];
    let first = digest_of(&sandbox.ok(&args).stdout);
    let layer = &layers(&manifest(&sandbox.path("dist/image"), "linux/amd64"))[0]["digest"].clone();
    let hex = layer.as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let stored = sandbox.dir.path().join("cache/blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    std::fs::write(&stored, b"damaged").unwrap();
    let again = sandbox.ok(&args);
    assert_eq!(digest_of(&again.stdout), first);
    assert!(again.stderr.contains("damaged"), "{}", again.stderr);
}

#[test]
fn an_image_over_its_budget_fails_with_its_layers_and_largest_files() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[image]\nbudget = \"1 MB\"\n");
    let run = sandbox.run(&["image", "--target", "linux/amd64"]);
    let run = run.fails(10, "image.budget", &["budget of 1.0 MB", "image.budget", "root files", "/usr/bin/service"]);
    assert!(run.stdout.is_empty() && !sandbox.path("dist").exists(), "{}", run.stdout);
}

#[test]
fn images_can_be_turned_off() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[image]\nplatforms = []\n");
    sandbox.commit("off");
    sandbox.ok(&["release", "--snapshot", "--target", "linux/amd64"]).quietly();
    assert!(!sandbox.path("dist/image").exists());
    sandbox.run(&["image"]).fails(4, "image.none", &["image.platforms"]).quietly();
    sandbox.write("sealift.toml", "");
    sandbox.run(&["image", "--target", "windows/amd64"]).fails(4, "image.none", &[]).quietly();
}

#[test]
fn zstd_and_time_zones_when_asked() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[image]\ncompression = \"zstd\"\ntzdata = true\n");
    sandbox.ok(&["image", "--target", "linux/amd64"]).quietly();
    let layout = sandbox.path("dist/image");
    let manifest = manifest(&layout, "linux/amd64");
    let mut found = Vec::new();
    for layer in layers(&manifest) {
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
        let tar = zstd::stream::decode_all(&blob(&layout, layer)[..]).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        found.extend(archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()));
    }
    for path in ["usr/share/zoneinfo/Europe/Berlin", "usr/share/zoneinfo/UTC", "usr/bin/service"] {
        assert!(found.iter().any(|found| found == path), "{path}");
    }
}
