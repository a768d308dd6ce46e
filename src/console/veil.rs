//! What must not be printed: the secrets of the environment, in whatever spelling. Nothing of sealift prints one; but a
//! signer that fails, a proxy or a registry may repeat what it was given, and its words are shown.

use std::borrow::Cow;
use std::sync::Arc;

use base64ct::{Base64, Base64Url, Encoding};
use zeroize::Zeroizing;

use crate::host::env::Env;

/// What stands in a secret's place.
const MASK: &str = "***";

/// A shorter value is no secret worth its name, and would be found in every other word.
const SHORTEST: usize = 6;

/// Parts of a variable's name that say what its value is.
const SECRET: [&str; 8] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "PEM"];

/// Ends of names whose value is where a secret is, or something about it.
const NO_SECRET: [&str; 8] = ["FILE", "PATH", "DIR", "URL", "HOST", "USER", "ID", "PROGRAM"];

/// Every spelling of every secret, the longest first, and only once in memory.
#[derive(Clone, Default)]
pub struct Veil(Arc<Vec<Zeroizing<String>>>);

impl Veil {
    /// Finds the secrets of an environment: variables that are called so, passwords in addresses, headers that authorise,
    /// and the lines of keys.
    pub fn over(env: &Env) -> Self {
        let lines = |value: &str| -> Vec<Zeroizing<String>> {
            let secret = value.lines().filter(|line| !line.starts_with("-----"));
            secret.map(|line| Zeroizing::new(line.to_owned())).collect()
        };
        let mut secrets: Vec<_> = env.secrets().flat_map(lines).collect();
        for (name, value) in env.select(|_| true) {
            let parts: Vec<&str> = name.split('_').collect();
            let named = parts.iter().any(|part| SECRET.contains(part));
            let about = parts.last().is_some_and(|part| NO_SECRET.contains(part)) || value.starts_with('/');
            if named && !about {
                secrets.append(&mut lines(&value));
            }
            secrets.extend(in_addresses(&value).into_iter().map(Zeroizing::new));
            if let Some((_, header)) = value.to_ascii_lowercase().find("authorization:").map(|at| value.split_at(at)) {
                secrets.extend(header.split_whitespace().last().map(|word| Zeroizing::new(word.to_owned())));
            }
        }
        let long = secrets.iter().filter(|secret| secret.len() >= SHORTEST);
        let mut spellings: Vec<_> = long.flat_map(|secret| spellings(secret)).map(Zeroizing::new).collect();
        spellings.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        spellings.dedup();
        Self(Arc::new(spellings))
    }

    /// The text with a mask over every secret, and over every password of an address, whoever wrote it: a line of a
    /// configuration is shown where something is wrong with it.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for password in in_addresses(&text).into_iter().filter(|password| password != MASK) {
            text = Cow::Owned(text.replace(&format!("{password}@"), &format!("{MASK}@")));
        }
        for spelling in self.0.iter() {
            if text.contains(spelling.as_str()) {
                text = Cow::Owned(text.replace(spelling.as_str(), MASK));
            }
        }
        text
    }
}

/// The passwords in addresses: of `https://user:PASSWORD@host`, and a user alone over HTTP, which is a token. `git@` of
/// SSH is no secret.
fn in_addresses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || c.is_control() || r#"/,|?#"'`<>\{}()"#.contains(c));
        let Some((userinfo, _)) = rest[..end.unwrap_or(rest.len())].rsplit_once('@') else { continue };
        let is_http = text[..at].ends_with("http") || text[..at].ends_with("https");
        let secret = match userinfo.split_once(':') {
            Some((_, password)) => password,
            None if is_http => userinfo,
            None => continue,
        };
        if !secret.is_empty() {
            found.push(secret.to_owned());
        }
    }
    found
}

/// A secret as it is, as an address and JSON spell it, and what is sure to stand in the base64 of any text around it.
fn spellings(secret: &str) -> Vec<String> {
    let mut spellings = vec![secret.to_owned(), encoded(secret), decoded(secret)];
    let json = serde_json::Value::from(secret).to_string();
    spellings.push(json[1..json.len() - 1].to_owned());
    for before in 0..3 {
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
        // The first and the last group of four depend on what stands beside the secret.
        let (start, end) = (if before == 0 { 0 } else { 4 }, bytes.len() / 3 * 4);
        for text in [Base64::encode_string(&bytes), Base64Url::encode_string(&bytes)] {
            spellings.extend(text.get(start..end).map(str::to_owned));
        }
    }
    spellings.retain(|spelling| spelling.len() >= SHORTEST);
    spellings
}

/// Percent-encoded as in a password of an address (RFC 3986 §2.1).
fn encoded(secret: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    secret.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// As it was meant where an address holds it encoded.
fn decoded(secret: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = secret.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|_| *first == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(vars: &[(&str, &str)]) -> Veil {
        Veil::over(&Env::of("/".into(), vars.iter().copied()))
    }

    #[test]
    fn secrets_are_found_by_their_names_and_places() {
        let veil = veil(&[
            ("SEALIFT_KEY_PASSWORD", "correct horse"),
            ("SEALIFT_KEY_PEM", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n"),
            ("GOPROXY", "https://user:pass%20word@127.0.0.1:1,off"),
            ("GIT_CONFIG_VALUE_0", "Authorization: Bearer abcdefgh"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token"),
            ("CI_JOB_TOKEN", "short"),
            ("HOME", "/home/nobody"),
        ]);
        let said = "correct horse, MC4CAQAwBQYDK2Vw, pass%20word, pass word, abcdefgh, /var/token, short, /home/nobody";
        assert_eq!(veil.hide(said), "***, ***, ***, ***, ***, /var/token, short, /home/nobody");
        assert_eq!(veil.hide("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
        assert!(matches!(veil.hide("nothing of it"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_address_is_shown_without_its_password_whoever_wrote_it() {
        let veil = veil(&[]);
        for (said, shown) in [
            ("source = \"https://me:hunter2@example.com/a.git\"", "source = \"https://me:***@example.com/a.git\""),
            ("https://ghp_token@example.com,off", "https://***@example.com,off"),
            ("ssh://git@example.com/a https://example.com/@b", "ssh://git@example.com/a https://example.com/@b"),
            ("\"https://a.example\" \"me@b.example\"", "\"https://a.example\" \"me@b.example\""),
            ("http://a:b@c http://a:b@d", "http://a:***@c http://a:***@d"),
        ] {
            assert_eq!(veil.hide(said), shown);
            assert_eq!(veil.hide(shown), shown);
        }
    }

    #[test]
    fn other_spellings_are_hidden_too() {
        let secret = "p\"4ss/wörd+1";
        let veil = veil(&[("A_TOKEN", secret)]);
        assert_eq!(veil.hide("p%224ss%2Fw%C3%B6rd%2B1 p\\\"4ss/wörd+1"), "*** ***");
        for before in ["", "a", "ab", "abc", "user:"] {
            for text in [Base64::encode_string, Base64Url::encode_string] {
                let text = text(format!("{before}{secret}:behind").as_bytes());
                let hidden = veil.hide(&text).into_owned();
                assert!(hidden.contains(MASK) && hidden.len() < text.len() - 8, "{text}: {hidden}");
            }
        }
    }
}
