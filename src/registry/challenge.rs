//! What a registry wants of whoever asks: `WWW-Authenticate` (RFC 9110 §11.6.1; distribution, "Token Authentication").

/// One challenge of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token that another address gives.
    Bearer {
        /// Where tokens are given.
        realm: String,
        /// For whom they are.
        service: Option<String>,
    },
}

impl Challenge {
    /// The strongest challenge of some header values: a token where one is offered. What cannot be read counts for
    /// nothing.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let all: Vec<Self> = values.flat_map(read).collect();
        all.iter().find(|one| matches!(one, Self::Bearer { .. })).or(all.first()).cloned()
    }
}

/// A scheme with its parameters.
struct Scheme<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, String)>,
}

fn read(value: &str) -> Vec<Challenge> {
    let mut schemes: Vec<Scheme<'_>> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        let (word, after) = rest.split_at(end);
        match after.trim_start().strip_prefix('=') {
            Some(after) => {
                let Some((text, after)) = quoted_or_token(after.trim_start()) else { break };
                if let Some(scheme) = schemes.last_mut() {
                    scheme.parameters.push((word, text));
                }
                rest = after;
            }
            None => {
                schemes.push(Scheme { name: word, parameters: Vec::new() });
                rest = after;
            }
        }
    }
    schemes.into_iter().filter_map(Scheme::challenge).collect()
}

impl Scheme<'_> {
    fn challenge(self) -> Option<Challenge> {
        let get = |name: &str| self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        if self.name.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !self.name.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (_, realm) = get("realm")?;
        Some(Challenge::Bearer { realm: realm.clone(), service: get("service").map(|(_, text)| text.clone()) })
    }
}

/// A character of a token (RFC 9110 §5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// A quoted string or a token, and what follows it.
fn quoted_or_token(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut out = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(characters.next()?.1),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.into(), service: service.map(Into::into) })
    }

    fn of(values: &[&str]) -> Option<Challenge> {
        Challenge::of(values.iter().copied())
    }

    #[test]
    fn the_challenges_of_real_registries_are_read() {
        assert_eq!(
            of(&[
                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull,push\""
            ]),
            bearer("https://auth.docker.io/token", Some("registry.docker.io"))
        );
        assert_eq!(of(&["Basic realm=\"Registry Realm\""]), Some(Challenge::Basic));
        assert_eq!(of(&["bearer Realm = https://a.example/t , SERVICE=b"]), bearer("https://a.example/t", Some("b")));
        assert_eq!(of(&["Basic realm=\"x\", Bearer realm=\"https://a\""]), bearer("https://a", None));
        assert_eq!(of(&["Negotiate", "Basic realm=\"x\""]), Some(Challenge::Basic));
        assert_eq!(of(&["Bearer realm=\"a\\\"b\""]), bearer("a\"b", None));
    }

    #[test]
    fn what_is_no_challenge_is_none() {
        for text in ["", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"unclosed", "Digest realm=\"x\"", "=", "\"\""]
        {
            assert_eq!(of(&[text]), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_an_end(text in ".{0,200}") {
            drop(of(&[&text]));
        }

        #[test]
        fn what_is_written_is_read(realm in "[ -~]{0,40}", service in "[ -~]{0,40}") {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("Bearer realm=\"{}\",service=\"{}\"", quote(&realm), quote(&service));
            prop_assert_eq!(of(&[&header]), bearer(&realm, Some(&service)));
        }
    }
}
