//! A release with images is accepted as it was made, and in no other form: not with other bytes, and not when what is
//! signed contradicts itself.

use std::io::Read;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use sealift::archive::{self, Codec, Content, Format, Member, MemberPath, Mode};
use sealift::artifact::Artifact;
use sealift::event::Events;
use sealift::oci::{Descriptor, ImageConfig, Index, Manifest, Platform, media};
use sealift::product::{Held, Image, ImageIndex};
use sealift::verify::{What, verify};
use sealift_trust::{CheckName, Digest, Outcome, Policy};

use crate::fixture::{Made, code, codes, host, judge, key, refuses_a_changed_byte};

/// A layer, packed and unpacked.
struct Layer {
    media_type: &'static str,
    packed: Vec<u8>,
    diff_id: Digest,
}

/// A layer with these files.
fn layer(media_type: &'static str, files: &[(&str, Vec<u8>)]) -> Layer {
    let member = |(path, content): &(&str, Vec<u8>)| {
        let content = content.clone();
        Member {
            path: MemberPath::new(path).unwrap(),
            mode: Mode::Executable,
            content: Content::new(content.len() as u64, Box::new(move || Ok(Box::new(std::io::Cursor::new(content))))),
        }
    };
    let write = |format: Format| {
        let mut bytes = Vec::new();
        archive::write(Codec::from(format), 0, files.iter().map(member).collect(), &mut bytes).unwrap();
        bytes
    };
    let gzip = write(Format::TarGz);
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut tar).unwrap();
    let diff_id = Digest::of(&tar);
    let packed = match media_type {
        media::OCI_LAYER_ZSTD => write(Format::TarZst),
        media::OCI_LAYER_TAR => tar,
        _ => gzip,
    };
    Layer { media_type, packed, diff_id }
}

/// An image before its documents are written.
struct Draft {
    target: &'static str,
    config: ImageConfig,
    layers: Vec<Layer>,
    manifest: fn(&mut Manifest),
    held: &'static str,
}

/// A release before its images are made.
struct Drafts {
    images: Vec<Draft>,
    index: fn(&mut Index),
}

const PROGRAM: &str = "usr/bin/api";

fn program(target: &str) -> Vec<u8> {
    format!("program 1.2.3 for {target}").into_bytes()
}

/// Images for two platforms that share a layer, in all compressions.
fn drafts() -> Drafts {
    let draft = |target: &'static str, form| {
        let target_value: sealift::target::Target = target.parse().unwrap();
        let root = layer(media::OCI_LAYER_GZIP, &[("etc/passwd", b"root".to_vec()), (PROGRAM, b"older".to_vec())]);
        let files = layer(media::OCI_LAYER_TAR, &[("etc/motd", target.as_bytes().to_vec())]);
        let binary = layer(form, &[(PROGRAM, program(target))]);
        let config = ImageConfig::new(&Platform::from(&target_value));
        Draft { target, config, layers: vec![root, files, binary], manifest: |_| {}, held: PROGRAM }
    };
    Drafts {
        images: vec![draft("linux/amd64", media::OCI_LAYER_GZIP), draft("linux/arm64", media::OCI_LAYER_ZSTD)],
        index: |_| {},
    }
}

/// The release that these images are of.
fn release(drafts: Drafts) -> Made {
    let mut made = Made::store("1.2.3");
    made.pack("1.2.3", "linux/arm64", Format::TarGz);
    let service: sealift_trust::FileName = "api".parse().unwrap();
    let (mut images, mut entries) = (Vec::new(), Vec::new());
    for draft in drafts.images {
        let Draft { target, mut config, layers, manifest: edit, held } = draft;
        if config.rootfs.diff_ids.is_empty() {
            config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id).collect();
        }
        let config = config.encode();
        let layers: Vec<(Descriptor, Artifact)> = layers
            .iter()
            .map(|layer| (Descriptor::of(layer.media_type, &layer.packed), made.keep(&layer.packed)))
            .collect();
        let described = layers.iter().map(|(descriptor, _)| descriptor.clone()).collect();
        let mut manifest = Manifest::new(Descriptor::of(media::OCI_CONFIG, &config), described);
        edit(&mut manifest);
        let manifest = manifest.encode();
        let target: sealift::target::Target = target.parse().unwrap();
        entries.push(Descriptor::of(media::OCI_MANIFEST, &manifest).with_platform(Platform::from(&target)));
        let binary = made.binaries.iter().find(|binary| binary.target == target).unwrap().artifact;
        let held = Held { path: held.into(), service: service.clone(), digest: binary.digest(), size: binary.size() };
        images.push(Image {
            service: service.clone(),
            target,
            artifact: made.keep(&manifest),
            media_type: media::OCI_MANIFEST.into(),
            config: made.keep(&config),
            layers: layers.into_iter().map(|(_, artifact)| artifact).collect(),
            holds: vec![held],
        });
    }
    let mut index = Index::new(entries);
    (drafts.index)(&mut index);
    let artifact = made.keep(&index.encode());
    made.images = vec![ImageIndex { service, artifact, media_type: media::OCI_INDEX.into(), images }];
    made.place(&made.sealed("1.2.3", Some(&key(1))));
    made
}

fn outcome(made: &Made, name: CheckName) -> Outcome {
    let judgement = judge(&made.dist(), &key(1));
    judgement.checks.into_iter().find(|check| check.name == name).unwrap().outcome
}

/// What a release is refused with when a draft of it was changed.
fn drafted(change: impl FnOnce(&mut Drafts)) -> String {
    let mut drafts = drafts();
    change(&mut drafts);
    let made = release(drafts);
    let judgement = judge(&made.dist(), &key(1));
    let code = judgement.code().unwrap_or("accepted").to_owned();
    judgement.flaws.iter().fold(code, |told, flaw| format!("{told}: {flaw}"))
}

#[test]
fn a_release_with_images_is_accepted_as_it_was_made() {
    let made = release(drafts());
    let judgement = judge(&made.dist(), &key(1));
    assert_eq!((judgement.code(), &judgement.flaws[..]), (None, &[][..]));
    assert!(judgement.checks.iter().all(|check| check.outcome == Outcome::Passed), "{:?}", judgement.checks);
    let verified = judgement.verified.expect("a proof").into_value();
    let names: Vec<String> =
        verified.artifacts.iter().map(|a| a.name.to_string()).filter(|name| name.starts_with("image:")).collect();
    assert_eq!(names, ["image:api", "image:api/linux/amd64", "image:api/linux/arm64"]);
    // The index, two manifests with their configurations, and six layers, two of which are one.
    let blobs = made.deep().iter().filter(|path| path.starts_with("image/blobs/")).count();
    assert_eq!(blobs, 1 + 2 + 2 + 5);
}

#[test]
fn single_files_say_nothing_about_images() {
    let made = release(drafts());
    std::fs::remove_dir_all(made.path("image")).unwrap();
    assert_eq!(code(&made.dist(), &key(1)), "verify.missing-file");
    let what = What::Files { files: vec![made.path("api_1.2.3_linux_amd64.tar.gz")], manifest: None };
    let policy = Policy::implicit(key(1).public());
    let judgement = verify(&host(), &what, &policy, &Events::silent()).unwrap();
    assert_eq!(judgement.code(), None);
    for name in [CheckName::ImagesPresent, CheckName::ImagesMatch] {
        let check = judgement.checks.iter().find(|check| check.name == name).unwrap();
        assert_eq!(check.outcome.word(), "not run");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any byte of any file changed, removed, added or appended.
    #[test]
    fn any_changed_byte_is_refused(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), change in 1..=255_u8, how in 0..4_u8) {
        thread_local!(static MADE: Made = release(drafts()));
        MADE.with(|made| {
            let path = file.get(&made.deep()).clone();
            refuses_a_changed_byte(made, &path, at, change, how);
        });
    }
}

#[test]
fn every_byte_of_the_layout_itself_counts() {
    let made = release(drafts());
    for path in ["image/oci-layout", "image/index.json"] {
        let whole = std::fs::read(made.path(path)).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(made.path(path), bytes).unwrap();
            let code = code(&made.dist(), &key(1));
            assert!(codes(path).contains(&code), "{path} at {at}: {code}");
        }
        std::fs::write(made.path(path), whole).unwrap();
    }
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
}

#[test]
fn any_file_of_the_layout_out_of_its_place_is_refused() {
    let made = release(drafts());
    for path in made.deep().iter().filter(|path| path.starts_with("image/")) {
        let whole = std::fs::read(made.path(path)).unwrap();
        let file = made.path(path);
        let check = |what: &str, want: &str| {
            assert_eq!(code(&made.dist(), &key(1)), want, "{what} {path}");
            made.put_back(path, &whole);
            assert_eq!(code(&made.dist(), &key(1)), "accepted", "{what} {path}, undone");
        };
        std::fs::remove_file(&file).unwrap();
        check("removed", "verify.missing-file");
        std::fs::write(&file, b"").unwrap();
        check("emptied", if path.contains("blobs") { "verify.size-mismatch" } else { "verify.image-layout" });
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        check("a folder", "verify.not-a-file");
        std::fs::remove_file(&file).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        check("a pipe", "verify.not-a-file");
        // The right bytes, but whoever can change the link's target can change them after the verdict.
        std::fs::write(made.stored("elsewhere"), &whole).unwrap();
        std::fs::remove_file(&file).unwrap();
        symlink(made.stored("elsewhere"), &file).unwrap();
        check("linked", "verify.not-a-file");
        let grown = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
        grown.set_len(1 << 40).unwrap();
        check("endless", if path.contains("blobs") { "verify.size-mismatch" } else { "verify.image-layout" });
    }
}

#[test]
fn any_folder_of_the_layout_out_of_its_place_is_refused() {
    let made = release(drafts());
    for folder in ["image", "image/blobs", "image/blobs/sha256"] {
        let (there, elsewhere) = (made.path(folder), made.stored("elsewhere"));
        std::fs::rename(&there, &elsewhere).unwrap();
        assert_eq!(code(&made.dist(), &key(1)), "verify.missing-file", "{folder} removed");
        symlink(&elsewhere, &there).unwrap();
        assert_eq!(code(&made.dist(), &key(1)), "verify.not-a-folder", "{folder} linked");
        std::fs::remove_file(&there).unwrap();
        std::fs::write(&there, b"").unwrap();
        assert_eq!(code(&made.dist(), &key(1)), "verify.not-a-folder", "{folder} a file");
        assert_eq!(outcome(&made, CheckName::ImagesMatch).word(), "not run");
        std::fs::remove_file(&there).unwrap();
        std::fs::rename(&elsewhere, &there).unwrap();
    }
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
}

#[test]
fn anything_extra_in_the_layout_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let made = release(drafts());
    let hex = Digest::of(b"stranger").hex();
    for folder in ["image", "image/blobs", "image/blobs/sha256"] {
        let not_text = std::ffi::OsStr::from_bytes(b"a\xff\x1b[2J");
        let upper = hex.to_uppercase();
        for name in ["x".as_ref(), ".hidden".as_ref(), "sha512".as_ref(), hex.as_ref(), upper.as_ref(), not_text] {
            let path = made.path(folder).join(name);
            std::fs::write(&path, b"stranger").unwrap();
            let judgement = judge(&made.dist(), &key(1));
            assert_eq!(judgement.code(), Some("verify.extra-file"), "{folder}/{name:?}");
            assert!(judgement.flaws.iter().all(|flaw| !flaw.to_string().contains('\u{1b}')));
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
            assert_eq!(code(&made.dist(), &key(1)), "verify.extra-file", "{folder}/{name:?} as a folder");
            std::fs::remove_dir(&path).unwrap();
        }
    }
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
    // Without images nothing may stand in the folder's place.
    let without = Made::release("1.2.3", &key(1));
    std::fs::create_dir(without.path("image")).unwrap();
    assert_eq!(code(&without.dist(), &key(1)), "verify.extra-file");
}

/// A19: the layout of another release, whole in itself and of the same binaries.
#[test]
fn the_layout_of_another_release_is_refused() {
    let (one, mut other) = (release(drafts()), drafts());
    other.images[0].config.author = Some("somebody".to_owned());
    let other = release(other);
    std::fs::rename(one.path("image"), one.stored("elsewhere")).unwrap();
    std::fs::rename(other.path("image"), one.path("image")).unwrap();
    assert_eq!(code(&one.dist(), &key(1)), "verify.missing-file");
    std::fs::copy(other.path("release.json"), one.path("release.json")).unwrap();
    assert_eq!(code(&one.dist(), &key(1)), "verify.provenance");
    std::fs::copy(other.path("provenance.json"), one.path("provenance.json")).unwrap();
    assert_eq!(code(&one.dist(), &key(1)), "accepted");
}

/// What is signed is wrong: that every digest is right says nothing about what the documents say (A10, A12).
#[test]
fn images_are_what_the_manifest_says() {
    assert_eq!(drafted(|_| {}), "accepted");
    let starts = |found: String, want: &str| assert!(found.starts_with(want), "wanted {want}\nfound {found}");
    type Change = fn(&mut Drafts);
    let mismatches: &[Change] = &[
        |d| d.index = |index| drop(index.manifests.pop()),
        |d| d.index = |index| index.manifests.push(index.manifests[0].clone()),
        |d| d.index = |index| index.manifests.push(Descriptor::of(media::OCI_MANIFEST, b"stranger")),
        |d| d.index = |index| index.manifests[0].size += 1,
        |d| d.index = |index| index.manifests[0].platform = None,
        |d| d.index = |index| index.manifests[0].platform = index.manifests[1].platform.clone(),
        |d| d.index = |index| index.manifests[0].media_type = media::DOCKER_MANIFEST.into(),
        |d| d.index = |index| index.manifests[0].media_type = media::OCI_INDEX.into(),
        |d| d.index = |index| index.subject = Some(index.manifests[0].bare()),
        |d| d.images[0].manifest = |manifest| manifest.subject = Some(manifest.config.bare()),
        |d| d.images[0].manifest = |manifest| manifest.artifact_type = Some("application/x".into()),
        |d| d.images[0].manifest = |manifest| manifest.config.media_type = media::DOCKER_CONFIG.into(),
        |d| d.images[0].manifest = |manifest| manifest.layers[0].media_type = media::DOCKER_LAYER_GZIP.into(),
        |d| d.images[0].manifest = |manifest| manifest.layers[0].media_type = media::OCI_CONFIG.into(),
        |d| d.images[0].config.architecture = "arm64".into(),
        |d| d.images[0].config.os = "windows".into(),
        |d| d.images[0].config.rootfs.diff_ids = vec![Digest::of(b"x"); 2],
        |d| d.images[0].config.rootfs.diff_ids = vec![Digest::of(b"x"); 3],
    ];
    for (at, change) in mismatches.iter().enumerate() {
        let found = drafted(change);
        assert!(found.starts_with("verify.image-mismatch: image:api"), "{at}: {found}");
    }
    starts(drafted(|d| d.images[0].manifest = |m| m.layers[0].size += 1), "verify.size-mismatch: image/blobs/");
    let absent = |d: &mut Drafts| d.images[0].manifest = |m| m.layers[0].digest = Digest::of(b"absent");
    starts(drafted(absent), "verify.missing-file: image/blobs/");
    let confused = |d: &mut Drafts| {
        d.images[0].manifest = |m| drop(m.others.insert("manifests".into(), serde_json::json!([])));
    };
    starts(drafted(confused), "verify.image-document: image:api/linux/amd64 cannot be read: oci.confused");
    let other_type = |d: &mut Drafts| d.images[0].manifest = |m| m.media_type = media::DOCKER_MANIFEST.into();
    starts(drafted(other_type), "verify.image-document: image:api/linux/amd64 cannot be read: oci.media-type");
    let kind = |d: &mut Drafts| d.images[0].config.rootfs.kind = "files".into();
    starts(drafted(kind), "verify.image-document: image:api/linux/amd64 cannot be read: oci.document");
}

/// The file that a container finds is the binary that the manifest says, and the one in the archive.
#[test]
fn an_image_holds_what_the_manifest_says() {
    let top = |d: &mut Drafts, path: &str, content: Vec<u8>| {
        d.images[0].layers.push(layer(media::OCI_LAYER_GZIP, &[(path, content)]));
    };
    // Layers above the binary that have nothing to do with it.
    for path in ["usr/bin/other", "usr/bin/api-2", ".wh.usr2", "usr/.wh.bi", "etc/.wh..wh..opq", "usr/bin/.wh.ap"] {
        assert_eq!(drafted(|d| top(d, path, b"x".to_vec())), "accepted", "{path}");
    }
    let mismatch = |what: &str, found: String| {
        assert!(found.starts_with("verify.binary-mismatch: image:api/linux/amd64: "), "{what}: {found}");
        assert!(found.contains(what), "wanted {what}\nfound {found}");
    };
    mismatch("usr/bin/nothing is missing", drafted(|d| d.images[0].held = "usr/bin/nothing"));
    mismatch("is not the binary that the manifest says", drafted(|d| d.images[0].held = "etc/motd"));
    mismatch("is not the binary that the manifest says", drafted(|d| drop(d.images[0].layers.pop())));
    mismatch("is not the binary that the manifest says", drafted(|d| d.images[0].layers.swap(0, 2)));
    mismatch("is not the binary that the manifest says", drafted(|d| top(d, PROGRAM, b"evil".to_vec())));
    let other_target = |d: &mut Drafts| top(d, PROGRAM, program("linux/arm64"));
    mismatch("is not the binary that the manifest says", drafted(other_target));
    for path in ["usr/bin/.wh.api", "usr/.wh.bin", ".wh.usr", "usr/bin/.wh..wh..opq", ".wh..wh..opq"] {
        mismatch("is taken away by a higher layer", drafted(|d| top(d, path, Vec::new())));
    }
    mismatch("lies below what is no folder", drafted(|d| top(d, "usr", b"file".to_vec())));
    mismatch(
        "usr/bin/second is a binary of which the manifest does not speak",
        drafted(|d| top(d, "usr/bin/second", program("linux/arm64"))),
    );
}

/// A08: caps hold for what comes out, and for each byte that went in.
#[test]
fn a_layer_that_is_a_bomb_ends_in_a_refusal() {
    let zeros = || Box::new(std::io::repeat(0).take(256 << 20)) as Box<dyn Read + Send>;
    let mut packed = Vec::new();
    let member = Member {
        path: MemberPath::new("zeros").unwrap(),
        mode: Mode::Plain,
        content: Content::new(256 << 20, Box::new(move || Ok(zeros()))),
    };
    archive::write(Codec::from(Format::TarZst), 0, vec![member], &mut packed).unwrap();
    let found = drafted(|d| {
        d.images[0].layers.push(Layer { media_type: media::OCI_LAYER_ZSTD, packed, diff_id: Digest::of(b"") });
    });
    assert!(
        found.starts_with("verify.image-document: image:api/linux/amd64: layer ") && found.contains("layer.ratio"),
        "{found}"
    );
}
