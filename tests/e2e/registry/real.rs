//! There and back through registries that others wrote: the same digests, and nothing sent twice.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use sealift::config::settings::RegistrySettings;
use sealift::error::Failure;
use sealift::event::Events;
use sealift::host::Host;
use sealift::host::env::Env;
use sealift::oci::{
    Copied, Copy, Descriptor, Index, Layout, Manifest, Platform, Referrers, Repository, Sink, Source, Tag, copy, media,
};
use sealift::registry::{Registry, Retry, Standing};
use sealift_trust::Digest;

use super::program::{Access, Certificates, crane, distribution, in_memory, login, tokens};
use super::proxy::Proxy;
use crate::sandbox::Sandbox;

/// An image for two platforms with three layers of 3 MB, and something about it, as a layout.
fn image(folder: &Path) -> (Layout, Descriptor) {
    let layout = Layout::create(folder).unwrap();
    let blob = |kind: &str, bytes: Vec<u8>| {
        let descriptor = Descriptor::of(kind, &bytes);
        layout.put_blob(&descriptor, &|| Ok(Box::new(std::io::Cursor::new(bytes.clone())))).unwrap();
        descriptor
    };
    let document = |kind: &str, bytes: Vec<u8>| {
        let descriptor = Descriptor::of(kind, &bytes);
        layout.put_document(&descriptor, &bytes).unwrap();
        descriptor
    };
    let layer = |seed: u32| {
        let tar = tar(seed);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        (blob(media::OCI_LAYER_GZIP, gzip.finish().unwrap()), Digest::of(&tar))
    };
    let (shared, shared_tar) = layer(1);
    let manifests = [("amd64", 2), ("arm64", 3)].map(|(architecture, seed)| {
        let (own, own_tar) = layer(seed);
        let config = serde_json::json!({
            "architecture": architecture, "os": "linux",
            "rootfs": { "type": "layers", "diff_ids": [shared_tar.to_string(), own_tar.to_string()] },
        });
        let config = blob(media::OCI_CONFIG, config.to_string().into_bytes());
        let manifest = Manifest::new(config, vec![shared.clone(), own]);
        let platform: Platform = format!("linux/{architecture}").parse().unwrap();
        document(media::OCI_MANIFEST, manifest.encode()).with_platform(platform)
    });
    let index = document(media::OCI_INDEX, Index::new(manifests.to_vec()).encode());
    let empty = blob(media::EMPTY, b"{}".to_vec());
    let mut about = Manifest::new(empty.clone(), vec![empty]);
    about.artifact_type = Some("application/vnd.example".into());
    about.subject = Some(index.bare());
    let about = document(media::OCI_MANIFEST, about.encode());
    layout.set(vec![index.clone(), about]).unwrap();
    (layout, index)
}

/// A tar of one file of 3 MB that hardly compresses.
fn tar(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let bytes: Vec<u8> = (0..3_000_000).map(|_| next()).collect();
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, format!("file{seed}"), bytes.as_slice()).unwrap();
    tar.into_inner().unwrap()
}

/// A way to a registry.
struct Way {
    /// As references name it.
    host: String,
    settings: Vec<RegistrySettings>,
    env: Vec<(String, String)>,
}

impl Way {
    fn to(host: &str) -> Self {
        Self { host: host.to_owned(), settings: Vec::new(), env: Vec::new() }
    }

    fn host(&self) -> Host {
        Host::with_env(Env::of("/".into(), self.env.clone()))
    }

    fn repository(&self) -> Repository {
        format!("{}/team/app", self.host).parse().unwrap()
    }
}

fn registry<'h>(host: &'h Host, way: &Way) -> Registry<'h> {
    let retry = Retry { first: Duration::from_millis(10), ..Retry::default() };
    Registry::new(host, &way.settings, &Events::silent()).with_patience(retry, Duration::from_secs(60))
}

fn with_referrers() -> Copy {
    Copy { referrers: Referrers::Follow, ..Copy::default() }
}

/// There, there again, and back.
fn there_and_back(way: &Way) {
    let dir = tempfile::tempdir().unwrap();
    let (layout, index) = image(&dir.path().join("from"));
    let host = way.host();
    let client = registry(&host, way);
    let remote = client.repository(&way.repository()).unwrap();
    let send = |remote| copy(&index, &layout, remote, &with_referrers(), &Events::silent()).unwrap();
    let first = send(&remote);
    assert_eq!((first.documents, first.blobs), (4, 6), "{first:?}");

    let version: Tag = "1.2.3".parse().unwrap();
    assert_eq!(remote.guard_tag(&version, index.digest).unwrap(), Standing::Free);
    let bytes = layout.document(&index).unwrap();
    remote.move_tag(&version, &index, &bytes).unwrap();
    assert_eq!(remote.guard_tag(&version, index.digest).unwrap(), Standing::Same);
    let other: Descriptor = remote.referrers(index.digest).unwrap().remove(0);
    let refused = remote.guard_tag(&version, other.digest).unwrap_err();
    assert_eq!((refused.code, refused.kind.exit_code()), ("registry.tag-exists", 12));

    // Another client knows nothing of the first one.
    let again = registry(&host, way);
    let remote = again.repository(&way.repository()).unwrap();
    let second = send(&remote);
    assert_eq!((second.documents, second.blobs, second.bytes), (0, 0, 0), "{second:?}");
    assert!(remote.tags().unwrap().contains(&version));
    let found = remote.resolve(&version).unwrap();
    assert_eq!(found.digest, index.digest);
    let back = Layout::create(&dir.path().join("to")).unwrap();
    let Copied { documents, blobs, .. } = copy(&found, &remote, &back, &with_referrers(), &Events::silent()).unwrap();
    assert_eq!((documents, blobs), (4, 6));
    let missing: Tag = "0.0.0".parse().unwrap();
    assert_eq!(remote.resolve(&missing).unwrap_err().code, "registry.not-found");
}

fn refused(way: &Way) -> Failure {
    let host = way.host();
    let client = Registry::new(&host, &way.settings, &Events::silent())
        .with_patience(Retry { tries: 1, ..Retry::default() }, Duration::from_secs(60));
    let remote = client.repository(&way.repository()).unwrap();
    remote.resolve(&"1.2.3".parse().unwrap()).unwrap_err()
}

#[test]
fn through_the_registry_of_go_containerregistry() {
    let program = in_memory();
    let way = Way::to(&program.address);
    there_and_back(&way);
    let home = program.dir.path();
    let reference = format!("{}:1.2.3", way.repository());
    crane(&["validate", "--remote", &reference], home);
}

#[test]
fn through_distribution() {
    let program = distribution(&Access::Open, None, false);
    let way = Way::to(&program.address);
    there_and_back(&way);
    let reference = format!("{}:1.2.3", way.repository());
    let digest = crane(&["digest", &reference], program.dir.path());
    let host = way.host();
    let client = registry(&host, &way);
    let remote = client.repository(&way.repository()).unwrap();
    let found = remote.resolve(&"1.2.3".parse().unwrap()).unwrap();
    assert_eq!(found.digest.to_string(), digest);
    crane(&["validate", "--remote", &reference], program.dir.path());

    // Within one registry blobs are mounted.
    let sibling = client.repository(&way.repository().sibling("team/copy").unwrap()).unwrap();
    let options = Copy { mount_from: Some(way.repository()), ..Copy::default() };
    let copied = copy(&found, &remote, &sibling, &options, &Events::silent()).unwrap();
    assert_eq!((copied.mounted, copied.blobs), (5, 0), "{copied:?}");

    remote.delete(found.digest).unwrap();
    remote.delete(found.digest).unwrap();
    assert_eq!(remote.describe(found.digest).unwrap_err().code, "registry.not-found");
}

#[test]
fn through_distribution_with_passwords_over_tls_of_a_private_authority() {
    let certificates = Certificates::make();
    let program = distribution(&Access::Password, Some(&certificates), false);
    let mut way = Way::to(&program.address);
    way.env = login(&program.address);
    way.settings = vec![RegistrySettings {
        host: program.address.clone(),
        plain_http: Some(false),
        ..RegistrySettings::default()
    }];
    let failure = refused(&way);
    assert_eq!((failure.code, failure.kind.exit_code()), ("http.certificate", 7));
    assert!(failure.hint.unwrap().contains("[[registry]]"));
    way.settings[0].ca = certificates.path("ca.pem");
    there_and_back(&way);
    way.env[2].1 = "wrong".into();
    assert_eq!(refused(&way).code, "registry.unauthorized");
    way.env.clear();
    let failure = refused(&way);
    assert_eq!((failure.code, failure.kind.exit_code()), ("registry.unauthorized", 3));
    assert!(failure.hint.unwrap().contains("docker login"));
}

/// The whole program: its configuration, its environment, its own reading of both.
#[test]
fn sealift_image_pushes_over_tls_with_a_password() {
    let certificates = Certificates::make();
    let program = distribution(&Access::Password, Some(&certificates), false);
    let host = &program.address;
    let sandbox = login(host).iter().fold(Sandbox::service(), |sandbox, (name, value)| sandbox.env(name, value));
    std::fs::copy(certificates.dir.path().join("ca.pem"), sandbox.path("ca.pem")).unwrap();
    sandbox.write(
        "sealift.toml",
        &format!(
            "[image]\nrepository = \"{host}/team/{{service}}\"\n\
             [[registry]]\nhost = \"{host}\"\nca = \"ca.pem\"\n"
        ),
    );
    sandbox.commit("configure");
    sandbox.git(&["tag", "v1.2.3"]);
    let push = ["image", "--target", "linux/amd64,linux/arm64", "--push", "--tag"];
    let pushed = sandbox.ok(&push).stdout;
    let back = sandbox.ok(&["image", "copy", &format!("{host}/team/service:1.2.3"), "oci:back"]).stdout;
    let digest = |text: &str| text.trim().rsplit_once("@sha256:").map(|(_, digest)| digest.to_owned());
    assert!(digest(&pushed).is_some() && digest(&pushed) == digest(&back), "{pushed}\n{back}");
    let sandbox = sandbox.env("SEALIFT_REGISTRY_PASSWORD", "wrong");
    let refused = sandbox.run(&push).fails(3, "registry.unauthorized", &[host]);
    assert!(!refused.stderr.contains("wrong"), "{}", refused.stderr);
}

#[test]
fn through_distribution_that_wants_our_certificate() {
    let certificates = Certificates::make();
    let program = distribution(&Access::Open, Some(&certificates), true);
    let mut way = Way::to(&program.address);
    way.settings = vec![RegistrySettings {
        host: program.address.clone(),
        ca: certificates.path("ca.pem"),
        ..RegistrySettings::default()
    }];
    assert_eq!(refused(&way).code, "http.no-answer");
    way.settings[0].client_cert = certificates.path("client.pem");
    way.settings[0].client_key = certificates.path("client.key");
    there_and_back(&way);
}

#[test]
fn through_distribution_with_tokens_of_another_server() {
    let server = tokens();
    let program = distribution(&Access::Tokens(server.address.clone()), None, false);
    let mut way = Way::to(&program.address);
    way.env = login(&program.address);
    let failure = refused(&way);
    assert_eq!((failure.code, failure.kind.exit_code()), ("registry.realm", 8));
    assert!(failure.hint.unwrap().contains(&format!("realm = \"http://{}\"", server.address)));
    assert!(!server.saw_secret(), "credentials went to a realm that nobody configured");
    let realm = Some(format!("http://{}", server.address));
    way.settings = vec![RegistrySettings { host: program.address.clone(), realm, ..RegistrySettings::default() }];
    there_and_back(&way);
    assert!(server.saw_secret());
    way.env.clear();
    assert_eq!(refused(&way).code, "registry.unauthorized");
}

#[test]
fn through_a_proxy_a_second_push_sends_no_blob() {
    let program = distribution(&Access::Open, None, false);
    let proxy = Proxy::start(program.address.clone(), false);
    let mut way = Way::to("registry.example:5000");
    way.env = vec![("HTTP_PROXY".into(), format!("http://{}", proxy.address))];
    way.settings =
        vec![RegistrySettings { host: way.host.clone(), plain_http: Some(true), ..RegistrySettings::default() }];
    let dir = tempfile::tempdir().unwrap();
    let (layout, index) = image(dir.path());
    let (host, events) = (way.host(), Events::silent());
    for (push, writes) in [("first", true), ("second", false)] {
        let client = registry(&host, &way);
        let remote = client.repository(&way.repository()).unwrap();
        copy(&index, &layout, &remote, &Copy::default(), &events).unwrap();
        let sent = [proxy.count("POST"), proxy.count("PUT"), proxy.count("PATCH")];
        // Five blobs in one piece each, three documents.
        assert_eq!(sent, if writes { [5, 8, 0] } else { [0; 3] }, "{push}");
        let asked = proxy.count("HEAD");
        assert_eq!(asked, if writes { 8 } else { 1 }, "{push}");
        let seen = std::mem::take(&mut *proxy.log.lock().unwrap());
        assert!(seen.iter().all(|(_, target)| target.starts_with("http://registry.example:5000/v2/")), "{seen:?}");
    }
}

#[test]
fn through_a_tunnel_with_passwords_over_tls() {
    let certificates = Certificates::make();
    let program = distribution(&Access::Password, Some(&certificates), false);
    let proxy = Proxy::start(program.address.clone(), false);
    let mut way = Way::to("registry.example:5000");
    way.env = login(&way.host);
    way.env.push(("HTTPS_PROXY".into(), format!("http://{}", proxy.address)));
    way.settings = vec![RegistrySettings {
        host: way.host.clone(),
        ca: certificates.path("ca.pem"),
        ..RegistrySettings::default()
    }];
    there_and_back(&way);
    assert!(
        proxy
            .log
            .lock()
            .unwrap()
            .iter()
            .all(|(method, target)| method == "CONNECT" && target == "registry.example:5000")
    );
}

#[test]
fn a_push_that_is_cut_goes_on() {
    let program = distribution(&Access::Open, None, false);
    let proxy = Proxy::start(program.address.clone(), true);
    let mut way = Way::to("registry.example:5000");
    way.env = vec![("HTTP_PROXY".into(), format!("http://{}", proxy.address))];
    way.settings =
        vec![RegistrySettings { host: way.host.clone(), plain_http: Some(true), ..RegistrySettings::default() }];
    there_and_back(&way);
    assert!(proxy.log.lock().unwrap().iter().any(|(method, target)| method == "GET" && target.contains("/uploads/")));
}
