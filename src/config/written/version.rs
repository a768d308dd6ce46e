//! `[version]` as it is written.

use std::collections::BTreeMap;

use semver::Version;

use crate::config::notes::Written;
use crate::config::reader::Section;
use crate::config::settings::version::{GoMajor, SmallTag, Unconventional, Zero};
use crate::config::values::{self, version as rules};

/// `[version]`.
#[derive(Default)]
pub(in crate::config) struct WrittenVersion {
    pub tag_prefix: Option<Written<String>>,
    pub channels: BTreeMap<String, Written<String>>,
    pub uncounted: Option<Written<Vec<String>>>,
    pub types: BTreeMap<String, Written<String>>,
    pub zero: Option<Written<Zero>>,
    pub first: Option<Written<Version>>,
    pub unconventional: Option<Written<Unconventional>>,
    pub files: BTreeMap<String, Written<String>>,
    pub small_tag: Option<Written<SmallTag>>,
    pub go_major: Option<Written<GoMajor>>,
}

/// `[service.version]`.
#[derive(Default)]
pub(in crate::config) struct WrittenServiceVersion {
    pub tag_prefix: Option<Written<String>>,
    pub paths: Option<Written<Vec<String>>>,
}

pub(super) fn read_service(section: &Section) -> WrittenServiceVersion {
    WrittenServiceVersion {
        tag_prefix: section.text("tag-prefix", values::tag_prefix),
        paths: section.list("paths", values::path),
    }
}

pub(super) fn read(section: &Section) -> WrittenVersion {
    WrittenVersion {
        tag_prefix: section.text("tag-prefix", values::tag_prefix),
        channels: section.strings("channels", rules::channel_of_branch),
        uncounted: section.list("uncounted", rules::prerelease),
        types: section.strings("types", rules::bump_of_type),
        zero: section.text("zero", |text| {
            values::choice(text, rules::ZERO).map(|word| match word {
                "minor" => Zero::Minor,
                "shift" => Zero::Shift,
                _ => Zero::Major,
            })
        }),
        first: section.text("first", rules::version),
        unconventional: section.text("unconventional", |text| {
            values::choice(text, rules::UNCONVENTIONAL).map(|word| match word {
                "ignore" => Unconventional::Ignore,
                "patch" => Unconventional::Patch,
                _ => Unconventional::Refuse,
            })
        }),
        files: section.strings("files", rules::file),
        small_tag: section.text("small-tag", |text| {
            values::choice(text, rules::SMALL_TAG)
                .map(|word| if word == "warn" { SmallTag::Warn } else { SmallTag::Refuse })
        }),
        go_major: section.text("go-major", |text| {
            values::choice(text, rules::GO_MAJOR).map(|word| match word {
                "fix" => GoMajor::Fix,
                "ignore" => GoMajor::Ignore,
                _ => GoMajor::Refuse,
            })
        }),
    }
}
