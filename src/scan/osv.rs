//! Records of vulnerabilities in the OSV format (<https://ossf.github.io/osv-schema/>), as the Go vulnerability database
//! and RustSec write them. Unknown members and unknown ecosystems are no errors: databases grow.

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use sealift_trust::statement::Timestamp;

/// The most bytes that a record may have.
pub const RECORD_CAP: u64 = 4 << 20;

/// One vulnerability.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Advisory {
    /// `GO-2024-2687`, `RUSTSEC-2020-0070`.
    pub id: String,
    /// The version of the format; RustSec does not write one.
    #[serde(default)]
    pub schema_version: Option<String>,
    /// When it was changed, as written.
    #[serde(default)]
    pub modified: String,
    /// When it was taken back, as written.
    #[serde(default)]
    pub withdrawn: Option<String>,
    /// The same in other databases: `CVE-…`, `GHSA-…`.
    #[serde(default, deserialize_with = "nullable")]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(default, deserialize_with = "nullable")]
    pub summary: String,
    /// How severe it is.
    #[serde(default, deserialize_with = "nullable")]
    pub severity: Vec<Rating>,
    /// What is affected.
    #[serde(default, deserialize_with = "nullable")]
    pub affected: Vec<Affected>,
    /// What only this database says.
    #[serde(default, deserialize_with = "nullable")]
    pub database_specific: DatabaseSpecific,
}

/// A severity.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Rating {
    /// A vector, for example `CVSS:3.1/AV:N/…`.
    #[serde(default)]
    pub score: String,
}

/// What only one database says.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct DatabaseSpecific {
    /// A page about it.
    #[serde(default)]
    pub url: Option<String>,
}

/// A package, and which of its versions are affected.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Affected {
    /// Which.
    pub package: Package,
    /// Ranges of versions; none means that all are affected, unless [`Affected::versions`] names some.
    #[serde(default, deserialize_with = "nullable")]
    pub ranges: Vec<Range>,
    /// Versions, one by one.
    #[serde(default, deserialize_with = "nullable")]
    pub versions: Vec<String>,
    /// What only this ecosystem has.
    #[serde(default, deserialize_with = "nullable")]
    pub ecosystem_specific: EcosystemSpecific,
    /// What only this database says of the package.
    #[serde(default, deserialize_with = "nullable")]
    pub database_specific: AffectedSpecific,
}

/// A package of an ecosystem.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Package {
    /// A module's path, `stdlib`, or a crate's name.
    pub name: String,
    /// `Go`, `crates.io`, or any other word.
    #[serde(default)]
    pub ecosystem: String,
}

/// A range of versions.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Range {
    /// `SEMVER`, `GIT`, `ECOSYSTEM`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Where it begins and ends.
    #[serde(default, deserialize_with = "nullable")]
    pub events: Vec<Event>,
}

/// Where a range begins or ends.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first version that is affected; `0` is before all.
    Introduced(String),
    /// The first version that is not affected any more.
    Fixed(String),
    /// The last version that is affected.
    LastAffected(String),
    /// An end that is not a fix.
    Limit(String),
}

/// What the ecosystems add.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct EcosystemSpecific {
    /// Go: the packages of the module that are affected; none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub imports: Vec<Import>,
    /// RustSec: where it applies.
    #[serde(default, deserialize_with = "nullable")]
    pub affects: Affects,
}

/// A Go package.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Import {
    /// Its import path.
    #[serde(default)]
    pub path: String,
    /// The systems on which it is affected; none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub goos: Vec<String>,
    /// The processors on which it is affected; none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub goarch: Vec<String>,
    /// The functions that are affected (`Client.Do`); none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub symbols: Vec<String>,
}

/// Where a RustSec advisory applies, by Rust's names of systems and processors.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Affects {
    /// The systems; none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub os: Vec<String>,
    /// The processors; none means all.
    #[serde(default, deserialize_with = "nullable")]
    pub arch: Vec<String>,
}

/// What RustSec says of a package.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct AffectedSpecific {
    /// `unmaintained`, `unsound`, `notice`: no vulnerability by itself.
    #[serde(default)]
    pub informational: Option<Value>,
}

/// `null` where a list or a table is meant is an empty one.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(reader).map(Option::unwrap_or_default)
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Not JSON, or not of the format.
    #[error("it is no OSV record")]
    Form(#[source] serde_json::Error),
    /// A version of the format that is not known here.
    #[error("its schema version is {0:?}, and 1.x is known here")]
    Schema(String),
}

impl Advisory {
    /// Reads a record. Errors: it is not of the format, or of a version of the format other than 1.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let advisory: Self = serde_json::from_slice(bytes).map_err(Unusable::Form)?;
        match &advisory.schema_version {
            Some(version) if version.split('.').next() != Some("1") => {
                Err(Unusable::Schema(version.chars().take(40).collect()))
            }
            _ => Ok(advisory),
        }
    }

    /// Whether it was taken back before a moment (seconds since 1970). One whose time cannot be read counts as taken
    /// back: the member is only there when it was.
    pub fn is_withdrawn(&self, now: u64) -> bool {
        self.withdrawn.as_deref().is_some_and(|text| moment(text).is_none_or(|at| at <= now))
    }

    /// Why it is no vulnerability by itself, in the database's own word.
    pub fn informational(&self) -> Option<&str> {
        let mut words = self.affected.iter().map(|affected| affected.database_specific.informational.as_ref());
        // One package that is really affected makes it a vulnerability.
        let first = words.next().flatten().and_then(Value::as_str);
        if words.all(|word| word.is_some_and(Value::is_string)) { first } else { None }
    }
}

/// Seconds since 1970 of a time in RFC 3339; parts of a second do not count. Nothing for a time before 1970 and for what
/// is no time.
pub fn moment(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_at_checked(19)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let at = format!("{whole}Z").parse::<Timestamp>().ok()?.unix();
    let (sign, offset) = rest.split_at_checked(1)?;
    if matches!(sign, "Z" | "z") && offset.is_empty() {
        return Some(at);
    }
    let (hours, minutes) = offset.split_once(':')?;
    if offset.len() != 5 || !offset.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return None;
    }
    let seconds = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    match sign {
        "+" => at.checked_sub(seconds),
        "-" => at.checked_add(seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(members: &str) -> Result<Advisory, Unusable> {
        Advisory::read(format!("{{\"id\":\"GO-2030-0001\"{members}}}").as_bytes())
    }

    #[test]
    fn versions_of_the_format_other_than_1_are_refused() {
        for version in ["2.0.0", "", "x", "0.9"] {
            let told = record(&format!(",\"schema_version\":\"{version}\"")).unwrap_err().to_string();
            assert!(told.contains(&format!("{version:?}")), "{told}");
        }
        for version in ["1.3.1", "1.99.0"] {
            assert!(record(&format!(",\"schema_version\":\"{version}\"")).is_ok());
        }
        assert!(record("").is_ok());
        assert!(Advisory::read(b"{}").is_err());
        assert!(Advisory::read(b"[]").is_err());
    }

    #[test]
    fn null_is_an_empty_list_and_unknown_members_are_passed_over() {
        let advisory = record(",\"aliases\":null,\"affected\":[{\"package\":{\"name\":\"a\"},\"ranges\":null,\"ecosystem_specific\":null,\"new\":1}]").unwrap();
        assert_eq!((advisory.aliases.len(), advisory.affected[0].ranges.len()), (0, 0));
    }

    #[test]
    fn a_withdrawn_record_is_one_from_that_moment_on() {
        let withdrawn = |text: &str| record(&format!(",\"withdrawn\":{text}")).unwrap();
        let record = withdrawn("\"2024-01-01T00:00:00.5Z\"");
        assert!(!record.is_withdrawn(1_704_067_199) && record.is_withdrawn(1_704_067_200));
        assert!(withdrawn("\"yesterday\"").is_withdrawn(0));
        assert!(!withdrawn("null").is_withdrawn(u64::MAX));
    }

    #[test]
    fn times_are_read_with_fractions_and_offsets() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-02T00:00:00.123456Z", Some(86_400)),
            ("1970-01-02T01:30:00+01:30", Some(86_400)),
            ("1970-01-01T23:00:00-01:00", Some(86_400)),
            ("0001-01-01T00:00:00Z", None),
            ("1970-01-01", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:00+1:00", None),
            ("1970-13-01T00:00:00Z", None),
            ("µµµµµµµµµµµµ", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(moment(text), wanted, "{text}");
        }
    }
}
