//! The keys of `[image]`.

use super::{Key, MAX_LEVEL, Shape, Table, Text, key};

/// `[image]`.
pub(super) static IMAGE: Table = Table {
    text: "What images are made of the Linux binaries.",
    keys: &[
        BASE,
        REPOSITORY,
        PLATFORMS,
        TAGS,
        USER,
        WORKDIR,
        ENTRYPOINT,
        CMD,
        ENV,
        PORTS,
        VOLUMES,
        STOP_SIGNAL,
        LABELS,
        FILES,
        CERTIFICATES,
        TZDATA,
        BUDGET,
        COMPRESSION,
        LEVEL,
    ],
};

/// `[service.image]`.
pub(super) static SERVICE_IMAGE: Table = Table {
    text: "As `[image]`, for this service alone: key by key in place of what stands there.",
    keys: &[
        BASE.inherits(AS_IMAGE),
        REPOSITORY.inherits(AS_IMAGE),
        PLATFORMS.inherits(AS_IMAGE),
        TAGS.inherits(AS_IMAGE),
        USER.inherits(AS_IMAGE),
        WORKDIR.inherits(AS_IMAGE),
        ENTRYPOINT.inherits(AS_IMAGE),
        CMD.inherits(AS_IMAGE),
        ENV.inherits(AS_IMAGE),
        PORTS.inherits(AS_IMAGE),
        VOLUMES.inherits(AS_IMAGE),
        STOP_SIGNAL.inherits(AS_IMAGE),
        LABELS.inherits(AS_IMAGE),
        FILES.inherits(AS_IMAGE),
        CERTIFICATES.inherits(AS_IMAGE),
        TZDATA.inherits(AS_IMAGE),
        BUDGET.inherits(AS_IMAGE),
        COMPRESSION.inherits(AS_IMAGE),
        LEVEL.inherits(AS_IMAGE),
    ],
};

const AS_IMAGE: &str = "as in `[image]`";

const BASE: Key = key("base", Shape::Text(Text::Base), "\"scratch\"", "\"alpine:3.22\"").says(
    "What the image stands on: `scratch`, a reference in a registry, or `oci:FOLDER`, `oci-archive:FILE`, `docker-archive:FILE`; all but `scratch` are pinned in `sealift.lock`.",
);
const REPOSITORY: Key = key("repository", Shape::Text(Text::Repository), "none", "\"ghcr.io/acme/{service}\"")
    .says("Where the image is pushed: a repository without a tag, from {project} {service}.");
const PLATFORMS: Key = key("platforms", Shape::List(Text::Platform), "[\"linux/*\"]", "[\"linux/amd64\"]")
    .says("Which of the service's Linux targets get an image; `[]` for none.");
const TAGS: Key = key(
    "tags",
    Shape::List(Text::TagTemplate),
    "[\"{version}\", \"{major}.{minor}\", \"{major}\", \"latest\"]",
    "[\"{version}\"]",
)
.says(
    "Tags besides `v{version}-{commit}`, from {version} {major} {minor} {commit} {channel}; one without {version}, {commit} or {channel} moves only with the newest stable release.",
);
const USER: Key = key("user", Shape::Text(Text::User), "\"65532:65532\"", "\"1000:1000\"")
    .says("Who runs the program: numbers or names, `user[:group]`.");
const WORKDIR: Key = key("workdir", Shape::Text(Text::ImagePath), "`/`, or the base's", "\"/data\"")
    .says("Folder in which the program starts.");
const ENTRYPOINT: Key =
    key("entrypoint", Shape::List(Text::Line), "the service's program", "[\"/usr/bin/api\", \"serve\"]")
        .says("The program and its first arguments.");
const CMD: Key =
    key("cmd", Shape::List(Text::Line), "[]", "[\"--port=8080\"]").says("Arguments that a user of the image replaces.");
const ENV: Key = key("env", Shape::Variables, "{}", "{ LOG = \"json\" }").says("Environment variables of the program.");
const PORTS: Key =
    key("ports", Shape::List(Text::Port), "[]", "[\"8080/tcp\"]").says("Ports that the program listens on.");
const VOLUMES: Key =
    key("volumes", Shape::List(Text::ImagePath), "[]", "[\"/data\"]").says("Folders whose data outlives a container.");
const STOP_SIGNAL: Key =
    key("stop-signal", Shape::Text(Text::Signal), "none", "\"SIGINT\"").says("Signal that asks the program to end.");
const LABELS: Key = key("labels", Shape::Strings, "{}", "{ \"com.example.team\" = \"shop\" }")
    .says("Further labels; those of `org.opencontainers.image` are set from what is known.");
const FILES: Key = key("files", Shape::Strings, "{}", "{ \"/etc/shop/shop.yml\" = \"deploy/shop.yml\" }")
    .says("Files: the path in the image, and the file or folder of the project that goes there.");
const CERTIFICATES: Key = key("ca-certificates", Shape::List(Text::Path), "[]", "[\"certs/company.pem\"]")
    .says("PEM files with authorities that the program trusts besides the public ones.");
const TZDATA: Key = key("tzdata", Shape::Bool, "false", "true").says("Put the time zone database into the image.");
const BUDGET: Key = key("budget", Shape::Size, "none", "\"10 MB\"")
    .says("The most bytes that an image may have, compressed, for each platform; more closes the gate (exit 10).");
const COMPRESSION: Key = key("compression", Shape::Choice(&["gzip", "zstd"]), "\"gzip\"", "\"zstd\"")
    .says("How layers are compressed; every registry and runtime knows gzip.");
const LEVEL: Key = key("level", Shape::Number(MAX_LEVEL), "0", "9")
    .says("Compression level: up to 9 for gzip, up to 19 for zstd; 0 is the format's own default.");
