//! `[changelog]` as it is written.

use std::collections::BTreeMap;

use crate::config::notes::Written;
use crate::config::reader::Section;
use crate::config::settings::changelog::ForgeKind;
use crate::config::values::{self, changelog as rules};

/// `[changelog]`.
#[derive(Default)]
pub(in crate::config) struct WrittenChangelog {
    pub file: Option<Written<String>>,
    pub template: Option<Written<String>>,
    pub forge: Option<Written<ForgeKind>>,
    pub commit: Option<Written<bool>>,
    pub sections: BTreeMap<String, Written<String>>,
}

pub(super) fn read(section: &Section) -> WrittenChangelog {
    WrittenChangelog {
        file: section.text("file", values::path),
        template: section.text("template", values::path),
        forge: section.text("forge", |text| {
            values::choice(text, rules::FORGES).map(|word| {
                let kind = ForgeKind::WORDS.iter().find(|(known, _)| *known == word);
                kind.map_or(ForgeKind::None, |(_, kind)| *kind)
            })
        }),
        commit: section.bool("commit"),
        sections: section.strings("sections", rules::section),
    }
}
