//! Addresses at the place where the source is: of commits, issues, merge requests and comparisons.

use std::fmt::Write;

use crate::config::settings::changelog::ForgeKind;

/// A repository on a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forge {
    kind: ForgeKind,
    /// `https://host`, and nothing behind it.
    origin: String,
    /// `https://host/owner/name`.
    project: String,
}

impl Forge {
    /// The forge behind the address of a source; `kind` where its host's name does not tell. None when the address is no
    /// web address of a project, or has a character that ends a link.
    pub fn of(source: &str, kind: Option<ForgeKind>) -> Option<Self> {
        let project = source.trim_end_matches('/').trim_end_matches(".git");
        let (scheme, rest) = project.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:%".contains(c);
        if !matches!(scheme, "http" | "https") || path.is_empty() || !rest.chars().all(plain) {
            return None;
        }
        let named = |words: &[&str]| words.iter().any(|word| host.contains(word));
        let guessed = || match () {
            () if named(&["github"]) => Some(ForgeKind::Github),
            () if named(&["gitlab"]) => Some(ForgeKind::Gitlab),
            () if named(&["gitea", "forgejo", "codeberg"]) => Some(ForgeKind::Gitea),
            () => None,
        };
        let kind = kind.or_else(guessed).filter(|kind| *kind != ForgeKind::None)?;
        Some(Self { kind, origin: format!("{scheme}://{host}"), project: project.to_owned() })
    }

    /// What stands between the project and the rest of an address.
    fn infix(&self) -> &'static str {
        if self.kind == ForgeKind::Gitlab { "/-" } else { "" }
    }

    /// A commit, by its full name.
    pub fn commit(&self, id: &str) -> String {
        format!("{}{}/commit/{id}", self.project, self.infix())
    }

    /// What is new in a tag; all of it where there is no earlier one.
    pub fn compare(&self, earlier: Option<&str>, tag: &str) -> String {
        let (project, infix, tag) = (&self.project, self.infix(), encode(tag));
        match (earlier, self.kind) {
            (Some(earlier), _) => format!("{project}{infix}/compare/{}...{tag}", encode(earlier)),
            (None, ForgeKind::Gitlab) => format!("{project}{infix}/releases/{tag}"),
            (None, _) => format!("{project}/releases/tag/{tag}"),
        }
    }

    /// An issue or a merge request, as a text names it: `#12`, `!7`, `owner/name#3`. None for any other text.
    pub fn reference(&self, text: &str) -> Option<String> {
        let at = text.find(['#', '!'])?;
        let (path, number) = (&text[..at], &text[at + 1..]);
        let is_number = (1..10).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit());
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        let is_path = path.is_empty() || (path.contains('/') && path.split('/').all(is_part));
        if !is_number || !is_path {
            return None;
        }
        let place = match (text.as_bytes()[at], self.kind) {
            (b'#', _) => "issues",
            (_, ForgeKind::Gitlab) => "merge_requests",
            _ => return None,
        };
        let project = if path.is_empty() { self.project.clone() } else { format!("{}/{path}", self.origin) };
        Some(format!("{project}{}/{place}/{number}", self.infix()))
    }
}

/// A tag within an address: letters, digits, `-._~` and `/` stay (RFC 3986 §2.3).
fn encode(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("writing to a string"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forge_has_its_own_addresses() {
        let github = Forge::of("https://github.com/o/n.git", None).unwrap();
        let gitlab = Forge::of("https://gitlab.example/g/s/n", None).unwrap();
        let gitea = Forge::of("https://git.example:3000/o/n/", Some(ForgeKind::Gitea)).unwrap();
        assert_eq!(github.commit("abc"), "https://github.com/o/n/commit/abc");
        assert_eq!(gitlab.commit("abc"), "https://gitlab.example/g/s/n/-/commit/abc");
        assert_eq!(gitea.compare(Some("v1"), "a/v2+b"), "https://git.example:3000/o/n/compare/v1...a/v2%2Bb");
        assert_eq!(gitlab.compare(Some("v1"), "v2"), "https://gitlab.example/g/s/n/-/compare/v1...v2");
        assert_eq!(github.compare(None, "v1"), "https://github.com/o/n/releases/tag/v1");
        assert_eq!(gitlab.compare(None, "v1"), "https://gitlab.example/g/s/n/-/releases/v1");
        let to = |forge: &Forge, text: &str| forge.reference(text).unwrap_or_default();
        assert_eq!(to(&github, "#12"), "https://github.com/o/n/issues/12");
        assert_eq!(to(&gitlab, "!7"), "https://gitlab.example/g/s/n/-/merge_requests/7");
        assert_eq!(to(&gitlab, "a/b#3"), "https://gitlab.example/a/b/-/issues/3");
        for text in ["!7", "#", "#x", "x#1", "../..#1", "a/b)#1", "#1234567890", "a/@b#1", "#1#2"] {
            assert_eq!(to(&github, text), "", "{text}");
        }
    }

    #[test]
    fn an_address_that_could_end_a_link_is_none() {
        for source in [
            "https://github.com/o/n)(x",
            "https://github.com/o/n\nx",
            "javascript://github.com/x",
            "git@github.com:o/n",
            "https://github.com",
            "https://git.example/o/n",
            "https://u@github.com/o/n",
        ] {
            assert_eq!(Forge::of(source, None), None, "{source}");
        }
        assert_eq!(Forge::of("https://github.com/o/n", Some(ForgeKind::None)), None);
    }
}
