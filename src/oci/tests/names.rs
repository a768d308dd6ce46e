use proptest::prelude::*;
use sealift_trust::Digest;

use crate::error::Fault;
use crate::oci::{Pinned, Place, Platform, Reference, Repository, Tag};
use crate::target::Target;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn references_are_read_as_docker_reads_them() {
    for (text, shown) in [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.22", "docker.io/library/alpine:3.22"),
        ("nats/server", "docker.io/nats/server:latest"),
        ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("127.0.0.1:5000/a/b__c-d.e:V_1", "127.0.0.1:5000/a/b__c-d.e:V_1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("INDEX.docker.io/alpine", "docker.io/library/alpine:latest"),
        ("Localhost/a", "localhost/a:latest"),
        ("GHCR.io/owner/name", "ghcr.io/owner/name:latest"),
        ("a/b---c", "docker.io/a/b---c:latest"),
        ("test:5000", "docker.io/library/test:5000"),
        ("test:5000/repo", "test:5000/repo:latest"),
        (&format!("ghcr.io/a/b@{D}"), &format!("ghcr.io/a/b@{D}")),
        (&format!("ghcr.io/a/b:1@{D}"), &format!("ghcr.io/a/b@{D}")),
    ] {
        let reference: Reference = text.parse().expect(text);
        assert_eq!(reference.to_string(), *shown, "{text}");
        assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference, "{text}");
    }
    let hub: Repository = "alpine".parse().unwrap();
    assert_eq!((hub.host(), hub.api_host()), ("docker.io", "registry-1.docker.io"));
}

#[test]
fn what_is_no_reference_is_refused() {
    let long = format!("a/{}", "b".repeat(255));
    for text in [
        "",
        ":tag",
        "@",
        "a:",
        "a@",
        "/a",
        "a/",
        "a//b",
        "Alpine",
        "A/a",
        "ghcr.io/Owner/name",
        "a b",
        "a:t ag",
        "a:.tag",
        "a:-tag",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "a._b",
        "../a",
        "ghcr.io/../a",
        "ghcr.io:/a",
        "ghcr.io:0/a",
        "ghcr.io:65536/a",
        "ghcr.io:+1/a",
        "-ghcr.io/a",
        "ghcr..io/a",
        "[::1/a",
        "[::1]x/a",
        "[::g]/a",
        "user@ghcr.io/a",
        "https://ghcr.io/a",
        "a\nb",
        "ä",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        "a@sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a@sha256:../../etc",
        &format!("a:{}", "t".repeat(129)),
        &format!("a@{D}@{D}"),
        &long,
    ] {
        let error = text.parse::<Reference>().expect_err(text);
        assert!(matches!(error.code(), "oci.reference" | "oci.digest"), "{text}: {error}");
    }
}

#[test]
fn only_a_digest_pins() {
    assert_eq!("alpine:3".parse::<Pinned>().unwrap_err().code(), "oci.not-pinned");
    let hinted: Pinned = format!("alpine:3@{D}").parse().unwrap();
    assert_eq!(hinted.hint().map(Tag::as_str), Some("3"));
    assert_eq!(hinted, format!("alpine@{D}").parse().unwrap());
    assert_eq!(Tag::of_referrers(Digest::of(b"")).to_string(), D.replace(':', "-"));
}

#[test]
fn places_are_read() {
    for text in [
        "oci:dist/image",
        "oci:dist/image:1.2.3",
        "oci:/a:ghcr.io/a/b:1",
        "oci-archive:a.tar",
        "docker-archive:a.tar:name:1.2",
        "ghcr.io/a/b:1",
        &format!("oci:a:@{D}"),
    ] {
        assert_eq!(text.parse::<Place>().expect(text).to_string(), *text);
    }
    let registry: Place = "docker://alpine".parse().unwrap();
    assert_eq!(registry.to_string(), "docker.io/library/alpine:latest");
    for text in ["oci:", "oci-archive::name", "oci:a:", "oci:a:b\n", "docker-daemon:a:b", "./a.tar", "dir:/x"] {
        assert_eq!(text.parse::<Place>().expect_err(text).code(), "oci.place", "{text}");
    }
}

#[test]
fn what_goes_without_saying_is_one_platform() {
    let platform = |text: &str| text.parse::<Platform>().unwrap();
    assert!(platform("linux/arm64/v8").is(&platform("linux/arm64")));
    assert!(platform("linux/arm").is(&platform("linux/arm/v7")));
    assert!(platform("linux/amd64").is(&platform("linux/amd64/v1")));
    assert!(!platform("linux/arm/v6").is(&platform("linux/arm")));
    assert!(!platform("linux/amd64/v3").is(&platform("linux/amd64")));
    assert!(!platform("windows/amd64").is(&platform("linux/amd64")));
    for target in crate::target::DEFAULT {
        let platform = Platform::from(&target.parse::<Target>().unwrap());
        assert_eq!(platform.to_string(), target);
    }
    for text in ["", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "linux/am d64", "linux/\u{1b}"] {
        assert_eq!(text.parse::<Platform>().expect_err(text).code(), "oci.platform");
    }
}

proptest! {
    #[test]
    fn what_was_read_reads_back(text in "[a-zA-Z0-9.:/@_\\[\\]-]{1,40}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }
    }

    /// A path of a repository goes into an URL as it is.
    #[test]
    fn a_path_never_leaves_its_url(text in "[a-z0-9./_%?#-]{1,30}") {
        if let Ok(repository) = format!("localhost:5000/{text}").parse::<Repository>() {
            prop_assert!(repository.path().split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            prop_assert!(!repository.path().contains(['%', '?', '#']));
        }
    }
}
