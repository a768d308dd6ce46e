//! Module proxies: the `GOPROXY` list, and one file from one of them.

use std::io::{Read, Write};

use reqwest::Url;

use crate::error::{Fault, Kind};
use crate::host::files::{self, FileError};
use crate::host::http::{Http, HttpError, Progress, redacted};

/// The list of `GOPROXY` (Go modules reference, "GOPROXY protocol" and "Environment variables").
#[derive(Clone)]
pub struct Proxies(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    place: Place,
    falls: Falls,
}

/// Which errors of an entry lead to the next one: what stands behind it, `,` or `|`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Falls {
    OnMissing,
    OnAnything,
}

/// One entry of the list.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A proxy's URL, without a slash at its end.
    Url(String),
    /// `direct`: version control.
    Direct,
    /// `off`: nothing.
    Off,
}

/// A file that no proxy gave.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// `GOPROXY` is not a list of proxies.
    #[error("GOPROXY is wrong: {why}")]
    Setting {
        /// What is wrong.
        why: String,
    },
    /// The list leads to version control, where toolchains are not.
    #[error("GOPROXY=direct cannot serve toolchains: they exist on module proxies only")]
    Direct,
    /// The list forbids.
    #[error("GOPROXY=off forbids downloads")]
    Off,
    /// A file in a folder that serves as a proxy.
    #[error(transparent)]
    File(#[from] FileError),
    /// Over the network.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl ProxyError {
    /// Whether a proxy answered that it has no such file.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Http(error) => matches!(error, HttpError::NotFound { .. }),
            Self::File(error) => error.code() == "file.missing",
            _ => false,
        }
    }

    /// Which of several errors tells most: a failure, then an absence, then a list that ended.
    fn weight(&self) -> u8 {
        match self {
            Self::Direct | Self::Off => 0,
            error if error.is_missing() => 1,
            _ => 2,
        }
    }
}

impl Fault for ProxyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "goproxy.setting",
            Self::Direct => "goproxy.direct",
            Self::Off => "goproxy.off",
            Self::File(error) => error.code(),
            Self::Http(error) => error.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Setting { .. } => Kind::Config,
            Self::Direct | Self::Off => Kind::Tool,
            Self::File(error) => error.kind(),
            Self::Http(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting { .. } => {
                Some("`go env -w GOPROXY=https://proxy.golang.org,direct` sets Go's default".into())
            }
            Self::Direct | Self::Off => {
                Some("name a module proxy in GOPROXY, or put the wanted Go on PATH (https://go.dev/dl/)".into())
            }
            Self::File(error) => error.hint(),
            Self::Http(error) => error.hint(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.detail(),
            _ => None,
        }
    }
}

impl Proxies {
    /// Reads a list. Entries behind `direct` or `off` are never reached.
    pub fn parse(list: &str) -> Result<Self, ProxyError> {
        let mut entries = Vec::new();
        let mut rest = list;
        while !rest.is_empty() {
            let end = rest.find([',', '|']).unwrap_or(rest.len());
            let falls = if rest[end..].starts_with('|') { Falls::OnAnything } else { Falls::OnMissing };
            let text = rest[..end].trim();
            rest = rest.get(end + 1..).unwrap_or("");
            let place = match text {
                "" => continue,
                "direct" => Place::Direct,
                "off" => Place::Off,
                text => Place::Url(proxy_url(text)?),
            };
            entries.push(Entry { place, falls });
        }
        if entries.is_empty() {
            return Err(ProxyError::Setting { why: "it names no proxy".into() });
        }
        Ok(Self(entries))
    }

    /// Whether folders alone serve as proxies, as in a test of a toolchain that is not released yet.
    pub fn only_folders(&self) -> bool {
        self.0.iter().all(|entry| matches!(&entry.place, Place::Url(url) if url.starts_with("file://")))
    }

    /// Asks one entry after the other, and falls through to the next as the list says; of several errors the one that
    /// tells most is given.
    pub fn ask<T>(&self, mut one: impl FnMut(&Place) -> Result<T, ProxyError>) -> Result<T, ProxyError> {
        let mut best: Option<ProxyError> = None;
        for entry in &self.0 {
            let error = match one(&entry.place) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let falls = error.is_missing() || entry.falls == Falls::OnAnything;
            let last = !falls || matches!(entry.place, Place::Direct | Place::Off);
            if best.as_ref().is_none_or(|best| error.weight() > best.weight()) {
                best = Some(error);
            }
            if last {
                break;
            }
        }
        Err(best.unwrap_or(ProxyError::Off))
    }
}

/// An entry's URL; one without a scheme means https, as for the go command.
fn proxy_url(text: &str) -> Result<String, ProxyError> {
    let refuse = |why: &str| ProxyError::Setting { why: format!("{} {why}", redacted(text)) };
    let whole = if text.contains(":/") {
        text.to_owned()
    } else if text.contains('.') || text.contains('/') || text.contains(':') {
        format!("https://{text}")
    } else {
        return Err(refuse("is not an URL, nor direct, nor off"));
    };
    let url = Url::parse(&whole).map_err(|_| refuse("is not an URL"))?;
    if !matches!(url.scheme(), "http" | "https" | "file") {
        return Err(refuse("is not http, https or file"));
    }
    Ok(whole.trim_end_matches('/').to_owned())
}

/// Writes one file of a proxy, at most `cap` bytes, and gives its size.
pub fn download(
    http: &Http,
    url: &str,
    out: &mut dyn Write,
    cap: u64,
    progress: &mut Progress<'_>,
) -> Result<u64, ProxyError> {
    if !url.starts_with("file://") {
        return Ok(http.download(url, out, cap, progress)?);
    }
    let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    let path = path.ok_or_else(|| ProxyError::Setting { why: format!("{url} names no file") })?;
    let mut file = files::open(&path)?.take(cap + 1);
    let size = std::io::copy(&mut file, out).map_err(files::at("copy", &path))?;
    if size > cap {
        return Err(FileError::TooLarge { path: path.display().to_string(), cap }.into());
    }
    progress(size, Some(size));
    Ok(size)
}

/// Reads one small file of a proxy.
pub fn get(http: &Http, url: &str, cap: u64) -> Result<Vec<u8>, ProxyError> {
    let mut bytes = Vec::new();
    download(http, url, &mut bytes, cap, &mut |_, _| {})?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> ProxyError {
        HttpError::NotFound { url: String::new(), status: 404 }.into()
    }

    fn broken() -> ProxyError {
        HttpError::Status { url: String::new(), status: 500, text: String::new() }.into()
    }

    /// Asks a list whose entries answer by their names; gives who was asked and the outcome.
    fn walk(list: &str) -> (Vec<String>, Result<(), &'static str>) {
        let mut asked = Vec::new();
        let answer = Proxies::parse(list).unwrap().ask(|place| {
            let name = match place {
                Place::Url(url) => url.trim_start_matches("https://").to_owned(),
                Place::Direct => "direct".into(),
                Place::Off => "off".into(),
            };
            asked.push(name.clone());
            match name.as_str() {
                "direct" => Err(ProxyError::Direct),
                "off" => Err(ProxyError::Off),
                name if name.starts_with("missing") => Err(missing()),
                name if name.starts_with("broken") => Err(broken()),
                _ => Ok(()),
            }
        });
        (asked, answer.map_err(|error| error.code()))
    }

    #[test]
    fn a_comma_falls_through_on_absence_only_and_a_bar_on_anything() {
        let table: [(&str, &[&str], Result<(), &str>); 9] = [
            ("missing.a,good.a", &["missing.a", "good.a"], Ok(())),
            ("broken.a,good.a", &["broken.a"], Err("http.status")),
            ("broken.a|good.a", &["broken.a", "good.a"], Ok(())),
            ("missing.a|good.a", &["missing.a", "good.a"], Ok(())),
            ("missing.a,direct", &["missing.a", "direct"], Err("http.not-found")),
            ("missing.a|broken.b,missing.c", &["missing.a", "broken.b"], Err("http.status")),
            ("direct,good.a", &["direct"], Err("goproxy.direct")),
            ("off|good.a", &["off"], Err("goproxy.off")),
            (" , good.a ,", &["good.a"], Ok(())),
        ];
        for (list, asked, outcome) in table {
            assert_eq!(walk(list), (asked.iter().map(ToString::to_string).collect(), outcome), "{list}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_without_its_secrets() {
        for list in ["", ",", "noproxy", "ftp://me:secret@a/", "https://me:secret@/"] {
            let error = Proxies::parse(list).map(drop).unwrap_err();
            assert_eq!(error.code(), "goproxy.setting", "{list}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Proxies::parse("file:///a,file:///b").unwrap().only_folders());
        assert!(!Proxies::parse("file:///a,direct").unwrap().only_folders());
    }
}
