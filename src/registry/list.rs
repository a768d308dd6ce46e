//! Lists in pages: `Link: <…>; rel="next"` (distribution-spec, "Listing Tags"; RFC 8288).

use sealift_trust::json::{self, Limits, Numbers, Value};

use super::error::RegistryError;
use super::line::{Ask, Line};
use super::token::Scope;
use crate::host::http::{HttpError, Method, Url, redacted};

/// The longest page.
const PAGE: Limits = Limits { bytes: 4 << 20, values: 200_000, numbers: Numbers::Any };
/// The most pages.
const PAGES: usize = 1000;

/// One page of a list.
struct Page {
    kind: String,
    bytes: Vec<u8>,
    next: Option<Url>,
}

impl Line<'_> {
    /// Reads a list page by page; `page` takes what it wants and says how many entries there are now. Errors: the list
    /// goes on elsewhere or without end, or is none. Nothing when there is no such list.
    pub fn list(
        &self,
        first: Url,
        kind: Option<&'static str>,
        most: usize,
        mut page: impl FnMut(Vec<u8>, Value) -> Result<usize, String>,
    ) -> Result<Option<()>, RegistryError> {
        let (mut url, shown) = (first, |url: &Url| redacted(url.as_str()));
        let accept = [("accept", kind.unwrap_or("application/json"))];
        for number in 0..PAGES {
            let answer = self.registry.retried(0, || self.page(&url, &accept, number == 0))?;
            let Some(Page { kind: found, bytes, next }) = answer else { return Ok(None) };
            let refuse = |why: String| RegistryError::Answer { url: shown(&url), why };
            if let Some(kind) = kind.filter(|kind| *kind != found) {
                // Some registries answer every unknown address, with a page for browsers; that is no list.
                let found: String = found.chars().take(100).collect();
                return if number == 0 { Ok(None) } else { Err(refuse(format!("it is {found:?} and not {kind}"))) };
            }
            let value = json::parse(&bytes, &PAGE).map_err(|error| refuse(format!("the list is not JSON: {error}")))?;
            let count = page(bytes, value).map_err(refuse)?;
            if count > most {
                return Err(RegistryError::Endless { url: shown(&url), most });
            }
            match next {
                Some(next) => url = next,
                None => return Ok(Some(())),
            }
        }
        Err(RegistryError::Endless { url: shown(&url), most: PAGES })
    }

    fn page(&self, url: &Url, accept: &[(&'static str, &str)], first: bool) -> Result<Option<Page>, RegistryError> {
        let ask = Ask::new(Method::Get, url.clone(), Scope::pull(&self.repository), accept);
        let mut response = self.send(&ask)?;
        match response.status {
            200 => {}
            404 if first => return Ok(None),
            _ => return Err(self.refusal(url, response, &self.named(""))),
        }
        let next = response.headers("link").find_map(next).map(|text| {
            let elsewhere = |to: &str| {
                let to = crate::sanitize::sanitize_line(&redacted(to)).into_owned();
                RegistryError::Link { url: redacted(url.as_str()), to }
            };
            let to = url.join(text).map_err(|_| elsewhere(text))?;
            // The next page of this list is at the same address with another query.
            if to.origin() != url.origin() || to.path() != url.path() || to == *url {
                return Err(elsewhere(to.as_str()));
            }
            Ok(to)
        });
        let kind = response.header("content-type").unwrap_or("").split(';').next().unwrap_or("");
        let kind = kind.trim().to_ascii_lowercase();
        let bytes = response.read(PAGE.bytes as u64).map_err(|error| match error {
            HttpError::TooLarge { .. } => RegistryError::Endless { url: redacted(url.as_str()), most: PAGE.bytes },
            other => other.into(),
        })?;
        Ok(Some(Page { kind, bytes, next: next.transpose()? }))
    }
}

/// Where a `Link` header leads, if it leads to the next page.
fn next(value: &str) -> Option<&str> {
    let (target, parameters) = value.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
    };
    parameters.split(';').any(is_next).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_and_nothing_else() {
        assert_eq!(next("</v2/a/tags/list?n=1&last=b>; rel=\"next\""), Some("/v2/a/tags/list?n=1&last=b"));
        assert_eq!(next("<x>;foo=bar; REL=next"), Some("x"));
        for none in ["", "<x>", "<x>; rel=\"prev\"", "x; rel=next", "<x; rel=next"] {
            assert_eq!(next(none), None, "{none}");
        }
    }
}
