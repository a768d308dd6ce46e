//! Every key of `sealift.toml`, in one table: what is refused as unknown, the JSON Schema and the reference in the README
//! all come from here.

pub mod attest;
mod changelog;
mod image;
pub mod scan;
mod version;

/// A table of the file.
pub struct Table {
    /// What it is for, in one line.
    pub text: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

/// A key of a table.
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What holds when it is not written, for people; empty for a table.
    pub default: &'static str,
    /// A value that differs from the default, in TOML; empty for a table.
    pub example: &'static str,
    /// What it means, in one line.
    pub text: &'static str,
}

/// What a key holds.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A table.
    Table(&'static Table),
    /// An array of tables.
    Tables(&'static Table),
    /// A table whose keys are target patterns, each with such a table.
    ByTarget(&'static Table),
    /// A string.
    Text(Text),
    /// An array of strings.
    List(Text),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number from 0 to a greatest one.
    Number(i64),
    /// A number of bytes: an integer, or a string with a unit.
    Size,
    /// A table of names and strings: environment variables.
    Variables,
    /// A table of strings under any names.
    Strings,
    /// An array of argument arrays.
    Commands,
    /// Archive formats: an array for all targets, or a table from target patterns to arrays.
    Formats,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// A plain file name.
    Name,
    /// One line of text.
    Line,
    /// An SPDX licence expression.
    License,
    /// A web address without credentials.
    Url,
    /// A host, with a port or without.
    Host,
    /// What stands before the version in a tag.
    TagPrefix,
    /// A version without prerelease and build metadata.
    Version,
    /// The word of a prerelease.
    Prerelease,
    /// A path within the project, with `/`.
    Path,
    /// A path, relative to the project or absolute.
    AnyPath,
    /// A path or glob within the project.
    Glob,
    /// An exact Go version.
    GoVersion,
    /// A flag of `go build`.
    Flag,
    /// A flag of Go's linker.
    LinkerFlag,
    /// A build tag.
    Tag,
    /// A target or a pattern of targets.
    Target,
    /// A template for a file name.
    Template,
    /// What an image stands on.
    Base,
    /// A template for an image's repository.
    Repository,
    /// A pattern of Linux targets.
    Platform,
    /// A template for an image's tag.
    TagTemplate,
    /// `user[:group]`.
    User,
    /// An absolute path in an image.
    ImagePath,
    /// A port, perhaps with a protocol.
    Port,
    /// A signal's name or number.
    Signal,
    /// A format of signatures.
    Signature,
    /// How an SBOM is written.
    SbomFormat,
    /// A CVSS score, 0 to 10 with at most one decimal.
    Score,
}

/// The archive formats' names.
pub const FORMATS: &[&str] = &["tar.gz", "tar.zst", "zip"];

/// The file itself.
pub static ROOT: Table = Table {
    text: "The file `sealift.toml`.",
    keys: &[
        table("project", &PROJECT),
        table("version", &version::VERSION),
        table("changelog", &changelog::CHANGELOG),
        Key { shape: Shape::Tables(&SERVICE), ..table("service", &SERVICE) },
        table("build", &BUILD),
        table("package", &PACKAGE),
        table("image", &image::IMAGE),
        Key { shape: Shape::Tables(&REGISTRY), ..table("registry", &REGISTRY) },
        table("sbom", &SBOM),
        table("scan", &scan::SCAN),
        table("attest", &attest::ATTEST),
        table("cache", &CACHE),
    ],
};

static PROJECT: Table = Table {
    text: "The product that is released.",
    keys: &[
        key("name", Shape::Text(Text::Name), "last element of the module path or of the remote", "\"shop\"")
            .says("Name of the product in the release manifest."),
        key("source", Shape::Text(Text::Url), "the remote", "\"https://example.com/shop\"")
            .says("Address of the sources."),
        key("license", Shape::Text(Text::License), "none", "\"Apache-2.0\"").says("Licence, as an SPDX expression."),
        key("description", Shape::Text(Text::Line), "none", "\"Sells things\"").says("One line about the product."),
    ],
};

static SERVICE: Table = Table {
    text: "One service; without any, every Go main package of the module is one.",
    keys: &[
        key("name", Shape::Text(Text::Name), "last element of `path`, or the project's name", "\"api\"")
            .says("Name of the service, its program and its files; unique without regard to case."),
        key("path", Shape::Text(Text::Path), "\".\"", "\"cmd/api\"")
            .says("Folder of the main package; for a prebuilt service a template that names one file for each target."),
        key("kind", Shape::Choice(&["go", "prebuilt"]), "\"go\"", "\"prebuilt\"")
            .says("`go` compiles the service, `prebuilt` takes files that something else compiled."),
        table("version", &version::SERVICE_VERSION),
        table("build", &SERVICE_BUILD),
        table("package", &SERVICE_PACKAGE),
        table("image", &image::SERVICE_IMAGE),
    ],
};

static BUILD: Table = Table {
    text: "How services are compiled.",
    keys: &[
        TARGETS,
        key("go", Shape::Text(Text::GoVersion), "what go.mod names", "\"1.26.8\"").says("Exact Go version."),
        FLAGS,
        LDFLAGS,
        TAGS,
        ENV,
        CGO,
        STRIP,
        MOD_VERIFY,
        MOD_TIDY,
        key("keep-going", Shape::Bool, "false", "true").says("Go on with the other targets when one fails."),
        table("hooks", &HOOKS),
        Key { shape: Shape::ByTarget(&BY_TARGET), ..table("target", &BY_TARGET) },
    ],
};

// What concerns the whole release (the toolchain, hooks, one archive for all) is no matter of a single service: here such
// keys are unknown instead of silently without effect.
static SERVICE_BUILD: Table = Table {
    text: "As `[build]`, for this service alone: key by key in place of what stands there.",
    keys: &[
        TARGETS.inherits(AS_BUILD),
        FLAGS.inherits(AS_BUILD),
        LDFLAGS.inherits(AS_BUILD),
        TAGS.inherits(AS_BUILD),
        ENV.inherits(AS_BUILD),
        CGO.inherits(AS_BUILD),
        STRIP.inherits(AS_BUILD),
        MOD_VERIFY.inherits(AS_BUILD),
        MOD_TIDY.inherits(AS_BUILD),
        Key { shape: Shape::ByTarget(&BY_TARGET), ..table("target", &BY_TARGET) },
    ],
};

const AS_BUILD: &str = "as in `[build]`";
const AS_PACKAGE: &str = "as in `[package]`";

const TARGETS: Key = key("targets", Shape::List(Text::Target), DEFAULT_TARGETS, "[\"linux/*\", \"!linux/386\"]")
    .says("Targets: `os/arch[/variant]`, `*` for any part, `host`, `all`; `!` in front excludes.");
const MOD_VERIFY: Key = key("mod-verify", Shape::Bool, "true", "false").says("Run `go mod verify` before a release.");
const MOD_TIDY: Key =
    key("mod-tidy", Shape::Bool, "true", "false").says("Refuse a release whose go.mod `go mod tidy` would change.");

const DEFAULT_TARGETS: &str = "linux amd64 arm64 arm/v7 386, darwin amd64 arm64, windows amd64 arm64 386";

const FLAGS: Key = key("flags", Shape::List(Text::Flag), "[]", "[\"-pgo=off\"]").says("Further flags of `go build`.");
const LDFLAGS: Key = key("ldflags", Shape::List(Text::LinkerFlag), "[]", "[\"-X=main.edition=free\"]")
    .says("Further flags of the linker, one an element.");
const TAGS: Key = key("tags", Shape::List(Text::Tag), "[]", "[\"netgo\"]").says("Build tags.");
const ENV: Key = key("env", Shape::Variables, "{}", "{ GOEXPERIMENT = \"jsonv2\" }")
    .says("Further environment variables of the compiler; they count as inputs.");
const CGO: Key = key("cgo", Shape::Bool, "false", "true").says("Whether cgo is on.");
const STRIP: Key = key("strip", Shape::Bool, "true", "false").says("Leave symbol table and debug data out (`-s -w`).");

static HOOKS: Table = Table {
    text: "Commands around a build, each an array of program and arguments; no shell reads them.",
    keys: &[
        key("before", Shape::Commands, "[]", "[[\"make\", \"assets\"]]").says("Run before the sources are read."),
        key("generate", Shape::Commands, "[]", "[[\"go\", \"generate\", \"./...\"]]")
            .says("Those that write committed files; `sealift check --generated` runs them."),
        key("after", Shape::Commands, "[]", "[[\"./announce\"]]").says("Run after the release is sealed."),
    ],
};

static BY_TARGET: Table = Table {
    text: "For targets that match the pattern; of several the later one wins, key by key.",
    keys: &[
        FLAGS.inherits(AS_BUILD),
        LDFLAGS.inherits(AS_BUILD),
        TAGS.inherits(AS_BUILD),
        ENV.inherits(AS_BUILD),
        CGO.inherits(AS_BUILD),
        STRIP.inherits(AS_BUILD),
    ],
};

static PACKAGE: Table = Table {
    text: "What archives are made.",
    keys: &[
        FORMAT_RULES,
        FILES,
        NAME,
        key("together", Shape::Bool, "false", "true").says("One archive for a target with all services."),
        key("source", Shape::Bool, "false", "true").says("Make an archive of the sources too, as tar.gz."),
        UPX,
        LEVEL,
        table("budget", &BUDGET),
    ],
};

static SERVICE_PACKAGE: Table = Table {
    text: "As `[package]`, for this service alone: key by key in place of what stands there.",
    keys: &[
        FORMAT_RULES.inherits(AS_PACKAGE),
        FILES.inherits(AS_PACKAGE),
        NAME.inherits(AS_PACKAGE),
        UPX.inherits(AS_PACKAGE),
        LEVEL.inherits(AS_PACKAGE),
        table("budget", &BUDGET),
    ],
};

const FORMAT_RULES: Key =
    key("formats", Shape::Formats, "zip for windows, else tar.gz", "{ \"linux/*\" = [\"tar.zst\"] }")
        .says("Formats for all targets, or by target pattern: the first that matches decides, else the default.");
const FILES: Key = key("files", Shape::List(Text::Glob), "[\"LICENSE*\", \"README*\"]", "[\"docs/*.md\"]")
    .says("Files that go into each archive: paths or globs within the project.");
const NAME: Key =
    key("name", Shape::Text(Text::Template), "\"{service}_{version}_{target}\"", "\"{service}-{os}-{arch}\"").says(
        "An archive's name without extension, from {project} {service} {version} {os} {arch} {variant} {target}.",
    );
const UPX: Key = key("upx", Shape::Bool, "false", "true").says("Compress programs with `upx`.");
const LEVEL: Key = key("level", Shape::Number(MAX_LEVEL), "0", "9")
    .says("Compression level: up to 9, up to 19 where all archives are tar.zst; 0 is the format's own default.");

/// The greatest compression level of any format (tar.zst); the others end at 9.
pub const MAX_LEVEL: i64 = 19;

static BUDGET: Table = Table {
    text: "The most bytes that something may have: `\"10 MB\"`, `\"1 MiB\"`, or an integer. More closes the gate (exit 10).",
    keys: &[
        key("binary", Shape::Size, "none", "\"20 MB\"").says("Each program."),
        key("archive", Shape::Size, "none", "8388608").says("Each archive."),
    ],
};

static SBOM: Table = Table {
    text: "What lists of the binaries' contents are made.",
    keys: &[key("formats", Shape::List(Text::SbomFormat), "[\"cyclonedx\", \"spdx\"]", "[\"spdx\"]")
        .says("Forms of the SBOM that lies beside each archive: `cyclonedx` (1.6), `spdx` (2.3); `[]` for none.")],
};

static REGISTRY: Table = Table {
    text: "What a registry of images needs beside its name; most need nothing.",
    keys: &[
        key("host", Shape::Text(Text::Host), "none: it must be written", "\"registry.example:5000\"")
            .says("The registry as references name it, with its port."),
        key("ca", Shape::Text(Text::AnyPath), "none", "\"certificates/ca.pem\"")
            .says("File of further authorities (PEM) that may vouch for it."),
        key("client-cert", Shape::Text(Text::AnyPath), "none", "\"certificates/client.pem\"")
            .says("File with a certificate of our own (PEM), for mutual TLS."),
        key("client-key", Shape::Text(Text::AnyPath), "none", "\"certificates/client.key\"")
            .says("File with the key of that certificate (PEM)."),
        key("plain-http", Shape::Bool, "only on the machine itself, without `ca`", "true")
            .says("Speak HTTP without TLS; credentials go no further than the machine itself even then."),
        key("realm", Shape::Text(Text::Url), "the registry itself", "\"https://auth.example\"")
            .says("Server of tokens, where that is another one: credentials are sent there."),
    ],
};

static CACHE: Table = Table {
    text: "Where results are kept.",
    keys: &[key("dir", Shape::Text(Text::AnyPath), "`sealift` in the user's cache folder", "\".cache\"")
        .says("Folder of the step store; the variable SEALIFT_CACHE comes before it.")],
};

const fn key(name: &'static str, shape: Shape, default: &'static str, example: &'static str) -> Key {
    Key { name, shape, default, example, text: "" }
}

const fn table(name: &'static str, table: &'static Table) -> Key {
    Key { name, shape: Shape::Table(table), default: "", example: "", text: table.text }
}

impl Key {
    const fn says(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// The same key where another table's value is the default.
    const fn inherits(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The table that this key holds, if it holds one (or several).
    pub fn table(&self) -> Option<&'static Table> {
        match self.shape {
            Shape::Table(table) | Shape::Tables(table) | Shape::ByTarget(table) => Some(table),
            _ => None,
        }
    }
}

impl Table {
    /// A key by its name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Every table below the root with its header as written: `build.target."PATTERN"`, `[service]`; a service's own tables
/// come once more, under `service.`.
pub fn tables() -> Vec<(String, &'static Table)> {
    fn walk(header: &str, table: &'static Table, found: &mut Vec<(String, &'static Table)>) {
        for key in table.keys {
            let Some(inner) = key.table() else { continue };
            let dot = if header.is_empty() { "" } else { "." };
            let tail = if matches!(key.shape, Shape::ByTarget(_)) { ".\"PATTERN\"" } else { "" };
            let header = format!("{header}{dot}{}{tail}", key.name);
            found.push((header.clone(), inner));
            walk(&header, inner, found);
        }
    }
    let mut found = Vec::new();
    walk("", &ROOT, &mut found);
    found
}

impl Shape {
    /// The type, for messages and the reference.
    pub fn describe(self) -> &'static str {
        match self {
            Shape::Table(_) => "table",
            Shape::Tables(_) => "array of tables",
            Shape::ByTarget(_) => "table by target pattern",
            Shape::Text(_) | Shape::Choice(_) => "string",
            Shape::List(_) => "array of strings",
            Shape::Bool => "true or false",
            Shape::Number(_) => "whole number",
            Shape::Size => "number of bytes",
            Shape::Variables | Shape::Strings => "table of strings",
            Shape::Commands => "array of arrays of strings",
            Shape::Formats => "array of strings, or table by target pattern",
        }
    }
}

impl Text {
    /// A regular expression (ECMA-262) that what is accepted matches: a guide for editors. The reader itself is stricter
    /// where a rule is none of an expression.
    pub fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Text::Name => r#"^[^/\\<>:"|?* \-\u0000-\u001f][^/\\<>:"|?*\u0000-\u001f]*$"#,
            Text::Line | Text::Base | Text::Repository => r"^[^\u0000-\u001f]{1,300}$",
            Text::License => r"^[A-Za-z0-9.+:() \-]{1,300}$",
            Text::Url => r"^(https?|ssh|git)://[A-Za-z0-9][^\s]*$",
            Text::Host => r"^[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$",
            Text::TagPrefix => r"^([A-Za-z_]|[A-Za-z0-9_][A-Za-z0-9_./\-]*[A-Za-z_./\-])?$",
            Text::Version => r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$",
            Text::Prerelease => r"^[0-9]*[A-Za-z\-][0-9A-Za-z\-]*$",
            Text::Path | Text::AnyPath | Text::Glob | Text::Template => r"^[^\u0000-\u001f\\]+$",
            Text::GoVersion => r"^1\.[1-9][0-9]{0,3}(\.(0|[1-9][0-9]{0,3})|rc[1-9][0-9]?)$",
            Text::Flag | Text::LinkerFlag => r"^[^\u0000-\u001f]+$",
            Text::Tag => r"^[A-Za-z0-9_.]+$",
            Text::TagTemplate => r"^[A-Za-z0-9_{][A-Za-z0-9_.{}\-]*$",
            Text::User => r"^[A-Za-z0-9_.][A-Za-z0-9_.\-]*(:[A-Za-z0-9_.][A-Za-z0-9_.\-]*)?$",
            Text::ImagePath => r"^/[^\u0000-\u001f\\]*$",
            Text::Port => r"^[1-9][0-9]{0,4}(/(tcp|udp|sctp))?$",
            Text::Signature => r"^(raw|minisign|sigstore|ssh)$",
            Text::Score => r"^(10(\.0)?|[0-9](\.[0-9])?)$",
            Text::Signal => r"^(SIG[A-Z0-9+]{2,12}|[1-9][0-9]?)$",
            Text::SbomFormat => r"^(cyclonedx|spdx)$",
            Text::Target | Text::Platform => r"^!?[a-z0-9*]+(/[a-z0-9*]+(/[a-z0-9.*]+)?)?$",
        })
    }
}
