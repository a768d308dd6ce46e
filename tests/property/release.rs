//! A release is accepted as it was made, and in no other form.

use std::os::unix::fs::symlink;

use proptest::prelude::*;
use sealift::error::Fault;
use sealift::event::{Event, Events};
use sealift::verify::{What, verify};
use sealift_trust::policy::Terms;
use sealift_trust::{CheckName, Envelope, Outcome, PayloadType, Policy, SignatureFormat, Statement};

use crate::fixture::{Made, code, codes, host, judge, key, refuses_a_changed_byte};

#[test]
fn a_release_is_accepted_as_it_was_made() {
    let made = Made::release("1.2.3", &key(1));
    let judgement = judge(&made.dist(), &key(1));
    assert_eq!((judgement.code(), &judgement.flaws[..]), (None, &[][..]));
    assert!(judgement.checks.iter().all(|check| check.outcome == Outcome::Passed), "{:?}", judgement.checks);
    let verified = judgement.verified.expect("a proof");
    assert_eq!(verified.policy(), Policy::implicit(key(1).public()).digest());
    assert_eq!(verified.value().product.as_str(), "shop");
    assert_eq!(judgement.manifest, Some(made.sealed("1.2.3", Some(&key(1))).manifest));
    assert_eq!(verified.value().created.as_str(), "2026-01-31T12:00:00Z");
    let names = ["api_1.2.3_linux_amd64.tar.gz", "api_1.2.3_windows_amd64.zip"];
    assert_eq!(
        made.names(),
        [names[0], names[1], "checksums.txt", "checksums.txt.sig", "provenance.json", "release.json"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any byte of any file changed, removed, added or appended.
    #[test]
    fn any_changed_byte_is_refused(file in 0..6_usize, at in any::<prop::sample::Index>(), change in 1..=255_u8, how in 0..4_u8) {
        thread_local!(static MADE: Made = Made::release("1.2.3", &key(1)));
        MADE.with(|made| {
            let name = made.names()[file].clone();
            refuses_a_changed_byte(made, &name, at, change, how);
        });
    }
}

/// Also of what nobody signed in a signature's file: comments, names of keys, base64, line ends.
#[test]
fn every_byte_of_every_signature_counts() {
    let made = Made::store("1.2.3");
    made.place(&made.sealed_in("1.2.3", Some(&key(1)), &SignatureFormat::ALL, true));
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
    let is_signature = |name: &String| name.ends_with("sig") || name.ends_with(".sigstore.json");
    let signatures: Vec<String> = made.names().into_iter().filter(is_signature).collect();
    assert_eq!(signatures.len(), 3 * SignatureFormat::ALL.len());
    // All formats of the list; of the archives one, in two formats: the others are read by the same lines.
    let is_one =
        |name: &String| name.contains("amd64.tar.gz") && !name.ends_with(".minisig") && !name.contains(".ssh.");
    for name in signatures.into_iter().filter(|name| name.starts_with("checksums.txt") || is_one(name)) {
        let whole = std::fs::read(made.path(&name)).unwrap();
        for at in 0..whole.len() {
            let flipped: Vec<u8> = whole.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect();
            for bytes in [flipped, [&whole[..at], &whole[at + 1..]].concat(), whole[..at].to_vec()] {
                // Of two equal neighbours either may go: what is left is shorter, and no signature.
                std::fs::write(made.path(&name), &bytes).unwrap();
                assert!(codes(&name).contains(&code(&made.dist(), &key(1))), "{name} {at}");
            }
        }
        made.put_back(&name, &whole);
        assert_eq!(code(&made.dist(), &key(1)), "accepted", "{name}");
    }
}

#[test]
fn every_byte_of_the_signed_texts_counts() {
    let made = Made::release("1.2.3", &key(1));
    for name in ["release.json", "checksums.txt", "checksums.txt.sig", "provenance.json"] {
        let whole = std::fs::read(made.path(name)).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(made.path(name), bytes).unwrap();
            let code = code(&made.dist(), &key(1));
            assert!(codes(name).contains(&code), "{name} at {at}: {code}");
        }
        std::fs::write(made.path(name), whole).unwrap();
    }
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
}

#[test]
fn any_file_out_of_its_place_is_refused() {
    let made = Made::release("1.2.3", &key(1));
    let names = made.names();
    for name in &names {
        let whole = std::fs::read(made.path(name)).unwrap();
        let absent = if name == "release.json" { "verify.no-manifest" } else { "verify.missing-file" };
        let path = made.path(name);
        let check = |what: &str, want: &str| {
            assert_eq!(code(&made.dist(), &key(1)), want, "{what} {name}");
            made.put_back(name, &whole);
            assert_eq!(code(&made.dist(), &key(1)), "accepted", "{what} {name}, undone");
        };
        std::fs::remove_file(&path).unwrap();
        check("removed", absent);

        std::fs::write(&path, b"").unwrap();
        let emptied = match name.as_str() {
            "release.json" | "checksums.txt" | "checksums.txt.sig" | "provenance.json" => codes(name)[0],
            _ => "verify.size-mismatch",
        };
        check("emptied", emptied);

        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        check("a folder", "verify.not-a-file");

        // Nobody writes into the pipe: whoever waits for it waits for ever.
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        check("a pipe", "verify.not-a-file");

        // The right bytes, but whoever can change the link's target can change them after the verdict.
        let elsewhere = made.stored("elsewhere");
        std::fs::write(&elsewhere, &whole).unwrap();
        std::fs::remove_file(&path).unwrap();
        symlink(&elsewhere, &path).unwrap();
        check("linked", "verify.not-a-file");

        let other = made.path(&format!("{name}.renamed"));
        std::fs::rename(&path, &other).unwrap();
        let found = code(&made.dist(), &key(1));
        std::fs::remove_file(&other).unwrap();
        made.put_back(name, &whole);
        assert_eq!(found, absent, "renamed {name}");
    }
    for (a, b) in names.iter().flat_map(|a| names.iter().map(move |b| (a, b))).filter(|(a, b)| a < b) {
        let spare = made.stored("spare");
        let swap = || {
            std::fs::rename(made.path(a), &spare).unwrap();
            std::fs::rename(made.path(b), made.path(a)).unwrap();
            std::fs::rename(&spare, made.path(b)).unwrap();
        };
        swap();
        let found = code(&made.dist(), &key(1));
        // A provenance in the manifest's place is well signed, and for another purpose.
        let wanted = match (a.as_str(), b.as_str()) {
            ("provenance.json", "release.json") => vec!["verify.statement"],
            _ => [codes(a), codes(b)].concat(),
        };
        assert!(wanted.contains(&found), "{a} and {b} swapped: {found}");
        swap();
    }
    assert_eq!(code(&made.dist(), &key(1)), "accepted");
}

#[test]
fn anything_extra_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let made = Made::release("1.2.3", &key(1));
    let not_text = std::ffi::OsStr::from_bytes(b"a\xff\x1b[2J");
    for name in ["x".as_ref(), ".hidden".as_ref(), "Release.json".as_ref(), not_text] {
        std::fs::write(made.dist().join(name), b"").unwrap();
        let judgement = judge(&made.dist(), &key(1));
        assert_eq!(judgement.code(), Some("verify.extra-file"), "{name:?}");
        assert!(judgement.flaws.iter().all(|flaw| !flaw.to_string().contains('\u{1b}')));
        std::fs::remove_file(made.dist().join(name)).unwrap();
    }
    std::fs::create_dir(made.path("empty")).unwrap();
    assert_eq!(code(&made.dist(), &key(1)), "verify.extra-file");
    std::fs::remove_dir(made.path("empty")).unwrap();
    std::fs::write(made.path("release.unsigned.json"), b"").unwrap();
    assert_eq!(code(&made.dist(), &key(1)), "verify.unsigned");
}

/// A22.
#[test]
fn unsigned_or_by_another_key_is_refused() {
    let made = Made::store("1.2.3");
    made.place(&made.sealed("1.2.3", None));
    assert_eq!(made.names()[3], "release.unsigned.json");
    let judgement = judge(&made.dist(), &key(1));
    assert_eq!((judgement.code(), judgement.manifest), (Some("verify.unsigned"), None));
    // The bare statement under the manifest's name is no envelope.
    std::fs::rename(made.path("release.unsigned.json"), made.path("release.json")).unwrap();
    assert_eq!(code(&made.dist(), &key(1)), "verify.envelope");
    let made = Made::release("1.2.3", &key(1));
    assert_eq!(code(&made.dist(), &key(2)), "verify.signature");
}

#[test]
fn two_envelopes_or_two_signatures_are_refused() {
    let made = Made::release("1.2.3", &key(1));
    let whole = std::fs::read_to_string(made.path("release.json")).unwrap();
    let at = whole.find("{\"sig\"").unwrap();
    let signature = &whole[at..=at + whole[at..].find('}').unwrap()];
    for changed in [
        format!("{whole}{whole}"),
        format!("{whole}\n"),
        whole.replace(signature, &format!("{signature},{signature}")),
        whole.replace(signature, ""),
    ] {
        assert_ne!(changed, whole);
        std::fs::write(made.path("release.json"), changed).unwrap();
        assert_eq!(code(&made.dist(), &key(1)), "verify.envelope");
    }
}

/// A19: every file of both is signed by the same key.
#[test]
fn a_manifest_of_another_release_is_refused() {
    let (one, two) = (Made::release("1.2.3", &key(1)), Made::release("1.2.4", &key(1)));
    std::fs::copy(two.path("release.json"), one.path("release.json")).unwrap();
    assert_eq!(code(&one.dist(), &key(1)), "verify.missing-file");
    for name in one.names() {
        let renamed = name.replace("1.2.3", "1.2.4");
        std::fs::rename(one.path(&name), one.path(&renamed)).unwrap();
    }
    assert_eq!(code(&one.dist(), &key(1)), "verify.digest-mismatch");
    std::fs::copy(two.path("checksums.txt"), one.path("checksums.txt")).unwrap();
    std::fs::copy(two.path("checksums.txt.sig"), one.path("checksums.txt.sig")).unwrap();
    std::fs::copy(two.path("provenance.json"), one.path("provenance.json")).unwrap();
    assert_eq!(code(&one.dist(), &key(1)), "verify.digest-mismatch");
    for archive in &two.archives {
        let name = archive.name.as_str();
        std::fs::copy(two.path(name), one.path(name)).unwrap();
    }
    assert_eq!(code(&one.dist(), &key(1)), "accepted");
}

/// The signature of the list must be by the key that signed the manifest, not by any trusted one.
#[test]
fn checksums_are_signed_by_the_same_key() {
    let made = Made::release("1.2.3", &key(1));
    let keys = vec![key(1).public(), key(2).public()];
    let policy = Policy::new(Terms { threshold: 1, keys, product: None, required: CheckName::ALL.into() }).unwrap();
    let judged = || verify(&host(), &What::Folder(made.dist()), &policy, &Events::silent()).unwrap().code();
    assert_eq!(judged(), None);
    let checksums = std::fs::read(made.path("checksums.txt")).unwrap();
    std::fs::write(made.path("checksums.txt.sig"), key(2).sign(&checksums).unwrap().as_bytes()).unwrap();
    assert_eq!(judged(), Some("verify.checksums-signature"));
}

/// A26: what is signed says what it is, and of which release.
#[test]
fn a_provenance_is_of_its_release_and_by_its_key() {
    let made = Made::release("1.2.3", &key(1));
    let keys = vec![key(1).public(), key(2).public()];
    let policy = Policy::new(Terms { threshold: 1, keys, product: None, required: CheckName::ALL.into() }).unwrap();
    let judged = |bytes: &[u8]| {
        std::fs::write(made.path("provenance.json"), bytes).unwrap();
        let judgement = verify(&host(), &What::Folder(made.dist()), &policy, &Events::silent()).unwrap();
        (judgement.code(), judgement.flaws.first().map(ToString::to_string).unwrap_or_default())
    };
    let own = std::fs::read(made.path("provenance.json")).unwrap();
    assert_eq!(judged(&own), (None, String::new()));
    let refused = |bytes: &[u8], why: &str| {
        let (code, words) = judged(bytes);
        assert_eq!(code, Some("verify.provenance"), "{words}");
        assert!(words.contains(why), "{why} is not in {words}");
    };
    // By another key that the policy trusts.
    let payload = Envelope::parse(&own).and_then(|envelope| envelope.verify(&[key(1).public()])).unwrap();
    let signed = |payload: &[u8]| Envelope::sign(PayloadType::InToto, payload.to_vec(), &key(1)).unwrap().to_bytes();
    let by_another = Envelope::sign(PayloadType::InToto, payload.payload().to_vec(), &key(2)).unwrap().to_bytes();
    refused(&by_another, "by none of the 1 trusted keys");
    // Of another release of the same product.
    let other = Made::release("1.2.4", &key(1));
    refused(&std::fs::read(other.path("provenance.json")).unwrap(), "of another release");
    // The manifest itself, which is signed by the right key for another purpose.
    refused(&std::fs::read(made.path("release.json")).unwrap(), "not https://slsa.dev/provenance/v1");
    // Well signed, but of a builder that nobody knows.
    let text = String::from_utf8(payload.payload().to_vec()).unwrap();
    refused(&signed(text.replace("urn:sealift:builder:local", "https://example.com/builder").as_bytes()), "builder");
    refused(&signed(b"{}"), "type");
    assert_eq!(judged(&signed(payload.payload())).0, None);
}

#[test]
fn the_policy_has_its_say() {
    let made = Made::release("1.2.3", &key(1));
    let keys = vec![key(1).public(), key(2).public()];
    let terms = Terms { threshold: 1, keys, product: "shop".parse().ok(), required: CheckName::ALL.into() };
    let judged = |terms: Terms| {
        let policy = Policy::new(terms).unwrap();
        verify(&host(), &What::Folder(made.dist()), &policy, &Events::silent()).unwrap().code()
    };
    assert_eq!(judged(terms.clone()), None);
    assert_eq!(judged(Terms { product: "other".parse().ok(), ..terms.clone() }), Some("verify.policy"));
    assert_eq!(judged(Terms { threshold: 2, ..terms }), Some("verify.threshold"));
}

/// What is signed is wrong: the digest of an archive says nothing about what the manifest says is in it.
#[test]
fn an_archive_holds_what_the_manifest_says() {
    let judged = |change: &dyn Fn(&mut Made)| {
        let mut made = Made::store("1.2.3");
        change(&mut made);
        let sealed = made.sealed("1.2.3", Some(&key(1)));
        made.place(&sealed);
        code(&made.dist(), &key(1))
    };
    assert_eq!(judged(&|_| {}), "accepted");
    let swapped = |made: &mut Made| {
        let (first, rest) = made.archives.split_at_mut(1);
        std::mem::swap(&mut first[0].holds[0].digest, &mut rest[0].holds[0].digest);
    };
    assert_eq!(judged(&swapped), "verify.binary-mismatch");
    assert_eq!(judged(&|made| made.archives[0].holds[0].path = "LICENSE".into()), "verify.binary-mismatch");
    assert_eq!(judged(&|made| made.archives[0].holds[0].path = "bin/api".into()), "verify.binary-mismatch");
    let other_target = |made: &mut Made| made.archives[0].target = "linux/arm64".parse().ok();
    assert_eq!(judged(&other_target), "verify.binary-mismatch");
    // Another archive holds this binary too, so that the manifest is consistent, but this one does not say so.
    let unsaid = |made: &mut Made| {
        let mut twin = made.archives[0].clone();
        twin.name = "twin.tar.gz".parse().unwrap();
        std::fs::copy(made.stored(made.archives[0].name.as_str()), made.stored("twin.tar.gz")).unwrap();
        twin.holds.clear();
        made.archives.push(twin);
    };
    assert_eq!(judged(&unsaid), "verify.binary-mismatch");
    assert_eq!(judged(&|made| made.archives[0].media_type = "application/zip".into()), "verify.archive");
    assert_eq!(judged(&|made| made.archives[0].media_type = "text/plain".into()), "verify.archive");
}

/// A manifest that promises no checksums: a policy that requires them does not take their absence for a pass (A22).
#[test]
fn what_was_not_checked_is_not_taken_for_checked() {
    let made = Made::store("1.2.3");
    let mut release = made.sealed("1.2.3", Some(&key(1))).release;
    release.companions.clear();
    let payload = Statement::release(release).unwrap().to_payload().unwrap();
    let envelope = Envelope::sign(PayloadType::InToto, payload, &key(1)).unwrap();
    std::fs::create_dir(made.dist()).unwrap();
    std::fs::write(made.path("release.json"), envelope.to_bytes()).unwrap();
    for archive in &made.archives {
        std::fs::copy(made.stored(archive.name.as_str()), made.path(archive.name.as_str())).unwrap();
    }
    let judgement = judge(&made.dist(), &key(1));
    assert_eq!((judgement.code(), judgement.flaws.len(), judgement.reasons.len()), (Some("verify.not-run"), 0, 3));
    let terms = Terms { threshold: 1, keys: vec![key(1).public()], product: None, required: Default::default() };
    let least = Policy::new(terms).unwrap();
    let judgement = verify(&host(), &What::Folder(made.dist()), &least, &Events::silent()).unwrap();
    assert_eq!(judgement.code(), None);
    std::fs::write(made.path("checksums.txt"), b"").unwrap();
    assert_eq!(code(&made.dist(), &key(1)), "verify.extra-file");
}

#[test]
fn every_check_is_told_in_its_order() {
    let made = Made::release("1.2.3", &key(1));
    std::fs::write(made.path("stranger"), b"").unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let policy = Policy::implicit(key(1).public());
    let judgement = verify(&host(), &What::Folder(made.dist()), &policy, &Events::new(sender)).unwrap();
    let told: Vec<(String, &str)> = receiver
        .iter()
        .filter_map(|event| match event {
            Event::Check { name, outcome, .. } => Some((name, outcome)),
            _ => None,
        })
        .collect();
    let want = |check: CheckName| if check == CheckName::NothingExtra { "failed" } else { "passed" };
    assert_eq!(told, CheckName::ALL.map(|check| (check.to_string(), want(check))));
    assert_eq!(judgement.hint().as_deref(), Some("if stranger is yours, move it out of the folder"));
    let nowhere = verify(&host(), &What::Folder(made.path("nowhere")), &policy, &Events::silent()).unwrap_err();
    assert_eq!(nowhere.code(), "file.missing");
}

#[test]
fn single_files_are_judged_alone() {
    let made = Made::release("1.2.3", &key(1));
    let policy = Policy::implicit(key(1).public());
    let judged = |names: &[&str]| {
        let what = What::Files { files: names.iter().map(|name| made.path(name)).collect(), manifest: None };
        verify(&host(), &what, &policy, &Events::silent()).unwrap()
    };
    let archive = "api_1.2.3_linux_amd64.tar.gz";
    std::fs::remove_file(made.path("api_1.2.3_windows_amd64.zip")).unwrap();
    let judgement = judged(&[archive]);
    assert_eq!(judgement.code(), None);
    let outcome = |name: CheckName| judgement.checks.iter().find(|check| check.name == name).unwrap().outcome.word();
    assert_eq!(outcome(CheckName::BinariesMatch), "passed");
    assert_eq!(outcome(CheckName::ArtifactsMatch), "passed");
    assert_eq!(outcome(CheckName::NothingExtra), "not run");
    assert_eq!(outcome(CheckName::ArtifactsPresent), "not run");
    assert_eq!(outcome(CheckName::Checksums), "not run");
    // Who demands the whole release does not take this proof for it.
    assert_ne!(judgement.verified.unwrap().policy(), policy.digest());
    assert_eq!(
        judged(&[archive, "checksums.txt", "checksums.txt.sig", "provenance.json", "release.json"]).code(),
        None
    );
    assert_eq!(judged(&["api_1.2.3_windows_amd64.zip"]).code(), Some("verify.missing-file"));
    assert_eq!(judged(&[archive, "stranger"]).code(), Some("verify.extra-file"));
    assert_eq!(judged(&["checksums.txt"]).code(), None);
    std::fs::write(made.path("checksums.txt"), b"").unwrap();
    assert_eq!(judged(&["checksums.txt"]).code(), Some("verify.checksums"));
    assert_eq!(judged(&[archive]).code(), None);
    std::fs::write(made.path(archive), b"").unwrap();
    assert_eq!(judged(&[archive]).code(), Some("verify.size-mismatch"));
    let nothing = What::Files { files: Vec::new(), manifest: None };
    assert!(verify(&host(), &nothing, &policy, &Events::silent()).is_err());
    let twice = What::Files { files: vec![made.path(archive), made.stored(archive)], manifest: None };
    assert!(verify(&host(), &twice, &policy, &Events::silent()).is_err());
}

/// An endless or a huge file costs nothing: its size is looked at first, and reading stops.
#[test]
fn sizes_are_looked_at_before_bytes() {
    let made = Made::release("1.2.3", &key(1));
    let grow = |name: &str, size: u64| {
        std::fs::OpenOptions::new().write(true).open(made.path(name)).unwrap().set_len(size).unwrap();
        code(&made.dist(), &key(1))
    };
    // Sparse files, past 32 bits (A32).
    assert_eq!(grow("api_1.2.3_linux_amd64.tar.gz", (1 << 32) + 1), "verify.size-mismatch");
    assert_eq!(grow("checksums.txt", 1 << 40), "verify.size-mismatch");
    assert_eq!(grow("provenance.json", 1 << 40), "verify.size-mismatch");
    assert_eq!(grow("release.json", 1 << 40), "verify.envelope");
}
