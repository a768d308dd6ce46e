use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::*;
use crate::dsse::{Envelope, PayloadType};
use crate::json;
use crate::key::SecretKey;
use crate::statement::{Statement, StatementError};

fn release() -> Release {
    Statement::release(crate::statement::tests::release()).and_then(Statement::into_release).expect("a good release")
}

fn manifest() -> Digest {
    Digest::of(b"release.json")
}

/// A release that a job of GitHub made, of every kind of dependency.
fn provenance() -> Provenance {
    let release = release();
    let dependency = |name: &str, uri: Option<&str>, digest| Dependency {
        name: name.to_owned(),
        uri: uri.map(str::to_owned),
        digest,
        annotations: BTreeMap::new(),
    };
    let commit = ResourceDigest::GitCommit(release.commit.clone());
    let (sum, base) = (ResourceDigest::DirHash(Digest::of(b"module")), ResourceDigest::Sha256(Digest::of(b"base")));
    let mut dependencies = vec![
        dependency("source", Some("git+https://example.com/shop.git@refs/tags/v1.2.3-rc.1"), Some(commit)),
        dependency("example.com/log", Some("pkg:golang/example.com/log@v1.0.0"), Some(sum)),
        dependency("alpine:3.22", None, Some(base)),
        Dependency {
            annotations: [("replaced".to_owned(), "by a folder".to_owned())].into(),
            ..dependency("example.com/own", None, None)
        },
    ];
    dependencies.sort();
    let build = |from| BuildStep {
        service: "api".parse().expect("a name"),
        target: "linux/amd64".parse().expect("a target"),
        from,
        upx: false,
    };
    let compiled = Origin::Go {
        toolchain: "go1.26.8".to_owned(),
        folder: ".".to_owned(),
        arguments: ["build", "-trimpath", "-o", "{output}", "."].map(str::to_owned).into(),
        variables: [("GOOS".to_owned(), "linux".to_owned())].into(),
    };
    Provenance {
        subjects: Subject::all(&release, manifest()),
        build_definition: BuildDefinition {
            build_type: BuildType::Sealift1,
            external_parameters: ExternalParameters {
                source: release.source.clone(),
                commit: release.commit.clone(),
                tag: Some("v1.2.3-rc.1".to_owned()),
                version: release.version.clone(),
                snapshot: false,
                modified: false,
                configuration: Some(Digest::of(b"sealift.toml")),
                services: Vec::new(),
                targets: vec!["linux/*".to_owned()],
            },
            internal_parameters: InternalParameters {
                builds: vec![build(compiled), build(Origin::File("bin/worker".to_owned()))],
                archives: vec![ArchiveStep {
                    name: "api_1.2.3_linux_amd64.tar.gz".parse().expect("a name"),
                    codec: "tar.gz level=6".to_owned(),
                }],
                images: vec![ImageStep {
                    service: "api".parse().expect("a name"),
                    base: "alpine:3.22".to_owned(),
                    codec: "tar.gz level=6".to_owned(),
                }],
                environment: Some(Environment {
                    repository: "https://github.com/acme/shop".parse().expect("a URL"),
                    reference: Some("refs/tags/v1.2.3-rc.1".to_owned()),
                    workflow: None,
                    event: Some("push".to_owned()),
                    runner: Some("github-hosted".to_owned()),
                }),
            },
            resolved_dependencies: dependencies,
        },
        run_details: RunDetails {
            builder: Builder {
                id: BuilderId::GithubActions,
                version: [("sealift".to_owned(), "0.1.0".to_owned())].into(),
            },
            metadata: Some(Metadata {
                invocation_id: "https://github.com/acme/shop/actions/runs/7/attempts/1".parse().expect("a URL"),
                finished_on: "2026-01-31T12:30:00Z".parse().expect("a moment"),
            }),
        },
    }
}

/// The same, made on some machine.
fn local() -> Provenance {
    let mut local = provenance();
    local.build_definition.internal_parameters.environment = None;
    local.run_details.metadata = None;
    local.run_details.builder.id = BuilderId::Local;
    local
}

fn payload(provenance: Provenance) -> Vec<u8> {
    Statement::provenance(provenance).and_then(|statement| statement.to_payload()).expect("a good provenance")
}

fn read(payload: &[u8]) -> Result<Statement, StatementError> {
    let key = SecretKey::generate(&Zeroizing::new([1; 32]));
    let envelope = Envelope::sign(PayloadType::InToto, payload.to_vec(), &key).expect("short");
    Statement::parse(&envelope.verify(&[key.public()]).expect("signed"))
}

fn broken(change: impl FnOnce(&mut Provenance)) -> &'static str {
    let mut provenance = provenance();
    change(&mut provenance);
    Statement::provenance(provenance).expect_err("a broken provenance").code()
}

/// The form is a contract with every provenance that was ever signed.
#[test]
fn the_form_is_the_golden_one() {
    let golden = include_bytes!("golden.json").trim_ascii_end();
    let written = payload(provenance());
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(golden));
    assert_eq!(read(golden).and_then(Statement::into_provenance), Ok(provenance()));
    assert_eq!(provenance().is_of(&release(), manifest()), Ok(()));
}

#[test]
fn a_local_run_claims_nothing_hosted() {
    assert!(Statement::provenance(local()).is_ok());
    let text = String::from_utf8(payload(local())).expect("JSON");
    assert!(!text.contains("metadata") && !text.contains("environment") && !text.contains("github"), "{text}");
    assert_eq!(broken(|p| p.run_details.builder.id = BuilderId::Local), "provenance.builder");
    assert_eq!(broken(|p| p.run_details.metadata = None), "provenance.builder");
    assert_eq!(broken(|p| p.build_definition.internal_parameters.environment = None), "provenance.builder");
    let mut hosted = local();
    hosted.run_details.builder.id = BuilderId::GitlabCi;
    assert_eq!(Statement::provenance(hosted).expect_err("without a job").code(), "provenance.builder");
}

#[test]
fn its_parts_agree_with_each_other() {
    assert_eq!(broken(|p| p.subjects.clear()), "provenance.subjects");
    assert_eq!(broken(|p| p.subjects.reverse()), "provenance.subjects");
    let twice = |p: &mut Provenance| p.subjects.push(Subject { digest: manifest(), ..p.subjects[0].clone() });
    assert_eq!(broken(twice), "provenance.subjects");
    assert_eq!(broken(|p| p.build_definition.resolved_dependencies.reverse()), "provenance.dependencies");
    let repeated = |p: &mut Provenance| {
        let again = p.build_definition.resolved_dependencies[0].clone();
        p.build_definition.resolved_dependencies.insert(0, again);
    };
    assert_eq!(broken(repeated), "provenance.dependencies");
    let other = |p: &mut Provenance| {
        p.build_definition.external_parameters.commit = "b".repeat(40).parse().expect("a commit");
    };
    assert_eq!(broken(other), "provenance.source");
}

/// A19: a provenance speaks for one release and no other.
#[test]
fn it_is_of_one_release_alone() {
    let other = |change: &dyn Fn(&mut Release)| {
        let mut release = release();
        change(&mut release);
        provenance().is_of(&release, manifest()).map_err(|error| error.code())
    };
    assert_eq!(other(&|_| {}), Ok(()));
    let refused = Err("provenance.other-release");
    assert_eq!(provenance().is_of(&release(), Digest::of(b"other")).map_err(|error| error.code()), refused);
    assert_eq!(other(&|release| release.artifacts[0].digest = Digest::of(b"other")), refused);
    assert_eq!(other(&|release| drop(release.artifacts.pop())), refused);
    assert_eq!(other(&|release| release.version = "9.9.9".parse().expect("a version")), refused);
    assert_eq!(other(&|release| release.commit = "b".repeat(40).parse().expect("a commit")), refused);
    assert_eq!(other(&|release| release.source = None), refused);
    assert_eq!(other(&|release| release.snapshot = true), refused);
}

/// A25, A26: what was signed for one purpose serves no other.
#[test]
fn a_provenance_is_no_manifest_and_a_manifest_no_provenance() {
    let provenance = Statement::provenance(provenance()).expect("a good provenance");
    assert_eq!(provenance.into_release().map_err(|error| error.code()), Err("statement.other-predicate"));
    let release = Statement::release(release()).expect("a good release");
    assert_eq!(release.into_provenance().map_err(|error| error.code()), Err("statement.other-predicate"));
}

/// A31: whatever else SLSA allows, ours has one form.
#[test]
fn another_form_is_refused() {
    let good = String::from_utf8(payload(provenance())).expect("JSON");
    for (from, to) in [
        (r#""buildType":"urn:sealift:build:1""#, r#""buildType":"urn:sealift:build:2""#),
        ("urn:sealift:builder:github-actions", "https://github.com/actions/runner"),
        (r#""upx":false"#, r#""upx":null"#),
        (r#""upx":false}"#, r#""upx":false,"very":1}"#),
        (r#""services":[],"#, ""),
        ("2026-01-31T12:30:00Z", "2026-01-31T12:30:00+00:00"),
        (r#"{"sha256":""#, r#"{"sha1":"0","sha256":""#),
        (r#"{"dirHash":""#, r#"{"md5":""#),
        (r#""subject":["#, r#""subject":{},"subjects":["#),
    ] {
        assert!(good.contains(from), "{from} is not in {good}");
        assert_eq!(
            read(good.replacen(from, to, 1).as_bytes()).map_err(|error| error.code()),
            Err("statement.json"),
            "{to}"
        );
    }
    assert!(json::parse_canonical(good.as_bytes(), &crate::statement::LIMITS).is_ok());
}
