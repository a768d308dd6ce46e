#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::error::Fault;

/// A server of one kind of answer: each connection's request head is sent to the test and answered by a function of
/// the request's number.
fn server(answer: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heads) = channel();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
            if sender.send(head).is_err() {
                return;
            }
            let answer = answer.clone();
            std::thread::spawn(move || answer(number, &mut stream));
        }
    });
    (url, heads)
}

fn say(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    // The client may have hung up already; that is its right.
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}").ok();
}

fn http() -> Http {
    Http::hurried(&Env::default())
}

fn authorization(head: &str) -> Option<&str> {
    head.lines().find_map(|line| line.strip_prefix("authorization: "))
}

#[test]
fn a_body_is_read_whole() {
    let (url, _heads) = server(|_, stream| say(stream, "200 OK", "", "hello"));
    assert_eq!(http().get(&url, 5).unwrap(), b"hello");
}

#[test]
fn an_announced_body_over_the_cap_is_refused() {
    let (url, _heads) = server(|_, stream| say(stream, "200 OK", "", "hello"));
    assert_eq!(http().get(&url, 4).unwrap_err().code(), "http.too-large");
}

#[test]
fn an_endless_body_is_cut_at_the_cap_and_refused() {
    let (url, _heads) = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let mut seen = 0;
    let error = http().download(&url, &mut io::sink(), 100_000, &mut |done, _| seen = done).unwrap_err();
    assert_eq!((error.code(), error.kind().exit_code()), ("http.too-large", 7));
    assert!(seen <= 100_000);
}

#[test]
fn a_body_that_breaks_off_is_fetched_again_and_must_be_the_same() {
    let broken = |number: usize, stream: &mut TcpStream, second: &str| {
        if number == 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n01234").unwrap();
        } else {
            say(stream, "200 OK", "", second);
        }
    };
    let (url, _heads) = server(move |number, stream| broken(number, stream, "0123456789"));
    assert_eq!(http().get(&url, 10).unwrap(), b"0123456789");
    let (url, _heads) = server(move |number, stream| broken(number, stream, "01x3456789"));
    assert_eq!(http().get(&url, 10).unwrap_err().code(), "http.changed");
    let (url, _heads) = server(move |number, stream| broken(number, stream, "012"));
    assert_eq!(http().get(&url, 10).unwrap_err().code(), "http.changed");
}

#[test]
fn a_body_of_the_wrong_length_is_an_error_in_the_end() {
    let (url, heads) = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n01234").unwrap();
    });
    assert_eq!(http().get(&url, 10).unwrap_err().code(), "http.broken");
    assert_eq!(heads.try_iter().count(), 1 + RETRIES as usize);
}

#[test]
fn credentials_stay_at_their_origin() {
    let (other, other_heads) = server(|_, stream| say(stream, "200 OK", "", "there"));
    let (url, heads) = server(move |number, stream| match number {
        0 => say(stream, "302 Found", "Location: /again\r\n", ""),
        _ => say(stream, "307 Temporary Redirect", &format!("Location: {other}/x\r\n"), ""),
    });
    let with_user = url.replace("http://", "http://me:p%40ss@");
    assert_eq!(http().get(&with_user, 10).unwrap(), b"there");
    let seen: Vec<String> = heads.try_iter().collect();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|head| authorization(head) == Some("Basic bWU6cEBzcw==")), "{seen:?}");
    assert_eq!(authorization(&other_heads.recv().unwrap()), None);
}

#[test]
fn netrc_serves_its_host() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".netrc"), "machine 127.0.0.1 login me password secret").unwrap();
    let (url, heads) = server(|_, stream| say(stream, "200 OK", "", ""));
    let env = Env::of(dir.path().into(), [("HOME", dir.path().to_str().unwrap())]);
    Http::hurried(&env).get(&url, 1).unwrap();
    assert_eq!(authorization(&heads.recv().unwrap()), Some("Basic bWU6c2VjcmV0"));
}

#[test]
fn a_busy_server_is_asked_again() {
    let (url, heads) = server(|number, stream| match number {
        0 => say(stream, "429 Too Many Requests", "Retry-After: 0\r\n", ""),
        1 => say(stream, "503 Service Unavailable", "", ""),
        _ => say(stream, "200 OK", "", "ok"),
    });
    assert_eq!(http().get(&url, 2).unwrap(), b"ok");
    assert_eq!(heads.try_iter().count(), 3);
}

#[test]
fn what_is_not_there_is_not_asked_for_again() {
    for status in ["404 Not Found", "410 Gone"] {
        let (url, heads) = server(move |_, stream| say(stream, status, "", ""));
        assert_eq!(http().get(&url, 2).unwrap_err().code(), "http.not-found");
        assert_eq!(heads.try_iter().count(), 1);
    }
}

#[test]
fn a_refusal_is_shown_without_secrets_and_control_characters() {
    let (url, _heads) = server(|_, stream| say(stream, "403 Forbidden", "", "no \u{1b}[31mentry"));
    let url = url.replace("http://", "http://me:secret@") + "/a?token=hidden";
    let error = http().get(&url, 2).unwrap_err();
    assert_eq!((error.code(), error.detail().as_deref()), ("http.status", Some("no [31mentry")));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
}

#[test]
fn an_unreachable_server_is_named_without_secrets() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = http().get(&format!("http://me:secret@127.0.0.1:{port}/a?t=hidden"), 1).unwrap_err();
    assert_eq!((error.code(), error.kind().exit_code()), ("http.no-answer", 7));
    let failure = crate::error::Failure::from(error);
    let text = format!("{failure:?}");
    assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
}

#[test]
fn a_server_that_says_nothing_is_left() {
    let (url, _heads) = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0").unwrap();
        std::thread::sleep(Duration::from_millis(900));
    });
    assert_eq!(http().get(&url, 10).unwrap_err().code(), "http.stalled");
}

#[test]
fn a_server_that_drips_is_left() {
    let (url, _heads) = server(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
        while stream.write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(http().get(&url, 1000).unwrap_err().code(), "http.stalled");
}

#[test]
fn redirects_have_an_end_and_stay_on_the_web() {
    let (url, heads) = server(|_, stream| say(stream, "302 Found", "Location: /round\r\n", ""));
    assert_eq!(http().get(&url, 1).unwrap_err().code(), "http.too-many-redirects");
    assert_eq!(heads.try_iter().count(), 1 + REDIRECTS);
    let (url, _heads) = server(|_, stream| say(stream, "302 Found", "Location: file:///etc/passwd\r\n", ""));
    assert_eq!(http().get(&url, 1).unwrap_err().code(), "http.redirect");
}

#[test]
fn https_never_leads_to_http() {
    let from = Url::parse("https://a.example/").unwrap();
    let to = |location| redirect(&from, 302, Some(location));
    assert_eq!(to("http://a.example/").unwrap_err().code(), "http.redirect");
    assert_eq!(to("https://me:x@b.example/").unwrap().unwrap().as_str(), "https://b.example/");
    assert!(redirect(&from, 304, Some("/a")).unwrap().is_none());
}

#[test]
fn a_proxy_of_the_environment_is_used_but_not_for_the_machine_itself() {
    let (proxy, heads) = server(|_, stream| say(stream, "200 OK", "", "proxied"));
    let env = Env::of("/".into(), [("http_proxy", proxy.as_str()), ("NO_PROXY", "other.example")]);
    assert_eq!(Http::hurried(&env).get("http://far.example/a", 10).unwrap(), b"proxied");
    assert!(heads.recv().unwrap().starts_with("GET http://far.example/a HTTP/1.1\r\n"));
    let (near, _heads) = server(|_, stream| say(stream, "200 OK", "", "near"));
    assert_eq!(Http::hurried(&env).get(&near, 10).unwrap(), b"near");
}

#[test]
fn certificates_that_are_named_must_be_there() {
    let env = Env::of("/".into(), [("SSL_CERT_FILE", "/nowhere/ca.pem")]);
    assert_eq!(Http::new(&env).get("https://127.0.0.1:1/", 1).unwrap_err().code(), "http.setup");
}
