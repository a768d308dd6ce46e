//! Where images go: archives, layouts, YAML, registries.

use std::process::{Child, Command, Stdio};

use super::UPDATE;
use super::base::{self, Entry, Maker, alpine_layout};
use super::{digest_of, layers, manifest};
use crate::bad_input::mounted;
use crate::sandbox::{Run, Sandbox};

/// A registry of go-containerregistry, which ends with the test.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("crane");
        command.args(["registry", "serve", "--address", &format!("127.0.0.1:{port}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("crane: cargo xtask test");
        let host = format!("127.0.0.1:{port}");
        let registry = Self { child, host };
        for _ in 0..200 {
            if std::net::TcpStream::connect(&registry.host).is_ok() {
                return registry;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the registry does not answer");
    }

    fn crane(&self, args: &[&str]) -> String {
        let output = Command::new("crane").args(args).output().unwrap();
        assert!(output.status.success(), "crane {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn an_image_goes_everywhere_with_one_digest() {
    let sandbox = Sandbox::service();
    let made = digest_of(&sandbox.ok(&["image", "--target", "linux/amd64,linux/arm64"]).stdout);
    let registry = Registry::start();
    let remote = format!("{}/copied", registry.host);
    for (from, to) in [
        ("oci:dist/image:service", "oci-archive:out/a.tar:service"),
        ("oci-archive:out/a.tar", &format!("{remote}:one")),
        (&format!("{remote}:one"), "oci:out/layout:service"),
        (&format!("{remote}@sha256:{made}"), &format!("{}/mounted:two", registry.host)),
    ] {
        std::fs::create_dir_all(sandbox.path("out")).unwrap();
        assert_eq!(digest_of(&sandbox.ok(&["image", "copy", from, to]).stdout), made, "{from} {to}");
    }
    assert_eq!(registry.crane(&["digest", &format!("{remote}:one")]), format!("sha256:{made}"));
    // A tag that says a version stays with its image; any other goes where somebody sends it.
    sandbox.ok(&["image", "copy", "oci:dist/image:service", &format!("{remote}:v1.0.0")]).quietly();
    sandbox.ok(&["image", "copy", "oci:dist/image:service", &format!("{remote}:v1.0.0")]).quietly();
    let other = sandbox.ok(&["image", "--target", "linux/386", "--to", "out/other"]);
    let other = digest_of(&other.stdout);
    let run = sandbox.run(&["image", "copy", "oci:out/other", &format!("{remote}:v1.0.0")]);
    run.fails(12, "registry.tag-exists", &["v1.0.0", &made]).quietly();
    assert_eq!(registry.crane(&["digest", &format!("{remote}:v1.0.0")]), format!("sha256:{made}"));
    sandbox.ok(&["image", "copy", "oci:out/other", &format!("{remote}:moving")]).quietly();
    sandbox.ok(&["image", "copy", "oci:dist/image:service", &format!("{remote}:moving")]).quietly();
    assert_eq!(registry.crane(&["digest", &format!("{remote}:moving")]), format!("sha256:{made}"));
    assert_ne!(other, made);
    registry.crane(&["validate", "--remote", &format!("{}/mounted:two", registry.host)]);
    let run = sandbox.ok(&["image", "copy", "oci:out/layout", "docker-archive:out/d.tar:localhost/service:1"]);
    assert!(run.stderr.contains("docker-archive holds one platform: linux/"), "{}", run.stderr);
    registry.crane(&["validate", "--tarball", sandbox.path("out/d.tar").to_str().unwrap()]);
    let mut layout = sandbox.digests("dist/image");
    layout.remove("index.json");
    let mut copied = sandbox.digests("out/layout");
    copied.remove("index.json");
    assert_eq!(layout, copied);
}

#[test]
fn referrers_come_along_when_asked() {
    let sandbox = Sandbox::service();
    alpine_layout(&sandbox.path("alpine"), "3.22.1");
    sandbox.ok(&["image", "copy", "oci:alpine:3.22", "oci:without:3.22"]).quietly();
    sandbox.ok(&["image", "copy", "--referrers", "oci:alpine:3.22", "oci:with:3.22"]).quietly();
    let all = sandbox.digests("alpine/blobs").len();
    assert_eq!((sandbox.digests("with/blobs").len(), sandbox.digests("without/blobs").len()), (all, all - 3));
}

#[test]
fn pushing_moves_no_tag_and_tags_are_guarded() {
    let registry = Registry::start();
    let sandbox = Sandbox::service();
    let repository = format!("{}/acme/service", registry.host);
    sandbox.write("sealift.toml", &format!("[image]\nrepository = \"{}/acme/{{service}}\"\n", registry.host));
    // What is in the image is of the commit that last changed the program, and so says its tag.
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.commit("configure");
    sandbox.git(&["tag", "v1.2.3"]);
    let args = ["image", "--target", "linux/amd64,linux/386", "--push"];
    let pushed = sandbox.ok(&args);
    let reference = pushed.stdout.trim().to_owned();
    assert!(reference.starts_with(&format!("{repository}@sha256:")), "{reference}");
    registry.crane(&["validate", "--remote", &reference]);
    let tags = || registry.crane(&["ls", &repository]);
    assert!(!tags().contains("latest") && !tags().contains("1.2.3"), "{}", tags());
    let again = sandbox.ok(&args);
    assert!(again.stderr.contains(": 0 blobs sent, "), "{}", again.stderr);
    let tagging = [&args[..], &["--tag"]].concat();
    sandbox.ok(&tagging).quietly();
    let first = format!("v1.2.3-{}", &commit[..12]);
    let mut found: Vec<String> = tags().lines().map(str::to_owned).collect();
    found.retain(|tag| !tag.starts_with("sha256"));
    found.sort();
    assert_eq!(found, ["1", "1.2", "1.2.3", "latest", first.as_str()]);
    for tag in &found {
        let digest = registry.crane(&["digest", &format!("{repository}:{tag}")]);
        assert_eq!(digest, format!("sha256:{}", digest_of(&reference)));
    }
    sandbox.ok(&tagging).quietly();
    // The same version with another content: nothing moves.
    sandbox.write("sealift.toml", &format!("{}user = \"1000\"\n", sandbox.read("sealift.toml")));
    sandbox.commit("changed");
    sandbox.git(&["tag", "-f", "v1.2.3"]);
    sandbox.run(&tagging).fails(12, "registry.tag-exists", &["1.2.3"]).quietly();
    let digest = registry.crane(&["digest", &format!("{repository}:latest")]);
    assert_eq!(digest, format!("sha256:{}", digest_of(&reference)));
}

/// Registries have no compare-and-swap: a tag that two releases move at once leads to one of them afterwards, and
/// whoever sees the other's is told.
#[test]
fn two_releases_of_one_version_at_once() {
    let registry = Registry::start();
    let releases: Vec<Sandbox> = ["1000", "2000"]
        .map(|user| {
            let sandbox = Sandbox::service();
            let repository = format!("{}/acme/service", registry.host);
            let settings = format!("[image]\nrepository = \"{repository}\"\nuser = \"{user}\"\n");
            sandbox.write("sealift.toml", &settings);
            sandbox.commit("configure");
            sandbox.git(&["tag", "v1.2.3"]);
            sandbox.ok(&["image", "--target", "linux/amd64", "--push"]).quietly();
            sandbox
        })
        .into();
    let push = ["image", "--target", "linux/amd64", "--push", "--tag"];
    let started: Vec<Child> = releases
        .iter()
        .map(|sandbox| sandbox.command(&push).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let runs: Vec<Run> = started.into_iter().map(|child| Run::of(&child.wait_with_output().unwrap())).collect();
    let tagged = registry.crane(&["digest", &format!("{}/acme/service:1.2.3", registry.host)]);
    let mut winners = Vec::new();
    for run in &runs {
        let known = ["registry.tag-exists", "registry.tag-moved"].iter().any(|code| run.stderr.contains(code));
        assert!(run.exit == 0 || (run.exit == 12 && known), "exit {}\n{}", run.exit, run.stderr);
        if run.exit == 0 {
            winners.push(format!("sha256:{}", digest_of(run.stdout.lines().next().unwrap())));
        }
    }
    assert!(winners.contains(&tagged) || winners.is_empty(), "{tagged} {winners:?}");
    // Whoever comes later is refused; the one whose tag it is may come as often as he likes.
    let exits: Vec<i32> = releases.iter().map(|sandbox| sandbox.run(&push).exit).collect();
    assert!(exits.contains(&0) && exits.contains(&12), "{exits:?}");
}

#[test]
fn the_disk_is_full_while_a_base_is_pulled() {
    let registry = Registry::start();
    let sandbox = Sandbox::service();
    let dir = sandbox.path("large");
    let maker = Maker::new(&dir);
    // More than the store will have room for, and far more than the program.
    let large = base::stored(&[("large", Entry::File(&"large ".repeat(4 << 20)))]);
    let digest = sealift_trust::Digest::of(&large.blob);
    let one = maker.manifest(&[large], "amd64", None);
    maker.finish(&[(&one, Some("1"))]);
    let base = format!("{}/library/large:1", registry.host);
    sandbox.ok(&["image", "copy", "oci:large:1", &base]).quietly();
    std::fs::remove_dir_all(&dir).unwrap();
    sandbox.write("sealift.toml", &format!("[image]\nbase = \"{base}\"\n"));
    sandbox.ok(UPDATE).quietly();
    let body = "SEALIFT_CACHE=$PWD/small \"$SEALIFT\" image --target linux/amd64; echo \"full $?\"\n\
        find small dist -name '.staged*'; ls -A dist small/stage\n\
        \"$SEALIFT\" image --target linux/amd64 >made && echo \"free $?\"";
    let run = mounted(&sandbox, "mkdir small\nmount -t tmpfs -o size=16m none small", body);
    let shown = format!("{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "full 6\ndist:\n\nsmall/stage:\nfree 0\n", "{shown}");
    assert!(run.stderr.contains("error[file.no-space]") && run.stderr.contains("hint: free some space"), "{shown}");
    let layout = sandbox.path("dist/image");
    assert_eq!(layers(&manifest(&layout, "linux/amd64"))[0]["digest"], digest.to_string());
}

#[test]
fn a_base_comes_from_a_registry() {
    let registry = Registry::start();
    let sandbox = Sandbox::service();
    alpine_layout(&sandbox.path("alpine"), "3.22.1");
    let base = format!("{}/library/alpine:3.22", registry.host);
    sandbox.ok(&["image", "copy", "oci:alpine:3.22", &base]).quietly();
    sandbox.write("sealift.toml", &format!("[image]\nbase = \"{base}\"\n"));
    sandbox.ok(UPDATE).quietly();
    let first = sandbox.ok(&["image", "--host"]);
    let layout = sandbox.path("dist/image");
    assert_eq!(super::index(&layout)["annotations"]["org.opencontainers.image.base.name"], base.as_str());
    drop(registry);
    assert_eq!(sandbox.ok(&["image", "--host"]).stdout, first.stdout, "no network is needed");
}

#[test]
fn services_in_yaml_become_digests() {
    let sandbox = Sandbox::service();
    let yaml = "# sealift://service stays here\nimage: \"sealift://service\" # why\n";
    sandbox.write("deploy/b.yaml", yaml);
    sandbox.write("deploy/sub/a.yml", "---\nx: [sealift://service]\n");
    sandbox.write("deploy/notes.txt", "sealift://nothing");
    sandbox.run(&["image", "resolve", "-f", "deploy"]).fails(4, "image.no-record", &["--push"]).quietly();
    sandbox.write("sealift.toml", "[image]\nrepository = \"ghcr.io/acme/{service}\"\n");
    let made = sandbox.ok(&["image", "--target", "linux/amd64"]).stdout.trim().to_owned();
    assert!(made.starts_with("ghcr.io/acme/service@sha256:"), "{made}");
    let resolved = sandbox.ok(&["image", "resolve", "-f", "deploy"]).stdout;
    let first = format!("# sealift://service stays here\nimage: \"{made}\" # why\n");
    assert_eq!(resolved, format!("{first}---\nx: [{made}]\n"));
    sandbox.ok(&["image", "resolve", "-f", "deploy", "-o", "out"]).quietly();
    assert_eq!((sandbox.read("out/b.yaml"), sandbox.read("deploy/b.yaml")), (first, yaml.to_owned()));
    sandbox.write("deploy/c.yaml", "a: sealift://servic\n");
    let run = sandbox.run(&["image", "resolve", "-f", "deploy/c.yaml"]);
    run.fails(11, "image.unresolved", &["deploy/c.yaml:1", "did you mean sealift://service?"]).quietly();
}

#[test]
fn a_machine_without_podman_and_docker_says_so() {
    let sandbox = Sandbox::service();
    let tools = sandbox.tools(&["git", "go"]);
    let sandbox = sandbox.env("PATH", tools.to_str().unwrap());
    sandbox.run(&["image", "--host", "--load"]).fails(6, "image.no-runtime", &["docker-archive"]).quietly();
}
