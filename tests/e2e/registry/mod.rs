//! Registries: one that lies at every step, and real ones.

mod lies;
pub mod program;
mod proxy;
mod real;
mod scene;
mod server;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sealift::config::settings::RegistrySettings;
use sealift::event::Events;
use sealift::host::Host;
use sealift::host::env::Env;
use sealift::oci::{Copy, Index, Layout, Source, copy, media};
use sealift::registry::Registry;

use scene::{Act, Scene};
use server::{Auth, Body, Reply};

/// More than the longest document and what the sockets of both sides hold beside it.
const MOST_SENT: u64 = 32 << 20;

/// A13 to A15 among them: sizes, digests and ends that are not true; redirects, and realms of other servers.
#[test]
fn a13_a14_a15_every_lie_is_refused_and_no_secret_leaves_the_registry() {
    let lies = lies::all();
    let distinct: BTreeSet<(&str, &str)> = lies.iter().map(|lie| (lie.step, lie.kind)).collect();
    assert_eq!(distinct.len(), lies.len(), "a lie is told twice");
    let refused = lies.iter().filter(|lie| !lie.refused.0.is_empty()).count();
    assert!(refused >= 60, "only {refused}");
    let (queue, wrong) = (Mutex::new(lies.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(lie) = queue.lock().unwrap().next() else { return };
                    if let Err(why) = tell(lie) {
                        wrong.lock().unwrap().push(format!("{} / {}: {why}", lie.step, lie.kind));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lies.len(), wrong.join("\n"));
}

fn tell(lie: &lies::Lie) -> Result<(), String> {
    let (tell, beyond) = (lie.tell, lie.beyond);
    // It asks for credentials first, so that there is something to lose; but for lies about just that.
    let first = lie.auth != Auth::Open && lie.step != "challenge" && lie.step != "token";
    let lying = move |request: &server::Request, content: &mut server::Content, there: &str| {
        if first && request.header("authorization").is_empty() { None } else { tell(request, content, there) }
    };
    let mut scene = Scene::new(lie.auth, lying, Box::new(move |request, _| beyond(request)));
    if ["says nothing", "stalls", "drips"].contains(&lie.kind) {
        scene.patience = Duration::from_millis(300);
    }
    let found = match scene.act(lie.act) {
        Ok(()) => ("", 0),
        Err(failure) => {
            if format!("{failure:?}").contains("canary") {
                return Err(format!("a secret in {failure:?}"));
            }
            if failure.hint.is_none() && !failure.code.starts_with("oci.") {
                return Err(format!("{} has no hint", failure.code));
            }
            (failure.code, failure.kind.exit_code())
        }
    };
    if found != lie.refused {
        return Err(format!("{found:?} instead of {:?}", lie.refused));
    }
    if scene.elsewhere.saw_secret() {
        return Err("a secret went elsewhere".into());
    }
    // The canary is a canary: where credentials were wanted, the registry itself got them.
    let asked = scene.registry.requests();
    if lie.step != "challenge" && !scene.registry.saw_secret() {
        return Err("the registry itself got no credentials".into());
    }
    if asked.len() > 1100 || (asked.len() > 40 && !lie.kind.ends_with("for ever")) {
        return Err(format!("{} requests", asked.len()));
    }
    match scene.registry.sent.load(Ordering::SeqCst) {
        sent if sent > MOST_SENT => Err(format!("read {sent} bytes")),
        _ => Ok(()),
    }
}

#[test]
fn an_honest_registry_is_read_and_written_whoever_asks() {
    for auth in [Auth::Open, Auth::Basic, Auth::Bearer] {
        let scene = Scene::new(auth, |_, _, _| None, Box::new(|_, _| None));
        let all = [
            Act::Resolve,
            Act::Document,
            Act::Blob,
            Act::HasBlob,
            Act::HasDocument,
            Act::PutBlob,
            Act::Mount,
            Act::PutDocument,
            Act::PutReferrer,
            Act::GuardTag,
            Act::Referrers,
            Act::MoveTag,
            Act::Tags,
            Act::Delete,
        ];
        for act in all {
            scene.act(act).unwrap_or_else(|failure| panic!("{act:?}: {failure:?}"));
        }
        assert_eq!(scene.registry.saw_secret(), auth != Auth::Open);
    }
}

#[test]
fn an_upload_goes_on_where_it_was_cut() {
    let lie = |request: &server::Request, content: &mut server::Content, _: &str| {
        if !request.within("PUT", "/uploads/") || request.body.is_empty() {
            return None;
        }
        let id = request.path.rsplit('/').next().unwrap().to_owned();
        content.uploads.insert(id, request.body[..400_000].to_vec());
        Some(Reply::of(Body::Hangup))
    };
    let scene = Scene::new(Auth::Basic, lie, Box::new(|_, _| None));
    scene.registry.content.lock().unwrap().blobs.clear();
    scene.act(Act::PutBlob).unwrap();
    let patches: Vec<_> = scene.registry.requests().into_iter().filter(|request| request.method == "PATCH").collect();
    let size = scene.sample.layer.len();
    assert_eq!(patches.len(), 1);
    assert_eq!(patches[0].header("content-range"), format!("400000-{}", size - 1));
    assert_eq!(patches[0].body.len(), size - 400_000);
    let held = scene.registry.content.lock().unwrap().blobs.get(&scene.sample.layer_at.digest.to_string()).cloned();
    assert!(held == Some(scene.sample.layer.clone()));
}

#[test]
fn an_upload_that_is_too_large_goes_in_chunks() {
    let lie = |request: &server::Request, _: &mut server::Content, _: &str| {
        (request.within("PUT", "/uploads/") && !request.body.is_empty()).then(|| Reply::new(413))
    };
    let scene = Scene::new(Auth::Bearer, lie, Box::new(|_, _| None));
    scene.registry.content.lock().unwrap().blobs.clear();
    scene.act(Act::PutBlob).unwrap();
    assert!(scene.registry.requests().iter().any(|request| request.method == "PATCH"));
    assert!(scene.registry.content.lock().unwrap().blobs.contains_key(&scene.sample.layer_at.digest.to_string()));
}

#[test]
fn a_blob_goes_on_where_it_was_cut() {
    let lie = |request: &server::Request, content: &mut server::Content, _: &str| {
        let size = 1_200_000;
        let (digest, bytes) = content.blobs.iter().find(|(_, bytes)| bytes.len() == size)?;
        let first = request.within("GET", digest) && request.header("range").is_empty();
        first.then(|| Reply::of(Body::Cut(bytes[..777_777].to_vec(), size as u64)))
    };
    let scene = Scene::new(Auth::Open, lie, Box::new(|_, _| None));
    scene.act(Act::Blob).unwrap();
    let ranges: Vec<String> = scene.registry.requests().iter().map(|r| r.header("range").to_owned()).collect();
    assert_eq!(ranges.len(), 2);
    // What was read of the cut answer counts, however much that was.
    assert!(ranges[1].starts_with("bytes="), "{ranges:?}");
}

#[test]
fn a_refused_mount_goes_on_as_the_upload_that_it_opened() {
    let scene = Scene::new(Auth::Bearer, |_, _, _| None, Box::new(|_, _| None));
    scene.registry.content.lock().unwrap().blobs.clear();
    scene.act(Act::Mount).unwrap();
    let begun = scene.registry.requests().into_iter().filter(|r| r.method == "POST").collect::<Vec<_>>();
    // One was asked for without credentials; with them only one upload was opened.
    assert_eq!(begun.iter().filter(|r| !r.header("authorization").is_empty()).count(), 1);
    assert!(begun[0].query.starts_with("mount=sha256%3A") && begun[0].query.ends_with("&from=b"), "{}", begun[0].query);
    let token = scene.registry.requests().into_iter().find(|r| r.path == "/token").unwrap();
    assert!(token.query.contains("scope=repository%3Aa%3Apull%2Cpush&scope=repository%3Ab%3Apull"), "{}", token.query);
}

#[test]
fn a_referrer_is_listed_under_its_subjects_tag_too() {
    let scene = Scene::new(Auth::Basic, |_, _, _| None, Box::new(|_, _| None));
    scene.act(Act::PutReferrer).unwrap();
    scene.act(Act::PutReferrer).unwrap();
    let content = scene.registry.content.lock().unwrap();
    let (kind, bytes) = &content.manifests[&format!("sha256-{}", scene.sample.manifest_at.digest.hex())];
    let index: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(kind, "application/vnd.oci.image.index.v1+json");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(index["manifests"][0]["digest"], scene.sample.referrer_at.digest.to_string());
    assert_eq!(index["manifests"][0]["artifactType"], "application/vnd.example");
}

#[test]
fn a_token_that_expired_is_renewed_once() {
    let expired = AtomicBool::new(false);
    let lie = move |request: &server::Request, _: &mut server::Content, _: &str| {
        let used = request.within("PUT", "/uploads/") && request.header("authorization").starts_with("Bearer");
        (used && !expired.swap(true, Ordering::SeqCst)).then(|| {
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"s\"", request.header("host"));
            Reply::new(401).with("WWW-Authenticate", realm)
        })
    };
    let scene = Scene::new(Auth::Bearer, lie, Box::new(|_, _| None));
    scene.registry.content.lock().unwrap().blobs.clear();
    scene.act(Act::PutBlob).unwrap();
    let tokens = scene.registry.requests().iter().filter(|request| request.path == "/token").count();
    assert_eq!(tokens, 2);
    assert!(scene.registry.content.lock().unwrap().blobs.contains_key(&scene.sample.layer_at.digest.to_string()));
}

#[test]
fn a_busy_registry_is_asked_again_when_it_wants() {
    let lie = |request: &server::Request, _: &mut server::Content, _: &str| {
        (request.number < 2).then(|| Reply::new([429, 503][request.number]).with("Retry-After", "0"))
    };
    let scene = Scene::new(Auth::Open, lie, Box::new(|_, _| None));
    scene.act(Act::Tags).unwrap();
    assert_eq!(scene.registry.requests().len(), 3);
}

#[test]
fn lists_are_read_page_by_page() {
    let lie = |request: &server::Request, _: &mut server::Content, _: &str| {
        let (tags, referrers) = (request.within("GET", "/tags/list"), request.within("GET", "/referrers/"));
        let first = !request.query.contains("last=a");
        let page = match (tags, referrers) {
            (true, _) if first => Reply::bytes("application/json", r#"{"name":"a","tags":["a","b"]}"#),
            (true, _) => Reply::bytes("application/json", r#"{"name":"a","tags":["c"]}"#),
            (_, true) if first => Reply::bytes(media::OCI_INDEX, Index::new(Vec::new()).encode()),
            // The last page of referrers is the server's own.
            _ => return None,
        };
        Some(if first { page.with("Link", format!("<{}?n=2&last=a>; rel=\"next\"", request.path)) } else { page })
    };
    let scene = Scene::new(Auth::Bearer, lie, Box::new(|_, _| None));
    let client = scene.client();
    let remote = client.repository(&scene.repository()).unwrap();
    let tags: Vec<String> = remote.tags().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["a", "b", "c"]);
    let found = remote.referrers(scene.sample.manifest_at.digest).unwrap();
    assert_eq!(found.iter().map(|entry| entry.digest).collect::<Vec<_>>(), [scene.sample.referrer_at.digest]);
}

#[test]
fn a_registry_that_is_down_is_named() {
    let scene = Scene::new(Auth::Open, |_, _, _| None, Box::new(|_, _| None));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = scene.client();
    let remote = client.repository(&format!("127.0.0.1:{port}/a").parse().unwrap()).unwrap();
    let failure = remote.resolve(&"v1".parse().unwrap()).unwrap_err();
    assert_eq!((failure.code, failure.kind.exit_code()), ("http.no-answer", 7));
    assert!(failure.message.contains(&port.to_string()) && failure.hint.is_some());
}

/// Plain HTTP to another machine can be allowed in words; neither a password nor a token goes that way even then.
#[test]
fn credentials_go_nowhere_without_encryption() {
    for auth in [Auth::Basic, Auth::Bearer] {
        let registry = server::Server::start(auth, Box::new(|_, _| None));
        let name = "registry.example:5000";
        // It stands for the proxy too, through which everything but the machine itself is asked.
        let env = [
            ("HTTP_PROXY", format!("http://{}", registry.address)),
            ("SEALIFT_REGISTRY_HOST", name.to_owned()),
            ("SEALIFT_REGISTRY_USER", server::USER.to_owned()),
            ("SEALIFT_REGISTRY_PASSWORD", server::PASSWORD.to_owned()),
        ];
        let host = Host::with_env(Env::of("/".into(), env));
        // Its tokens come from this machine, where secrets may go.
        let realm = Some(format!("http://{}", registry.address));
        let settings =
            RegistrySettings { host: name.to_owned(), plain_http: Some(true), realm, ..RegistrySettings::default() };
        let client = Registry::new(&host, &[settings], &Events::silent());
        let remote = client.repository(&format!("{name}/a").parse().unwrap()).unwrap();
        let failure = remote.resolve(&"v1".parse().unwrap()).unwrap_err();
        assert_eq!((failure.code, failure.kind.exit_code()), ("http.plain-credentials", 3), "{failure:?}");
        let asked = registry.requests();
        let (tokens, api): (Vec<_>, Vec<_>) = asked.into_iter().partition(|request| request.path == "/token");
        assert_eq!((tokens.len(), api.len()), (usize::from(auth == Auth::Bearer), 1));
        assert_eq!(api[0].header("authorization"), "");
    }
}

#[test]
fn no_place_that_a_document_names_is_ever_asked() {
    let scene = Scene::new(Auth::Basic, |_, _, _| None, Box::new(|_, _| None));
    let place = format!("http://{}/layer", scene.elsewhere.address);
    let text = String::from_utf8(scene.sample.manifest.clone()).unwrap();
    let text = text.replacen("\"layers\":[{", &format!("\"layers\":[{{\"urls\":[\"{place}\"],\"data\":\"bm8=\","), 1);
    assert!(text.contains(&place));
    let root = scene.registry.content.lock().unwrap().keep(media::OCI_MANIFEST, text.as_bytes());
    let client = scene.client();
    let remote = client.repository(&scene.repository()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(dir.path()).unwrap();
    let copied = copy(&root, &remote, &layout, &Copy::default(), &Events::silent()).unwrap();
    assert_eq!(copied.blobs, 2);
    assert!(scene.elsewhere.requests().is_empty());
}
