//! A change of one file, as data: decided here, written in one place later.

use std::fmt;

use sealift_trust::Digest;
use sealift_trust::name::InnerPath;
use serde::{Serialize, Serializer};

/// What a file is to hold instead of what it holds. It is an edit of these bytes and of no others: who writes it
/// measures the file first, and refuses one that is not [`Edit::before`].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The file, relative to the project's folder.
    #[serde(serialize_with = "as_text")]
    pub path: InnerPath,
    /// The digest of what it holds now; none for a file that is not there.
    pub before: Option<Digest>,
    /// What it is to hold.
    #[serde(skip)]
    pub after: Vec<u8>,
    /// Why, in one line: `version 1.4.0`.
    pub reason: String,
}

impl Edit {
    /// The edit that makes one text of another; none when they are the same.
    pub fn of(path: InnerPath, before: Option<&str>, after: String, reason: impl Into<String>) -> Option<Self> {
        let differs = before != Some(after.as_str());
        let before = before.map(|text| Digest::of(text.as_bytes()));
        differs.then(|| Self { path, before, after: after.into_bytes(), reason: reason.into() })
    }
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {:?}", self.path, self.reason, String::from_utf8_lossy(&self.after))
    }
}

fn as_text<S: Serializer>(path: &InnerPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_changes_nothing_is_none() {
        let of = |before, after: &str| Edit::of("a/VERSION".parse().unwrap(), before, after.into(), "version 1.0.0");
        assert_eq!(of(Some("1"), "1"), None);
        assert_eq!(of(Some("1"), "2").unwrap().before, Some(Digest::of(b"1")));
        assert_eq!(of(None, "").unwrap().before, None);
    }
}
