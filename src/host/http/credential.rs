//! Credentials for one origin: from the URL itself, else from the user's netrc file.

use reqwest::Url;

use super::HttpError;
use super::fault::shown;
use super::secret::{Authorization, Secret, may_carry_secrets};
use crate::host::env::Env;
use crate::host::files;

/// The most that is read of a netrc file.
const NETRC_CAP: u64 = 1 << 20;

/// Takes the userinfo out of an URL; without one looks the host up in the user's netrc file. As in the go command a
/// netrc entry is used over https only; on the machine itself http will do.
pub(super) fn take(env: &Env, url: &mut Url) -> Result<Option<Authorization>, HttpError> {
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or("")));
    if !user.is_empty() || !password.is_empty() {
        url.set_username("").and_then(|()| url.set_password(None)).expect("an URL with userinfo has a host");
        return basic(url, &user, password).map(|found| Some(Authorization { in_url: true, ..found }));
    }
    if !may_carry_secrets(url) {
        return Ok(None);
    }
    let Some((user, password)) = url.host_str().and_then(|host| lookup(env, host)) else { return Ok(None) };
    basic(url, &user, password).map(Some)
}

fn basic(url: &Url, user: &str, password: String) -> Result<Authorization, HttpError> {
    let refuse = || HttpError::Url { url: shown(url), why: "bad userinfo".into() };
    Authorization::basic(user, &Secret::new(password)).ok_or_else(refuse)
}

/// Userinfo as it was meant: `%XX` decoded.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Login and password of a host in `$NETRC` or `~/.netrc`. A file that is missing or unreadable has none, as for curl,
/// git and go.
fn lookup(env: &Env, host: &str) -> Option<(String, String)> {
    let name = if cfg!(windows) { "_netrc" } else { ".netrc" };
    let path = env.var("NETRC").map(Into::into).or_else(|| Some(env.home()?.join(name)))?;
    let text = String::from_utf8(files::read_if_present(&path, NETRC_CAP).ok()??).ok()?;
    entry(&text, host)
}

/// Finds a `machine` of a netrc file. `default` ends the search, as in the go command: it would send one host's
/// password to every other.
fn entry(text: &str, host: &str) -> Option<(String, String)> {
    let (mut ours, mut login, mut password, mut macro_body) = (false, None, None, false);
    for line in text.lines() {
        if macro_body {
            macro_body = !line.trim().is_empty();
            continue;
        }
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "machine" | "default" if ours && login.is_some() && password.is_some() => break,
                "default" => return None,
                "machine" => (ours, login, password) = (words.next() == Some(host), None, None),
                "login" => login = words.next(),
                "password" => password = words.next(),
                "account" => drop(words.next()),
                "macdef" => {
                    macro_body = true;
                    break;
                }
                comment if comment.starts_with('#') => break,
                _ => {}
            }
        }
        if let (true, Some(login), Some(password)) = (ours, login, password) {
            return Some((login.to_owned(), password.to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netrc_entry_is_found_for_its_host_alone() {
        let text = "# mine\nmachine a.example login me password one\nmacdef init\nmachine b.example login x password y\n\n\
                    machine c.example\n  login you\n  password two\ndefault login d password e\nmachine z login p password q";
        assert_eq!(entry(text, "a.example"), Some(("me".into(), "one".into())));
        assert_eq!(entry(text, "c.example"), Some(("you".into(), "two".into())));
        assert_eq!((entry(text, "b.example"), entry(text, "z"), entry(text, "example")), (None, None, None));
        assert_eq!(entry("machine a login x machine b login y password z", "a"), None);
    }

    #[test]
    fn two_entries_on_one_line_are_not_mixed() {
        let text = "machine a login la password pa machine b login lb password pb";
        assert_eq!(entry(text, "a"), Some(("la".into(), "pa".into())));
        assert_eq!(entry(text, "b"), Some(("lb".into(), "pb".into())));
    }

    #[test]
    fn userinfo_is_decoded() {
        assert_eq!(decoded("a%40b%2"), "a@b%2");
    }
}
