use zeroize::Zeroizing;

use super::*;
use crate::dsse::Envelope;
use crate::key::SecretKey;
use crate::name::plain_file;

fn file(name: &str) -> ArtifactName {
    ArtifactName::File(plain_file(name).expect("a file name"))
}

fn artifact(name: &str, kind: ArtifactKind, bytes: &str) -> Artifact {
    let name: ArtifactName = name.parse().expect("a name");
    let (service, target) = match &name {
        ArtifactName::Binary { service, target } | ArtifactName::Image { service, target } => {
            (Some(service.clone()), Some(target.clone()))
        }
        ArtifactName::ImageIndex { service } => (Some(service.clone()), None),
        ArtifactName::File(_) => (None, None),
    };
    let media_type = match kind {
        ArtifactKind::ImageIndex => IMAGE_INDEX,
        ArtifactKind::Image => IMAGE_MANIFEST,
        _ => "application/octet-stream",
    };
    let media_type = media_type.parse().expect("a media type");
    let size = bytes.len() as u64;
    Artifact { name, kind, service, target, digest: Digest::of(bytes.as_bytes()), size, media_type, holds: Vec::new() }
}

/// Two services, an archive each, notes, an image of one of them; not in order.
pub(crate) fn release() -> Release {
    let commit: Commit = "a".repeat(40).parse().expect("a commit");
    let service = |name: &str, modified| {
        let name = plain_file(name).expect("a name");
        Service { name, version: "1.2.3".parse().expect("a version"), commit: commit.clone(), modified }
    };
    let archive = |name: &str, path: &str, binary: &str| {
        let held = Held { path: path.parse().expect("a path"), digest: Digest::of(binary.as_bytes()) };
        Artifact { holds: vec![held], ..artifact(name, ArtifactKind::Archive, name) }
    };
    let image = |name: &str, path: &str, binary: &str| {
        let held = Held { path: path.parse().expect("a path"), digest: Digest::of(binary.as_bytes()) };
        Artifact { holds: vec![held], ..artifact(name, ArtifactKind::Image, name) }
    };
    Release {
        product: plain_file("shop").expect("a name"),
        version: "1.2.3-rc.1+build.5".parse().expect("a version"),
        channel: Some(plain_file("rc").expect("a name")),
        snapshot: false,
        commit: commit.clone(),
        source: Some("https://example.com/shop.git".parse().expect("a URL")),
        created: "2026-01-31T12:00:00Z".parse().expect("a moment"),
        services: vec![service("worker", Some(Digest::of(b"dirty"))), service("api", None)],
        artifacts: vec![
            artifact("notes.md", ArtifactKind::Notes, "notes"),
            archive("worker_1.2.3_linux_arm_v7.tar.gz", "worker/bin/worker", "worker"),
            archive("api_1.2.3_linux_amd64.tar.gz", "api", "api"),
            artifact("binary:worker/linux/arm/v7", ArtifactKind::Binary, "worker"),
            artifact("binary:api/linux/amd64", ArtifactKind::Binary, "api"),
            image("image:api/linux/amd64", "usr/bin/api", "api"),
            artifact("image:api", ArtifactKind::ImageIndex, "index of api"),
        ],
        companions: ["checksums.txt.sig", "checksums.txt"].map(|name| plain_file(name).expect("a name")).to_vec(),
    }
}

fn opened(payload: Vec<u8>) -> Opened {
    let key = SecretKey::generate(&Zeroizing::new([1; 32]));
    let envelope = Envelope::sign(PayloadType::InToto, payload, &key).expect("short");
    envelope.verify(&[key.public()]).expect("signed")
}

fn payload() -> Vec<u8> {
    Statement::release(release()).and_then(|statement| statement.to_payload()).expect("a good release")
}

/// What a statement with changed JSON is refused with.
fn refused(change: impl FnOnce(&mut json::Object)) -> &'static str {
    let Value::Object(mut members) = json::parse(&payload(), &LIMITS).expect("ours") else { panic!("an object") };
    change(&mut members);
    code(&json::canonical(&Value::Object(members)))
}

fn code(payload: &[u8]) -> &'static str {
    match Statement::parse(&opened(payload.to_vec())) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(payload)),
        Err(error) => error.code(),
    }
}

/// What a release with a change in it is refused with.
fn broken(change: impl FnOnce(&mut Release)) -> &'static str {
    let mut release = release();
    change(&mut release);
    Statement::release(release).expect_err("a broken release").code()
}

fn predicate(members: &mut json::Object) -> &mut json::Object {
    let Some(Value::Object(predicate)) = members.get_mut("predicate") else { panic!("a predicate") };
    predicate
}

fn list<'a>(members: &'a mut json::Object, name: &str) -> &'a mut Vec<Value> {
    let Some(Value::Array(items)) = members.get_mut(name) else { panic!("{name}") };
    items
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn a_release_survives_its_payload() {
    let statement = Statement::release(release()).expect("a good release");
    let payload = statement.to_payload().expect("a payload");
    assert_eq!(Statement::parse(&opened(payload.clone())), Ok(statement.clone()));
    assert_eq!(statement.digest(), Ok(Digest::of(&payload)));
    let sorted = statement.into_release().expect("a release");
    let names: Vec<_> = sorted.artifacts.iter().map(|artifact| artifact.name.to_string()).collect();
    assert!(names.is_sorted() && names.len() == 7);
    assert_eq!(sorted.artifact(&file("notes.md")).map(|artifact| artifact.size), Some(5));
    assert_eq!(sorted.artifact(&file("missing")), None);
    assert_eq!(sorted.files().count(), 3);
    let (api, worker) = (plain_file("api").expect("a name"), plain_file("worker").expect("a name"));
    assert_eq!(sorted.image_indexes().map(|(service, _)| service).collect::<Vec<_>>(), [&api]);
    let targets = |service| sorted.images(service).map(|(target, _)| target.to_string()).collect::<Vec<_>>();
    assert_eq!((targets(&api), targets(&worker).len()), (vec!["linux/amd64".to_owned()], 0));
}

/// The form is a contract with every manifest that was ever signed.
#[test]
fn the_form_does_not_change_by_accident() {
    let text = String::from_utf8(payload()).expect("JSON");
    assert!(
        text.starts_with(r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"artifacts":[{"digest":"sha256:"#)
    );
    assert!(
        text.contains(r#","name":"binary:worker/linux/arm/v7","service":"worker","size":6,"target":"linux/arm/v7"}"#)
    );
    assert!(text.contains(r#","kind":"image-index","mediaType":"application/vnd.oci.image.index.v1+json","name":"image:api","service":"api","size":12}"#));
    assert!(text.contains(r#","kind":"image","mediaType":"application/vnd.oci.image.manifest.v1+json","name":"image:api/linux/amd64","service":"api","size":21,"target":"linux/amd64"}"#));
    assert!(text.contains(r#""companions":["checksums.txt","checksums.txt.sig"],"created":"2026-01-31T12:00:00Z","product":"shop","services":[{"#));
    assert!(text.contains(r#""snapshot":false,"source":"https://example.com/shop.git","version":"1.2.3-rc.1+build.5"},"predicateType":"urn:sealift:release:1","subject":[{"digest":{"sha256":""#));
}

/// A26: the types are compared before anything else is used, hence also when all else is wrong.
#[test]
fn an_unknown_type_is_refused_first() {
    assert_eq!(
        code(br#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"urn:other:1","x":1}"#),
        "statement.predicate-type"
    );
    assert_eq!(
        code(br#"{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"urn:sealift:release:1"}"#),
        "statement.type"
    );
    assert_eq!(
        refused(|m| drop(m.insert("predicateType".into(), text("urn:sealift:release:2")))),
        "statement.predicate-type"
    );
    assert_eq!(refused(|m| drop(m.remove("predicateType"))), "statement.predicate-type");
    assert_eq!(refused(|m| drop(m.remove("_type"))), "statement.type");
    assert_eq!(refused(|m| drop(m.insert("_type".into(), Value::Null))), "statement.type");
    assert_eq!(code(b"[]"), "statement.type");
}

/// A31.
#[test]
fn json_that_is_not_ours_is_refused() {
    let good = String::from_utf8(payload()).expect("JSON");
    for bad in [
        format!("{good}\n"),
        good.replace("\"snapshot\":false", "\"snapshot\": false"),
        good.replace("\"snapshot\":false", "\"snapshot\":false,\"snapshot\":false"),
        good.replace("\"size\":6", "\"size\":6.0"),
        good.replace("notes.md", "notes\\u002emd"),
        good[..good.len() - 1].to_owned(),
    ] {
        assert_ne!(bad, good);
        assert_eq!(code(bad.as_bytes()), "statement.json");
    }
}

#[test]
fn members_that_a_lenient_reader_would_take_are_refused() {
    let all = [
        refused(|m| drop(m.insert("extra".into(), Value::Null))),
        refused(|m| drop(predicate(m).insert("extra".into(), Value::Null))),
        refused(|m| drop(predicate(m).insert("channel".into(), Value::Null))),
        refused(|m| drop(predicate(m).insert("snapshot".into(), Value::Integer(0)))),
        refused(|m| drop(predicate(m).remove("companions"))),
        refused(|m| drop(predicate(m).insert("version".into(), text("v1.2.3")))),
        refused(|m| drop(predicate(m).insert("product".into(), text("../shop")))),
        refused(|m| drop(predicate(m).insert("commit".into(), text("HEAD")))),
        refused(|m| drop(predicate(m).insert("created".into(), text("2026-01-31T12:00:00+01:00")))),
        // A derived reader takes the members of a struct from an array too.
        refused(|m| {
            list(predicate(m), "services")[0] =
                Value::Array(vec![text("api"), text("1.2.3"), text(&"a".repeat(40)), Value::Null])
        }),
        refused(|m| {
            let Value::Object(first) = &mut list(predicate(m), "artifacts")[3] else { panic!("an artifact") };
            first.insert("holds".into(), Value::Array(Vec::new()));
        }),
        refused(|m| {
            let Value::Object(first) = &mut list(predicate(m), "artifacts")[0] else { panic!("an artifact") };
            first.insert("kind".into(), text("firmware"));
        }),
        refused(|m| {
            let Value::Object(first) = &mut list(predicate(m), "artifacts")[0] else { panic!("an artifact") };
            first.insert("size".into(), Value::Integer(-1));
        }),
    ];
    assert_eq!(all, ["statement.json"; 13]);
}

#[test]
fn subjects_are_the_artifacts_in_their_order() {
    assert_eq!(refused(|m| drop(list(m, "subject").pop())), "statement.subjects");
    assert_eq!(refused(|m| list(m, "subject").clear()), "statement.subjects");
    assert_eq!(refused(|m| list(m, "subject").swap(0, 1)), "statement.subjects");
    assert_eq!(
        refused(|m| {
            let last = list(m, "subject")[6].clone();
            list(m, "subject").push(last);
        }),
        "statement.subjects"
    );
    assert_eq!(
        refused(|m| {
            let Value::Object(first) = &mut list(m, "subject")[0] else { panic!("a subject") };
            first.insert("digest".into(), Value::Object([("sha256".to_owned(), text(&"0".repeat(64)))].into()));
        }),
        "statement.subjects"
    );
    assert_eq!(refused(|m| drop(list(predicate(m), "artifacts").pop())), "statement.subjects");
}

#[test]
fn lists_that_are_not_sorted_are_refused_when_read() {
    assert_eq!(refused(|m| list(predicate(m), "services").swap(0, 1)), "statement.order");
    assert_eq!(refused(|m| list(predicate(m), "companions").swap(0, 1)), "statement.order");
    assert_eq!(
        refused(|m| {
            list(predicate(m), "artifacts").swap(0, 1);
            list(m, "subject").swap(0, 1);
        }),
        "statement.order"
    );
}

#[test]
fn names_are_unique_also_where_case_is_ignored() {
    assert_eq!(broken(|r| r.artifacts.push(r.artifacts[0].clone())), "statement.order");
    assert_eq!(broken(|r| r.services.push(r.services[0].clone())), "statement.order");
    assert_eq!(broken(|r| r.companions.push(r.companions[0].clone())), "statement.order");
    assert_eq!(broken(|r| r.artifacts[1].holds.extend_from_within(..)), "statement.order");
    assert_eq!(broken(|r| r.artifacts.push(artifact("NOTES.md", ArtifactKind::Notes, ""))), "statement.same-file");
    assert_eq!(broken(|r| r.companions.push(plain_file("notes.MD").unwrap())), "statement.same-file");
    assert_eq!(broken(|r| r.companions.push(plain_file("Release.json").unwrap())), "statement.manifest-name");
    assert_eq!(
        broken(|r| r.artifacts.push(artifact("release.json", ArtifactKind::Notes, ""))),
        "statement.manifest-name"
    );
}

#[test]
fn every_binary_is_held_and_nothing_else_is() {
    assert_eq!(broken(|r| r.artifacts[1].holds.clear()), "statement.not-held");
    assert_eq!(broken(|r| r.artifacts[1].holds[0].digest = Digest::of(b"stranger")), "statement.holds-stranger");
    assert_eq!(broken(|r| drop(r.artifacts.remove(4))), "statement.holds-stranger");
    assert_eq!(broken(|r| r.artifacts[0].holds = r.artifacts[1].holds.clone()), "statement.cannot-hold");
}

#[test]
fn kind_name_service_and_target_fit_each_other() {
    assert_eq!(broken(|r| r.artifacts[0].kind = ArtifactKind::Binary), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[4].kind = ArtifactKind::Notes), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[4].service = None), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[4].target = Some("linux/arm64".parse().unwrap())), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[0].service = Some(plain_file("other").unwrap())), "statement.no-such-service");
    assert_eq!(broken(|r| r.artifacts[0].size = 1 << 53), "statement.size");
    for kind in [ArtifactKind::Image, ArtifactKind::ImageIndex] {
        assert_eq!(broken(|r| r.artifacts[0].kind = kind), "statement.naming");
        assert_eq!(broken(|r| r.artifacts[4].kind = kind), "statement.naming");
    }
    assert_eq!(broken(|r| r.artifacts[5].kind = ArtifactKind::ImageIndex), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[5].target = Some("linux/arm64".parse().unwrap())), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[6].kind = ArtifactKind::Image), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[6].target = Some("linux/amd64".parse().unwrap())), "statement.naming");
    assert_eq!(broken(|r| r.artifacts[6].service = None), "statement.naming");
}

#[test]
fn an_image_is_indexed_and_holds_the_binary_of_its_own() {
    let worker = |r: &mut Release| {
        let mut image = artifact("image:worker/linux/arm/v7", ArtifactKind::Image, "worker");
        image.holds = r.artifacts[1].holds.clone();
        r.artifacts.extend([image, artifact("image:worker", ArtifactKind::ImageIndex, "index of worker")]);
    };
    let mut both = release();
    worker(&mut both);
    Statement::release(both.clone()).expect("a good release");
    // A binary that is in an image alone is present.
    both.artifacts.remove(1);
    Statement::release(both).expect("a good release");

    assert_eq!(broken(|r| r.artifacts[5].holds.clear()), "statement.holds-nothing");
    assert_eq!(broken(|r| r.artifacts[5].holds[0].digest = Digest::of(b"worker")), "statement.holds-other");
    assert_eq!(broken(|r| r.artifacts[5].holds[0].digest = Digest::of(b"stranger")), "statement.holds-stranger");
    let one_of_two = |r: &mut Release| {
        let held = Held { path: "usr/bin/worker".parse().unwrap(), digest: Digest::of(b"worker") };
        r.artifacts[5].holds.push(held);
    };
    assert_eq!(broken(one_of_two), "statement.holds-other");
    assert_eq!(broken(|r| drop(r.artifacts.remove(5))), "statement.index-alone");
    assert_eq!(broken(|r| drop(r.artifacts.remove(6))), "statement.index-alone");
    assert_eq!(broken(|r| r.artifacts[6].holds = r.artifacts[5].holds.clone()), "statement.cannot-hold");
    assert_eq!(broken(|r| r.artifacts[5].media_type = IMAGE_INDEX.parse().unwrap()), "statement.image-type");
    assert_eq!(broken(|r| r.artifacts[6].media_type = IMAGE_MANIFEST.parse().unwrap()), "statement.image-type");
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    assert_eq!(broken(|r| r.artifacts[5].media_type = docker.parse().unwrap()), "statement.image-type");
}

#[test]
fn the_folder_of_images_is_no_file() {
    let named = |r: &mut Release| r.artifacts.push(artifact("Image", ArtifactKind::Notes, ""));
    assert_eq!(broken(named), "statement.layout-name");
    assert_eq!(broken(|r| r.companions.push(plain_file("image").unwrap())), "statement.layout-name");
    let mut without = release();
    without.artifacts.truncate(5);
    named(&mut without);
    Statement::release(without).expect("no images, no folder");
}

#[test]
fn a_release_is_neither_empty_nor_endless() {
    assert_eq!(broken(|r| r.artifacts.clear()), "statement.nothing");
    assert_eq!(broken(|r| r.artifacts = vec![r.artifacts[0].clone(); MAX_ENTRIES + 1]), "statement.too-many");
    assert_eq!(broken(|r| r.services = vec![r.services[0].clone(); MAX_ENTRIES + 1]), "statement.too-many");
    assert_eq!(broken(|r| r.companions = vec![r.companions[0].clone(); MAX_ENTRIES + 1]), "statement.too-many");
    assert_eq!(
        broken(|r| r.artifacts[1].holds = vec![r.artifacts[1].holds[0].clone(); MAX_ENTRIES + 1]),
        "statement.too-many"
    );
}

#[test]
fn names_of_artifacts_are_files_binaries_or_images() {
    for name in ["binary:api/linux/arm/v7", "api.tar.gz", "image:api", "image:api/linux/amd64/v3"] {
        assert_eq!(name.parse::<ArtifactName>().map(|parsed| parsed.to_string()), Ok(name.to_owned()));
    }
    for (name, code) in [
        ("binary:api", "statement.binary-name"),
        ("binary:/linux/amd64", "name.empty"),
        ("binary:../linux/amd64", "name.edge"),
        ("binary:api/linux", "statement.term"),
        ("binary:api/linux/arm/v7/x", "statement.term"),
        ("binary:api/../x", "statement.term"),
        ("Binary:api/linux/amd64", "name.character"),
        ("image:", "name.empty"),
        ("image:api/", "statement.term"),
        ("image:api/linux", "statement.term"),
        ("image:a:b", "name.character"),
        ("image:../linux/amd64", "name.edge"),
        ("Image:api", "name.character"),
        ("../api", "name.character"),
    ] {
        assert_eq!(name.parse::<ArtifactName>().unwrap_err().code(), code, "{name}");
    }
}

#[test]
fn terms_are_what_they_say() {
    let good = |holds: bool, text: &str| assert!(holds, "{text}");
    for text in ["https://example.com/a", "ssh://git@example.com:22/a.git", "git+ssh://h/x?y#z"] {
        good(text.parse::<SourceUrl>().is_ok(), text);
    }
    for text in [
        "",
        "example.com",
        "https://",
        "https:///x",
        "https://u:p@h/x",
        "https://token@h/x",
        "https://h/ x",
        "https://h/\u{e9}",
        "https://h/<x>",
        "1http://h",
        &format!("https://{}", "x".repeat(2048)),
    ] {
        good(text.parse::<SourceUrl>().is_err(), text);
    }
    for text in ["a", "A/b", "a/b;c=d", "a/", "/a", "a/b/c", "", ".a/b", "a/b c"] {
        good(text.parse::<MediaType>().is_err(), text);
    }
    good("application/vnd.oci.image.index.v1+json".parse::<MediaType>().is_ok(), "an OCI index");
    for text in ["", "a".repeat(39).as_str(), &"A".repeat(40), &"g".repeat(40), &"a".repeat(63)] {
        good(text.parse::<Commit>().is_err(), text);
    }
    good("a".repeat(64).parse::<Commit>().is_ok(), "SHA-256");
    for text in ["linux", "linux/", "Linux/amd64", "linux/amd64\n", "-linux/amd64", "a/b/c/d"] {
        good(text.parse::<TargetName>().is_err(), text);
    }
}

#[test]
fn moments_are_checked_against_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (68_255_999, "1972-02-29T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_000_000_000, "2001-09-09T01:46:40Z"),
        (4_102_444_800, "2100-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(Timestamp::from_unix(seconds).map(|moment| moment.to_string()), Some(text.to_owned()));
        assert_eq!(text.parse::<Timestamp>().map(|moment| moment.unix()), Ok(seconds));
    }
    assert_eq!(Timestamp::from_unix(253_402_300_800), None);
    for text in [
        "1969-12-31T23:59:59Z",
        "2100-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00.0Z",
        "2026-01-01T00:00:00",
        "+026-01-01T00:00:00Z",
        "２026-01-01T00:00Z",
        "",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn every_second_survives_its_text(seconds in 0_u64..253_402_300_800) {
        let moment = Timestamp::from_unix(seconds).expect("before the year 10000");
        proptest::prop_assert_eq!(moment.to_string().parse::<Timestamp>().map(|again| again.unix()), Ok(seconds));
    }

    /// Whatever text is taken for a name is written as it was read, so that no two texts are one name.
    #[test]
    fn a_name_that_is_read_is_written_alike(prefix in "(image:|binary:)?", rest in "[a-z.:/ -]{0,12}(/linux/amd64)?") {
        let text = format!("{prefix}{rest}");
        if let Ok(name) = text.parse::<ArtifactName>() {
            proptest::prop_assert_eq!(name.to_string(), text.clone());
            proptest::prop_assert_eq!(name.file().is_none(), text.contains(':'));
        }
    }
}
