//! The tags of an image, as data: which names will lead to it once it is published.

use semver::Version;
use serde::Serialize;

use super::Stamp;
use crate::config::template::{Template, Variable};
use crate::oci::{OciError, Tag};

/// How many digits of a commit stand in a tag.
const SHORT: usize = 12;

/// A name of an image in its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageTag {
    /// The name.
    pub tag: Tag,
    /// Whether it may lead to another image tomorrow.
    pub kind: TagKind,
}

/// Whether a name stays with its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagKind {
    /// It names one version for ever: one that leads elsewhere already is somebody else's.
    Fixed,
    /// It moves from release to release.
    Pointer,
}

/// The tags of a service's image: `v{version}-{commit}` always, then those of the templates.
///
/// A template without `{version}`, `{commit}` and `{channel}` makes a pointer, which moves from release to release. It is
/// left out of a prerelease and of a snapshot, and where one of the `released` versions is newer and has the same name
/// (1.2.9 moves `1.2` and neither `1` nor `latest` when 1.3.0 is out).
///
/// # Errors
/// `oci.reference` for what is no tag: a version may be longer than any.
pub fn tags(stamp: &Stamp, templates: &[Template], released: &[Version]) -> Result<Vec<ImageTag>, OciError> {
    let first = match short(&stamp.commit) {
        "" => format!("v{}", stamp.version),
        commit => format!("v{}-{commit}", stamp.version),
    };
    let mut names = vec![(first, TagKind::Fixed)];
    for template in templates {
        let name = named(template, &stamp.version, &stamp.commit);
        if template.has(Variable::Version) || template.has(Variable::Commit) {
            names.push((name, TagKind::Fixed));
        } else if template.has(Variable::Channel) || moves(template, &name, stamp, released) {
            names.push((name, TagKind::Pointer));
        }
    }
    let mut tags: Vec<ImageTag> = Vec::new();
    for (name, kind) in names {
        // Build metadata begins with a `+`, which no tag can hold.
        let tag: Tag = name.replace('+', "-").parse()?;
        if tags.iter().all(|known| known.tag != tag) {
            tags.push(ImageTag { tag, kind });
        }
    }
    Ok(tags)
}

/// Whether a tag says which version something is, with or without what `v{version}-{commit}` adds: such a tag is never
/// moved.
pub fn is_fixed(tag: &Tag) -> bool {
    let text = tag.as_str();
    let release = text.strip_prefix('v').unwrap_or(text).split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = release.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a pointer moves to this version.
fn moves(template: &Template, name: &str, stamp: &Stamp, released: &[Version]) -> bool {
    let is_newer = |other: &&Version| other.pre.is_empty() && other.cmp_precedence(&stamp.version).is_gt();
    stamp.version.pre.is_empty()
        && stamp.modified.is_none()
        && !released.iter().filter(is_newer).any(|other| named(template, other, "") == name)
}

fn named(template: &Template, version: &Version, commit: &str) -> String {
    let (text, major, minor) = (version.to_string(), version.major.to_string(), version.minor.to_string());
    template.fill(|variable| match variable {
        Variable::Version => &text,
        Variable::Major => &major,
        Variable::Minor => &minor,
        Variable::Commit => short(commit),
        Variable::Channel => channel(version),
        // Those of file names do not occur in a tag.
        _ => "",
    })
}

fn short(commit: &str) -> &str {
    &commit[..commit.len().min(SHORT)]
}

/// `stable`, or the word of a prerelease: `rc` of `1.2.0-rc.1`, `snapshot` of a snapshot.
fn channel(version: &Version) -> &str {
    match version.pre.as_str().split('.').next().unwrap_or("") {
        "" => "stable",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn stamp(version: &str) -> Stamp {
        Stamp { version: version.parse().unwrap(), commit: COMMIT.into(), time: 0, modified: None }
    }

    fn read(templates: &[&str]) -> Vec<Template> {
        templates.iter().map(|text| Template::read(text, Variable::OF_TAGS).unwrap()).collect()
    }

    fn of(version: &str, templates: &[&str], released: &[&str]) -> Vec<String> {
        let released: Vec<Version> = released.iter().map(|text| text.parse().unwrap()).collect();
        let tags = tags(&stamp(version), &read(templates), &released).unwrap();
        tags.iter().map(|named| named.tag.to_string()).collect()
    }

    #[test]
    fn tags_of_versions_are_told_from_pointers() {
        let fixed = |text: &str| is_fixed(&text.parse().unwrap());
        for text in ["1.2.3", "v1.2.3", "v1.2.3-0123456789ab", "1.2.3-rc.1", "v0.1.0-012345678901"] {
            assert!(fixed(text), "{text}");
        }
        for text in ["1", "1.2", "latest", "v1", "1.2.x", "1..3", "release-1.2.3", "1.2.3.4", "sha256-00"] {
            assert!(!fixed(text), "{text}");
        }
    }

    const DEFAULT: &[&str] = &["{version}", "{major}.{minor}", "{major}", "latest"];

    #[test]
    fn a_stable_release_moves_its_pointers() {
        assert_eq!(of("1.2.3", DEFAULT, &[]), ["v1.2.3-0123456789ab", "1.2.3", "1.2", "1", "latest"]);
        assert_eq!(of("1.2.3", DEFAULT, &["1.2.3", "1.2.2", "2.0.0-rc.1"]).len(), 5);
    }

    #[test]
    fn a_prerelease_and_a_snapshot_move_none() {
        assert_eq!(of("1.2.3-rc.1", DEFAULT, &[]), ["v1.2.3-rc.1-0123456789ab", "1.2.3-rc.1"]);
        assert_eq!(of("1.2.3-rc.1", &["{channel}", "edge"], &[]), ["v1.2.3-rc.1-0123456789ab", "rc"]);
        assert_eq!(of("0.0.1-snapshot.gabc", &["latest", "{channel}"], &[])[1..], ["snapshot"]);
        let modified = Stamp { modified: Some(sealift_trust::Digest::of(b"")), ..stamp("1.0.0") };
        assert_eq!(tags(&modified, &read(&["latest"]), &[]).unwrap().len(), 1);
    }

    #[test]
    fn an_older_line_moves_only_its_own_pointers() {
        let released = ["1.2.3", "1.3.0", "2.1.0"];
        assert_eq!(of("1.2.4", DEFAULT, &released)[1..], ["1.2.4", "1.2"]);
        assert_eq!(of("1.3.1", DEFAULT, &released)[1..], ["1.3.1", "1.3", "1"]);
        assert_eq!(of("1.2.2", DEFAULT, &released)[1..], ["1.2.2"]);
    }

    #[test]
    fn build_metadata_is_written_as_a_tag_can_hold_it() {
        assert_eq!(of("1.2.3+build.7", &["{version}"], &[]), ["v1.2.3-build.7-0123456789ab", "1.2.3-build.7"]);
    }

    fn version() -> impl Strategy<Value = String> {
        (
            "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})",
            "(-[a-z]{1,6}(\\.[1-9]{1,3})?)?",
            "(\\+[a-z0-9]{1,8})?",
        )
            .prop_map(|(core, pre, build)| core + &pre + &build)
    }

    proptest! {
        #[test]
        fn pointers_move_from_the_newest_stable_release_alone(version in version(), released in prop::collection::vec(version(), 0..6)) {
            let own: Version = version.parse().unwrap();
            let released: Vec<&str> = released.iter().map(String::as_str).collect();
            let tags = of(&version, DEFAULT, &released);
            // Each is a tag by its type; what is left to say is which.
            let core = format!("v{}.{}.{}", own.major, own.minor, own.patch);
            prop_assert!(tags[0].starts_with(&core));
            prop_assert!(tags[0].ends_with("-0123456789ab"));
            let newer = released.iter().map(|text| text.parse::<Version>().unwrap())
                .any(|other| other.pre.is_empty() && other.cmp_precedence(&own).is_gt());
            prop_assert_eq!(tags.contains(&"latest".to_owned()), own.pre.is_empty() && !newer);
            if !own.pre.is_empty() {
                prop_assert_eq!(tags.len(), 2);
            }
        }
    }
}
