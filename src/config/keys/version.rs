//! The keys of `[version]`.

use super::{Shape, Table, Text, key};
use crate::config::values::version::{GO_MAJOR, SMALL_TAG, UNCONVENTIONAL, ZERO};

pub(super) static VERSION: Table = Table {
    text: "How versions are found.",
    keys: &[
        key("tag-prefix", Shape::Text(Text::TagPrefix), "\"v\"", "\"release-\"")
            .says("What stands before the version in a tag."),
        key("channels", Shape::Strings, CHANNELS, "{ \"feature/*\" = \"alpha\" }").says(
            "Channel by branch, `*` for any characters: `stable`, the word of a prerelease, or `none`. Added to the \
             defaults, branch by branch; the most exact name counts.",
        ),
        key("uncounted", Shape::List(Text::Prerelease), "[]", "[\"dev\"]")
            .says("Channels without a counter: `3.0.0-dev` in place of `3.0.0-dev.4`."),
        key("types", Shape::Strings, TYPES, "{ deps = \"patch\" }").says(
            "What a commit's type asks for: `major`, `minor`, `patch` or `none`. Added to the defaults, type by type; a \
             breaking change is always major.",
        ),
        key("zero", Shape::Choice(ZERO), "\"minor\"", "\"major\"").says(
            "Before 1.0.0: with `minor` a breaking change moves the second number, with `shift` a feature moves only \
             the third too, with `major` a breaking change leads to 1.0.0.",
        ),
        key("first", Shape::Text(Text::Version), "\"0.1.0\"", "\"1.0.0\"").says("The version of the first release."),
        key("unconventional", Shape::Choice(UNCONVENTIONAL), "\"ignore\"", "\"refuse\"")
            .says("What a commit asks for whose message is not conventional; `refuse` releases nothing until it is."),
        key("files", Shape::Strings, "{}", "{ \"chart/Chart.yaml\" = \"appVersion: {version}\" }").says(
            "Further files that name the version, by path: the text around it, with `{version}` in its place.",
        ),
        key("small-tag", Shape::Choice(SMALL_TAG), "\"refuse\"", "\"warn\"")
            .says("What happens when a tag that is there names a smaller step than its commits ask for."),
        key("go-major", Shape::Choice(GO_MAJOR), "\"refuse\"", "\"fix\"").says(
            "From 2.0.0 on, a Go module has the major version in its path. Where it is missing, a release is refused; with \
             `fix` its commit changes the path and all imports of it; `ignore` is for a module that nobody imports.",
        ),
    ],
};

pub(super) static SERVICE_VERSION: Table = Table {
    text: "How one service is versioned by itself, as in a repository of several.",
    keys: &[
        key("tag-prefix", Shape::Text(Text::TagPrefix), "as in `[version]`", "\"api/v\"")
            .says("What stands before this service's version in its own tags: with it, the service has versions of its own."),
        key("paths", Shape::List(Text::Glob), "[]", "[\"deploy/api/**\"]").says(
            "Further files that belong to the service: paths, folders or globs. What it is compiled of counts without them.",
        ),
    ],
};

const CHANNELS: &str = "main, master, hotfix/*: stable; release/*: rc; develop: dev";
const TYPES: &str = "feat: minor; fix, perf, revert: patch";
