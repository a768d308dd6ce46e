//! What a registry may lie about, as a table: at which step, how, and how that is refused.

use sealift::oci::{Descriptor, Index, media};

use super::scene::{Act, CONFIG, Sample};
use super::server::{Auth, BASIC, Body, Content, Reply, Request};

type Tell = fn(&Request, &mut Content, &str) -> Option<Reply>;

/// One lie.
pub struct Lie {
    /// Which exchange with the registry.
    pub step: &'static str,
    /// How it lies.
    pub kind: &'static str,
    pub auth: Auth,
    pub act: Act,
    pub tell: Tell,
    /// The error's code and exit code; an empty code where the lie changes nothing.
    pub refused: (&'static str, u8),
    /// What the server elsewhere answers.
    pub beyond: fn(&Request) -> Option<Reply>,
}

const JSON: &str = "application/json";
const HTML: &str = "<html><body>Please log in</body></html>";
const FINE: (&str, u8) = ("", 0);

fn html() -> Option<Reply> {
    Some(Reply::bytes("text/html; charset=utf-8", HTML))
}

fn nothing(_: &Request) -> Option<Reply> {
    None
}

fn to(status: u16, place: String) -> Option<Reply> {
    Some(Reply::new(status).with("Location", place))
}

fn error(code: &str) -> Option<Reply> {
    Some(Reply::bytes(JSON, format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"m\"}}]}}")).status(400))
}

fn bearer(realm: &str) -> Option<Reply> {
    Some(Reply::new(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"s\"")))
}

fn manifest(bytes: impl Into<Vec<u8>>) -> Option<Reply> {
    Some(Reply::bytes(media::OCI_MANIFEST, bytes))
}

/// The sample's manifest with a part of its text replaced.
fn changed(from: &str, to: &str) -> Option<Reply> {
    let text = String::from_utf8(Sample::new().manifest).unwrap();
    assert!(text.contains(from), "{text}");
    manifest(text.replacen(from, to, 1))
}

fn layer() -> Vec<u8> {
    Sample::new().layer
}

fn wrong(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[7] ^= 1;
    bytes
}

macro_rules! lies {
    ($($step:literal / $kind:literal, $act:ident $(in $auth:ident)?, $refused:expr, $tell:expr $(, $beyond:expr)?;)*) => {
        vec![$(Lie {
            step: $step,
            kind: $kind,
            act: Act::$act,
            auth: lies!(@auth $($auth)?),
            refused: $refused,
            tell: $tell,
            beyond: lies!(@beyond $($beyond)?),
        }),*]
    };
    (@auth) => { Auth::Basic };
    (@auth $auth:ident) => { Auth::$auth };
    (@beyond) => { nothing };
    (@beyond $beyond:expr) => { $beyond };
}

/// A lie about one request; everything else is answered honestly.
macro_rules! at {
    ($method:literal, $part:literal, |$there:ident| $reply:expr) => {
        |request: &Request, _: &mut Content, $there: &str| if request.within($method, $part) { $reply } else { None }
    };
    ($method:literal, $part:literal, |$request:ident, $there:ident| $reply:expr) => {
        |$request: &Request, _: &mut Content, $there: &str| {
            if $request.within($method, $part) { $reply } else { None }
        }
    };
    ($method:literal, $part:literal, $reply:expr) => {
        |request: &Request, _: &mut Content, _: &str| if request.within($method, $part) { $reply } else { None }
    };
}

pub fn all() -> Vec<Lie> {
    [tags_and_documents(), blobs(), uploads(), writing(), lists(), tokens()].into_iter().flatten().collect()
}

fn tags_and_documents() -> Vec<Lie> {
    lies! {
        "tag" / "page for browsers", Resolve, ("registry.answer", 7), at!("GET", "/manifests/v1", html());
        "tag" / "no media type", Resolve, ("registry.answer", 7),
            at!("GET", "/manifests/v1", Some(Reply::of(Body::Bytes(Sample::new().manifest))));
        "tag" / "wrong media type", Resolve, ("oci.media-type", 11),
            at!("GET", "/manifests/v1", Some(Reply::bytes(media::OCI_INDEX, Sample::new().manifest)));
        "tag" / "manifest and index at once", Resolve, ("oci.confused", 11),
            at!("GET", "/manifests/v1", changed("\"layers\":", "\"manifests\":[],\"layers\":"));
        "tag" / "schema 1", Resolve, ("oci.schema1", 11),
            at!("GET", "/manifests/v1", Some(Reply::bytes("application/vnd.docker.distribution.manifest.v1+prettyjws", "{\"schemaVersion\":1}")));
        "tag" / "endless", Resolve, ("oci.too-large", 11),
            at!("GET", "/manifests/v1", Some(Reply::of(Body::Endless).with("Content-Type", media::OCI_MANIFEST)));
        "tag" / "truncated", Resolve, ("http.broken", 7),
            at!("GET", "/manifests/v1", Some(Reply::of(Body::Cut(b"{".to_vec(), 500)).with("Content-Type", media::OCI_MANIFEST)));
        "tag" / "empty", Resolve, ("oci.json", 11), at!("GET", "/manifests/v1", manifest(""));
        "tag" / "one name twice", Resolve, ("oci.json", 11),
            at!("GET", "/manifests/v1", changed("\"layers\":", "\"layers\":[],\"layers\":"));
        "tag" / "bytes behind the end", Resolve, ("oci.json", 11),
            at!("GET", "/manifests/v1", manifest([Sample::new().manifest, b"{}".to_vec()].concat()));
        "tag" / "digest that is a path", Resolve, ("oci.digest", 11),
            at!("GET", "/manifests/v1", changed("\"digest\":\"sha256:", "\"digest\":\"sha256:../../../"));
        "tag" / "digest of another algorithm", Resolve, ("oci.digest", 11),
            at!("GET", "/manifests/v1", changed("\"digest\":\"sha256:", "\"digest\":\"sha512:"));
        "tag" / "negative size", Resolve, ("oci.document", 11),
            at!("GET", "/manifests/v1", changed("\"size\":", "\"size\":-"));
        "tag" / "busy for ever", Resolve, ("registry.busy", 7), at!("GET", "/manifests/v1", Some(Reply::new(429)));
        "tag" / "failing for ever", Resolve, ("registry.status", 7), at!("GET", "/manifests/v1", Some(Reply::new(500)));
        "tag" / "hangs up", Resolve, ("http.no-answer", 7), at!("GET", "/manifests/v1", Some(Reply::of(Body::Hangup)));
        "tag" / "says nothing", Resolve, ("http.silent", 7), at!("GET", "/manifests/v1", Some(Reply::of(Body::Silence)));
        "tag" / "digest header lies", Resolve, FINE,
            at!("GET", "/manifests/v1", manifest(Sample::new().manifest).map(|reply| reply.with("Docker-Content-Digest", "sha256:../../etc/passwd")));
        "tag" / "moves between two reads", Resolve, FINE,
            |request, content, _| {
                if request.within("GET", "/manifests/v1") && !request.header("authorization").is_empty() {
                    let sample = Sample::new();
                    let reply = manifest(sample.manifest);
                    content.manifests.insert("v1".into(), (media::OCI_MANIFEST.into(), sample.other));
                    return reply;
                }
                None
            };
        "tag" / "redirect elsewhere", Resolve, FINE,
            at!("GET", "/manifests/v1", |request, there| {
                (!request.header("authorization").is_empty()).then(|| to(307, format!("http://{there}{}", request.path)))?
            });
        "tag" / "redirect without a place", Resolve, ("registry.redirect", 8), at!("GET", "/manifests/v1", Some(Reply::new(307)));
        "tag" / "redirect in a circle", Resolve, ("registry.redirect", 8),
            at!("GET", "/manifests/v1", |request, _there| to(302, request.path.clone()));
        "tag" / "redirect to a file", Resolve, ("registry.redirect", 8),
            at!("GET", "/manifests/v1", to(302, "file:///etc/passwd".into()));
        "tag" / "redirect without encryption", Resolve, ("registry.redirect", 8),
            at!("GET", "/manifests/v1", to(302, "http://192.0.2.1/v2/a/manifests/v1".into()));

        "document" / "wrong bytes", Document, ("oci.digest-mismatch", 8),
            at!("GET", "/manifests/sha256", changed("\"schemaVersion\":2", "\"schemaVersion\":3"));
        "document" / "too short", Document, ("oci.size-mismatch", 8), at!("GET", "/manifests/sha256", manifest("{}"));
        "document" / "too long", Document, ("registry.size", 8),
            at!("GET", "/manifests/sha256", manifest([Sample::new().manifest, vec![b' '; 9]].concat()));
        "document" / "endless", Document, ("registry.size", 8),
            at!("GET", "/manifests/sha256", Some(Reply::of(Body::Endless).with("Content-Type", media::OCI_MANIFEST)));
        "document" / "wrong media type", Document, ("registry.media-type", 8),
            at!("GET", "/manifests/sha256", Some(Reply::bytes(media::DOCKER_MANIFEST, Sample::new().manifest)));
        "document" / "page for browsers", Document, ("registry.answer", 7), at!("GET", "/manifests/sha256", html());
        "document" / "truncated", Document, ("http.broken", 7),
            at!("GET", "/manifests/sha256", Some(Reply::of(Body::Cut(b"{".to_vec(), 500)).with("Content-Type", media::OCI_MANIFEST)));
        "document" / "not there", Document, ("registry.not-found", 7), at!("GET", "/manifests/sha256", Some(Reply::new(404)));
        "document" / "tag's new content for the digest", Document, ("oci.size-mismatch", 8),
            at!("GET", "/manifests/sha256", manifest(Sample::new().other));
        "document" / "redirect to wrong bytes", Document, ("oci.digest-mismatch", 8),
            at!("GET", "/manifests/sha256", |request, there| to(307, format!("http://{there}{}", request.path))),
            |_| changed("\"schemaVersion\":2", "\"schemaVersion\":3");

        "question for a document" / "another size", HasDocument, ("registry.size", 8),
            at!("HEAD", "/manifests/", Some(Reply::of(Body::Length(7))));
        "question for a document" / "busy for ever", HasDocument, ("registry.busy", 7),
            at!("HEAD", "/manifests/", Some(Reply::new(429)));
        "question for a document" / "redirect without encryption", HasDocument, ("registry.redirect", 8),
            at!("HEAD", "/manifests/", to(302, "http://192.0.2.1/".into()));
    }
}

fn blobs() -> Vec<Lie> {
    lies! {
        "blob" / "wrong bytes", Blob, ("oci.digest-mismatch", 8),
            at!("GET", "/blobs/", Some(Reply::of(Body::Bytes(wrong(&layer())))));
        "blob" / "announced too long", Blob, ("registry.size", 8),
            at!("GET", "/blobs/", Some(Reply::of(Body::Bytes([layer(), vec![0]].concat()))));
        "blob" / "announced too short", Blob, ("registry.size", 8),
            at!("GET", "/blobs/", Some(Reply::of(Body::Bytes(layer()[1..].to_vec()))));
        "blob" / "page for browsers", Blob, ("registry.size", 8), at!("GET", "/blobs/", html());
        "blob" / "endless", Blob, ("oci.endless", 8), at!("GET", "/blobs/", Some(Reply::of(Body::Endless)));
        "blob" / "one byte more, unannounced", Blob, ("oci.endless", 8),
            at!("GET", "/blobs/", Some(Reply::of(Body::Unannounced([layer(), vec![0]].concat()))));
        "blob" / "truncated for ever", Blob, ("http.broken", 7),
            at!("GET", "/blobs/", |request, _there| {
                let sent = Reply::of(Body::Cut(Vec::new(), layer().len() as u64));
                (request.header("range").is_empty()).then_some(sent).or(Some(Reply::of(Body::Hangup).status(206)))
            });
        "blob" / "stalls", Blob, ("http.stalled", 7),
            at!("GET", "/blobs/", Some(Reply::of(Body::Stall(Vec::new(), layer().len() as u64))));
        "blob" / "drips", Blob, ("http.stalled", 7), at!("GET", "/blobs/", |request, _there| {
            (request.header("range").is_empty()).then(|| Reply::of(Body::Drip(layer().len() as u64))).or_else(|| {
                let from = request.header("range").trim_start_matches("bytes=").trim_end_matches('-').to_owned();
                let size = layer().len();
                let left = (size - from.parse::<usize>().unwrap()) as u64;
                Some(Reply::of(Body::Drip(left)).status(206).with("Content-Range", format!("bytes {from}-{}/{size}", size - 1)))
            })
        });
        "blob" / "not there", Blob, ("registry.not-found", 7), at!("GET", "/blobs/", Some(Reply::new(404)));
        "blob" / "part of it unasked", Blob, ("registry.answer", 7),
            at!("GET", "/blobs/", Some(Reply::of(Body::Bytes(layer())).status(206)));
        "blob" / "busy for an hour", Blob, ("registry.busy", 7),
            at!("GET", "/blobs/", Some(Reply::new(429).with("Retry-After", "3600")));
        "blob" / "redirect to a login elsewhere", Blob, ("registry.denied", 3),
            at!("GET", "/blobs/", |request, there| to(307, format!("http://{there}{}", request.path))),
            |_| Some(Reply::new(401).with("WWW-Authenticate", "Basic realm=\"give me\""));
        "blob" / "redirect to wrong bytes", Blob, ("oci.digest-mismatch", 8),
            at!("GET", "/blobs/", |request, there| to(307, format!("http://{there}{}", request.path))),
            |_| Some(Reply::of(Body::Bytes(wrong(&layer()))));
        "blob" / "redirect elsewhere", Blob, FINE,
            at!("GET", "/blobs/", |request, there| to(307, format!("http://{there}{}", request.path)));
        "blob" / "redirect with a password in it", Blob, FINE,
            at!("GET", "/blobs/", |request, there| to(307, format!("http://me:canary-password@{there}{}", request.path)));
        "blob" / "redirect elsewhere and back to a circle", Blob, ("registry.redirect", 8),
            at!("GET", "/blobs/", |request, there| to(307, format!("http://{there}{}", request.path))),
            |request| to(307, request.path.clone());
        "blob" / "redirect without encryption", Blob, ("registry.redirect", 8),
            at!("GET", "/blobs/", to(307, "http://192.0.2.1/blob".into()));

        "rest of a blob" / "another start", Blob, ("registry.range", 8), |request, _, _| rest(request, |_, size| {
            Reply::of(Body::Bytes(layer())).status(206).with("Content-Range", format!("bytes 0-{}/{size}", size - 1))
        });
        "rest of a blob" / "another size", Blob, ("registry.range", 8), |request, _, _| rest(request, |from, size| {
            Reply::of(Body::Bytes(layer())).status(206).with("Content-Range", format!("bytes {from}-{}/{}", size - 1, size + 1))
        });
        "rest of a blob" / "no range told", Blob, ("registry.range", 8),
            |request, _, _| rest(request, |_, _| Reply::of(Body::Bytes(layer())).status(206));
        "rest of a blob" / "no such rest", Blob, ("registry.range", 8),
            |request, _, _| rest(request, |_, _| Reply::new(416));
        "rest of a blob" / "wrong bytes", Blob, ("oci.digest-mismatch", 8), |request, _, _| rest(request, |from, size| {
            let bytes = wrong(&layer()[from..]);
            Reply::of(Body::Bytes(bytes)).status(206).with("Content-Range", format!("bytes {from}-{}/{size}", size - 1))
        });
        "rest of a blob" / "everything again, and another", Blob, ("oci.digest-mismatch", 8), |request, _, _| rest(request, |_, size| {
            Reply::of(Body::Bytes(vec![0; size]))
        });
        "rest of a blob" / "everything again", Blob, FINE, |request, _, _| rest(request, |_, _| Reply::of(Body::Bytes(layer())));
        "rest of a blob" / "ends early without a word", Blob, ("registry.range", 8),
            at!("GET", "/blobs/", |request, _there| match request.header("range") {
                "" => Some(Reply::of(Body::Unannounced(layer()[..1000].to_vec()))),
                _ => Some(Reply::new(416)),
            });

        "question for a blob" / "another size", HasBlob, ("registry.size", 8), at!("HEAD", "/blobs/", Some(Reply::of(Body::Length(7))));
        "question for a blob" / "failing for ever", HasBlob, ("registry.status", 7), at!("HEAD", "/blobs/", Some(Reply::new(503)));
        "question for a blob" / "not allowed", HasBlob, ("registry.denied", 3), at!("HEAD", "/blobs/", Some(Reply::new(403)));
        "question for a blob" / "redirect without encryption", HasBlob, ("registry.redirect", 8),
            at!("HEAD", "/blobs/", to(307, "http://192.0.2.1/blob".into()));
    }
}

/// A blob that is cut after a part, and then a lie about the rest.
fn rest(request: &Request, lie: impl Fn(usize, usize) -> Reply) -> Option<Reply> {
    if !request.within("GET", "/blobs/") {
        return None;
    }
    let size = layer().len();
    match request.header("range").trim_start_matches("bytes=").trim_end_matches('-').parse() {
        Ok(from) => Some(lie(from, size)),
        Err(_) => Some(Reply::of(Body::Cut(layer()[..1000].to_vec(), size as u64))),
    }
}

fn uploads() -> Vec<Lie> {
    lies! {
        "upload begins" / "place elsewhere", PutBlob, ("registry.location", 8),
            at!("POST", "/uploads/", |there| to(202, format!("http://{there}/v2/a/blobs/uploads/x")));
        "upload begins" / "place at another port", PutBlob, ("registry.location", 8),
            at!("POST", "/uploads/", to(202, "http://127.0.0.1:1/v2/a/blobs/uploads/x".into()));
        "upload begins" / "place is a file", PutBlob, ("registry.location", 8),
            at!("POST", "/uploads/", to(202, "file:///etc/passwd".into()));
        "upload begins" / "no place", PutBlob, ("registry.answer", 7), at!("POST", "/uploads/", Some(Reply::new(202)));
        "upload begins" / "another success", PutBlob, ("registry.answer", 7),
            at!("POST", "/uploads/", to(200, "/v2/a/blobs/uploads/x".into()));
        "upload begins" / "redirect elsewhere", PutBlob, ("registry.redirect", 8),
            at!("POST", "/uploads/", |there| to(307, format!("http://{there}/v2/a/blobs/uploads/")));
        "upload begins" / "busy for ever", PutBlob, ("registry.busy", 7), at!("POST", "/uploads/", Some(Reply::new(429)));
        "upload begins" / "not allowed", PutBlob, ("registry.denied", 3), at!("POST", "/uploads/", Some(Reply::new(403)));
        "upload begins" / "refuses the password for ever", PutBlob, ("registry.unauthorized", 3),
            at!("POST", "/uploads/", Some(Reply::new(401).with("WWW-Authenticate", "Basic realm=\"r\"")));

        "upload" / "other digest", PutBlob, ("registry.upload-digest", 8), at!("PUT", "/uploads/", error("DIGEST_INVALID"));
        "upload" / "another success", PutBlob, ("registry.answer", 7), at!("PUT", "/uploads/", Some(Reply::new(202).with("Location", "/x")));
        "upload" / "unknown for ever", PutBlob, ("registry.not-found", 7), at!("PUT", "/uploads/", Some(Reply::new(404)));
        "upload" / "redirect elsewhere", PutBlob, ("registry.redirect", 8),
            at!("PUT", "/uploads/", |there| to(307, format!("http://{there}/x")));
        "upload" / "hangs up for ever", PutBlob, ("http.no-answer", 7), at!("PUT", "/uploads/", Some(Reply::of(Body::Hangup)));
        "upload" / "failing for ever", PutBlob, ("registry.status", 7), at!("PUT", "/uploads/", Some(Reply::new(500)));
        "upload" / "too large in any size", PutBlob, ("registry.status", 7), |request, _, _| {
            (request.within("PUT", "/uploads/") || request.within("PATCH", "/uploads/")).then(|| Reply::new(413))
        };

        "state of an upload" / "more than was sent", PutBlob, ("registry.range", 8),
            |request, _, _| cut(request, || Reply::new(204).with("Range", "0-9999999"));
        "state of an upload" / "no range", PutBlob, ("registry.range", 8),
            |request, _, _| cut(request, || Reply::new(204).with("Range", "all of it"));
        "state of an upload" / "place elsewhere", PutBlob, ("registry.location", 8), |request, _, there| {
            let place = format!("http://{there}/x");
            cut(request, || Reply::new(204).with("Range", "0-9").with("Location", place.as_str()))
        };
        "state of an upload" / "lost for ever", PutBlob, ("registry.not-found", 7), |request, _, _| cut(request, || Reply::new(404));
        "state of an upload" / "redirect elsewhere", PutBlob, ("registry.redirect", 8), |request, _, there| {
            let place = format!("http://{there}/x");
            cut(request, || Reply::new(307).with("Location", place.as_str()))
        };

        "rest of an upload" / "fewer bytes than before", PutBlob, ("registry.range", 8),
            |request, _, _| patch(request, || Reply::new(202).with("Location", "/v2/a/blobs/uploads/x").with("Range", "0-4"));
        "rest of an upload" / "place elsewhere", PutBlob, ("registry.location", 8), |request, _, there| {
            let place = format!("http://{there}/x");
            patch(request, || Reply::new(202).with("Location", place.as_str()))
        };
        "rest of an upload" / "no place", PutBlob, ("registry.answer", 7), |request, _, _| patch(request, || Reply::new(202));
        "rest of an upload" / "out of order for ever", PutBlob, ("registry.status", 7), |request, _, _| patch(request, || Reply::new(416));

        "mount" / "place elsewhere", Mount, ("registry.location", 8),
            at!("POST", "/uploads/", |there| to(202, format!("http://{there}/v2/a/blobs/uploads/x")));
        "mount" / "no place", Mount, ("registry.answer", 7), at!("POST", "/uploads/", Some(Reply::new(202)));
        "mount" / "redirect elsewhere", Mount, ("registry.redirect", 8),
            at!("POST", "/uploads/", |there| to(307, format!("http://{there}/v2/a/blobs/uploads/")));
        "mount" / "busy for ever", Mount, ("registry.busy", 7), at!("POST", "/uploads/", Some(Reply::new(429)));
    }
}

/// An upload that is cut for ever, and a lie about how much has arrived.
fn cut(request: &Request, lie: impl Fn() -> Reply) -> Option<Reply> {
    if request.within("PUT", "/uploads/") {
        return Some(Reply::of(Body::Hangup));
    }
    request.within("GET", "/uploads/").then(lie)
}

/// An upload that is cut after ten bytes, and a lie about the rest.
fn patch(request: &Request, lie: impl Fn() -> Reply) -> Option<Reply> {
    if request.within("PATCH", "/uploads/") {
        return Some(lie());
    }
    cut(request, || Reply::new(204).with("Range", "0-9"))
}

fn writing() -> Vec<Lie> {
    lies! {
        "document is written" / "other digest", PutDocument, ("registry.upload-digest", 8), at!("PUT", "/manifests/", error("DIGEST_INVALID"));
        "document is written" / "another success", PutDocument, ("registry.answer", 7), at!("PUT", "/manifests/", Some(Reply::new(200)));
        "document is written" / "page for browsers", PutDocument, ("registry.answer", 7), at!("PUT", "/manifests/", html());
        "document is written" / "redirect elsewhere", PutDocument, ("registry.redirect", 8),
            at!("PUT", "/manifests/", |there| to(307, format!("http://{there}/x")));
        "document is written" / "busy for ever", PutDocument, ("registry.busy", 7), at!("PUT", "/manifests/", Some(Reply::new(429)));
        "document is written" / "not allowed", PutDocument, ("registry.denied", 3), at!("PUT", "/manifests/", Some(Reply::new(403)));

        "tag is moved" / "stands for something else", MoveTag, ("registry.tag-moved", 12),
            at!("GET", "/manifests/v1", manifest(Sample::new().manifest));
        "tag is moved" / "is not there", MoveTag, ("registry.not-found", 7), at!("GET", "/manifests/v1", Some(Reply::new(404)));
        "tag is moved" / "page for browsers", MoveTag, ("registry.answer", 7), at!("GET", "/manifests/v1", html());
        "tag is guarded" / "stands for something else", GuardTag, ("registry.tag-exists", 12),
            at!("GET", "/manifests/v1", manifest(Sample::new().other));
        "tag is guarded" / "digest header lies", GuardTag, ("registry.tag-exists", 12), at!("GET", "/manifests/v1", {
            let sample = Sample::new();
            manifest(sample.other).map(|reply| reply.with("Docker-Content-Digest", sample.manifest_at.digest.to_string()))
        });
        "tag is guarded" / "failing for ever", GuardTag, ("registry.status", 7), at!("GET", "/manifests/v1", Some(Reply::new(502)));

        "image is deleted" / "not allowed", Delete, ("registry.unsupported", 7), at!("DELETE", "/manifests/", Some(Reply::new(405)));
        "image is deleted" / "redirect elsewhere", Delete, ("registry.redirect", 8),
            at!("DELETE", "/manifests/", |there| to(307, format!("http://{there}/x")));
        "referrer is written" / "list never keeps it", PutReferrer, ("registry.referrers-race", 12),
            at!("GET", "/manifests/sha256-", Some(Reply::bytes(media::OCI_INDEX, Index::new(Vec::new()).encode())));
        "referrer is written" / "list is an image", PutReferrer, ("registry.media-type", 8),
            at!("GET", "/manifests/sha256-", manifest(Sample::new().other));
    }
}

fn index(entries: Vec<Descriptor>) -> Option<Reply> {
    Some(Reply::bytes(media::OCI_INDEX, Index::new(entries).encode()))
}

fn lists() -> Vec<Lie> {
    lies! {
        "list of tags" / "goes on elsewhere", Tags, ("registry.link", 8), at!("GET", "/tags/list", |there| {
            Some(Reply::bytes(JSON, "{\"tags\":[]}").with("Link", format!("<http://{there}/v2/a/tags/list?n=1>; rel=\"next\"")))
        });
        "list of tags" / "goes on in another list", Tags, ("registry.link", 8),
            at!("GET", "/tags/list", Some(Reply::bytes(JSON, "{\"tags\":[]}").with("Link", "</v2/b/tags/list>; rel=\"next\"")));
        "list of tags" / "goes on with itself", Tags, ("registry.link", 8), at!("GET", "/tags/list", |request, _there| {
            Some(Reply::bytes(JSON, "{\"tags\":[]}").with("Link", format!("<{}?{}>; rel=\"next\"", request.path, request.query)))
        });
        "list of tags" / "goes on for ever", Tags, ("registry.endless-list", 8), at!("GET", "/tags/list", |request, _there| {
            let next = format!("<{}?n=1&last={}>; rel=\"next\"", request.path, request.number);
            Some(Reply::bytes(JSON, "{\"tags\":[\"a\"]}").with("Link", next))
        });
        "list of tags" / "page for browsers", Tags, ("registry.answer", 7), at!("GET", "/tags/list", html());
        "list of tags" / "endless", Tags, ("registry.endless-list", 8),
            at!("GET", "/tags/list", Some(Reply::of(Body::Endless).with("Content-Type", JSON)));
        "list of tags" / "tag that is a path", Tags, ("registry.answer", 7),
            at!("GET", "/tags/list", Some(Reply::bytes(JSON, "{\"tags\":[\"../../etc\"]}")));
        "list of tags" / "tags that are numbers", Tags, ("registry.answer", 7),
            at!("GET", "/tags/list", Some(Reply::bytes(JSON, "{\"tags\":[1]}")));
        "list of tags" / "no list", Tags, ("registry.answer", 7), at!("GET", "/tags/list", Some(Reply::bytes(JSON, "{\"tags\":7}")));
        "list of tags" / "one name twice", Tags, ("registry.answer", 7),
            at!("GET", "/tags/list", Some(Reply::bytes(JSON, "{\"tags\":[],\"tags\":[\"a\"]}")));
        "list of tags" / "redirect elsewhere", Tags, ("registry.redirect", 8),
            at!("GET", "/tags/list", |request, there| to(307, format!("http://{there}{}", request.path)));

        "referrers" / "about something else", Referrers, ("registry.referrer", 8),
            at!("GET", "/referrers/", index(vec![Sample::new().other_at]));
        "referrers" / "about nothing", Referrers, ("registry.referrer", 8), at!("GET", "/referrers/", {
            index(vec![Sample::new().manifest_at])
        });
        "referrers" / "wrong bytes", Referrers, ("oci.digest-mismatch", 8), |request, _, _| {
            let sample = Sample::new();
            let own = request.within("GET", &format!("/manifests/{}", sample.referrer_at.digest));
            own.then(|| manifest(wrong(&sample.referrer)))?
        };
        "referrers" / "not there", Referrers, ("registry.not-found", 7),
            at!("GET", "/referrers/", index(vec![Descriptor::of(media::OCI_MANIFEST, CONFIG)]));
        "referrers" / "another size", Referrers, ("oci.size-mismatch", 8), at!("GET", "/referrers/", {
            let mut entry = Sample::new().referrer_at;
            entry.size += 1;
            index(vec![entry])
        });
        "referrers" / "go on elsewhere", Referrers, ("registry.link", 8), at!("GET", "/referrers/", |there| {
            Some(index(Vec::new())?.with("Link", format!("<http://{there}/v2/a/referrers/x>; rel=\"next\"")))
        });
        "referrers" / "manifest and index at once", Referrers, ("registry.answer", 7), at!("GET", "/referrers/", {
            Some(Reply::bytes(media::OCI_INDEX, br#"{"schemaVersion":2,"manifests":[],"layers":[]}"#.to_vec()))
        });
        "referrers" / "more than anybody reads", Referrers, ("registry.endless-list", 8),
            at!("GET", "/referrers/", index(vec![Sample::new().referrer_at; 1001]));
        "referrers" / "endless", Referrers, ("registry.endless-list", 8),
            at!("GET", "/referrers/", Some(Reply::of(Body::Endless).with("Content-Type", media::OCI_INDEX)));
        "referrers' tag" / "an image", Referrers, ("registry.media-type", 8), at!("GET", "/manifests/sha256-", manifest(Sample::new().other));
        "referrers' tag" / "digest that is a path", Referrers, ("oci.digest", 11), at!("GET", "/manifests/sha256-", {
            let bytes = String::from_utf8(Index::new(vec![Sample::new().referrer_at]).encode()).unwrap();
            Some(Reply::bytes(media::OCI_INDEX, bytes.replace("sha256:", "sha256:../")))
        });
        "referrers' tag" / "about something else", Referrers, ("registry.referrer", 8),
            at!("GET", "/manifests/sha256-", index(vec![Sample::new().other_at]));
    }
}

fn tokens() -> Vec<Lie> {
    lies! {
        "challenge" / "realm elsewhere", Resolve in Bearer, ("registry.realm", 8),
            at!("GET", "/manifests/v1", |there| bearer(&format!("http://{there}/token")));
        "challenge" / "realm at another port of the same machine", Resolve in Bearer, ("registry.realm", 8),
            at!("GET", "/manifests/v1", bearer("http://127.0.0.1:1/token"));
        "challenge" / "realm looks like the registry", Resolve in Bearer, ("registry.realm", 8),
            |request, _, there| request.within("GET", "/manifests/v1").then(|| bearer(&format!("http://{}@{there}/token", request.header("host"))))?;
        "challenge" / "realm is a file", Resolve in Bearer, ("registry.realm", 8), at!("GET", "/manifests/v1", bearer("file:///etc/passwd"));
        "challenge" / "realm is nothing", Resolve in Bearer, ("registry.realm", 8), at!("GET", "/manifests/v1", bearer("token"));
        "challenge" / "realm elsewhere while writing", PutBlob in Bearer, ("registry.realm", 8),
            at!("POST", "/uploads/", |there| bearer(&format!("http://{there}/token")));
        "challenge" / "unknown scheme", Resolve, ("registry.unauthorized", 3),
            at!("GET", "/manifests/v1", Some(Reply::new(401).with("WWW-Authenticate", "Negotiate")));
        "challenge" / "none", Resolve, ("registry.unauthorized", 3), at!("GET", "/manifests/v1", Some(Reply::new(401)));
        "challenge" / "password refused for ever", Resolve, ("registry.unauthorized", 3),
            at!("GET", "/manifests/v1", Some(Reply::new(401).with("WWW-Authenticate", "Basic realm=\"r\"")));
        "challenge" / "now a password, now a token, for ever", Resolve in Bearer, ("registry.unauthorized", 3), |request, _, _| {
            let own = format!("http://{}/token", request.header("host"));
            request.within("GET", "/manifests/v1").then(|| match request.number % 2 {
                0 => Some(Reply::new(401).with("WWW-Authenticate", "Basic realm=\"r\"")),
                _ => bearer(&own),
            })?
        };
        "token" / "refused for ever", Resolve in Bearer, ("registry.unauthorized", 3), |request, _, _| {
            let own = format!("http://{}/token", request.header("host"));
            request.within("GET", "/manifests/v1").then(|| bearer(&own))?
        };
        "token" / "not given", Resolve in Bearer, ("registry.unauthorized", 3), at!("GET", "/token", Some(Reply::new(401)));
        "token" / "redirect elsewhere", Resolve in Bearer, ("registry.redirect", 8),
            at!("GET", "/token", |there| to(307, format!("http://{there}/token")));
        "token" / "page for browsers", Resolve in Bearer, ("registry.answer", 7), at!("GET", "/token", html());
        "token" / "empty answer", Resolve in Bearer, ("registry.answer", 7), at!("GET", "/token", Some(Reply::bytes(JSON, "{}")));
        "token" / "holds another header", Resolve in Bearer, ("registry.answer", 7),
            at!("GET", "/token", Some(Reply::bytes(JSON, r#"{"token":"a\r\nHost: evil"}"#)));
        "token" / "one name twice", Resolve in Bearer, ("registry.answer", 7),
            at!("GET", "/token", Some(Reply::bytes(JSON, r#"{"token":"a","token":"b"}"#)));
        "token" / "endless", Resolve in Bearer, ("registry.answer", 7), at!("GET", "/token", Some(Reply::of(Body::Endless)));
        "token" / "busy for ever", Resolve in Bearer, ("registry.busy", 7), at!("GET", "/token", Some(Reply::new(429)));
        "token" / "is old before it comes", Resolve in Bearer, FINE,
            |request, _, _| (request.within("GET", "/token") && request.header("authorization") == format!("Basic {BASIC}"))
                .then(|| Reply::bytes(JSON, r#"{"token":"canary-token","expires_in":-1}"#));
    }
}
