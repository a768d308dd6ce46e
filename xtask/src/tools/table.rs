//! The tools as data.

/// A program that tests need.
pub struct Tool {
    /// The name in `cargo xtask tools NAME`; for a Go program also its file's name in the folder of tools.
    pub name: &'static str,
    /// How it is installed.
    pub how: How,
    /// The version that is installed; `any` takes what the system has.
    pub version: &'static str,
    /// The command that needs it: one of [`TIERS`].
    pub tier: &'static str,
    /// The only system that has it, as `std::env::consts::OS` names it.
    pub system: Option<&'static str>,
}

/// Where a tool comes from.
#[derive(Clone, Copy)]
pub enum How {
    /// A Go toolchain on PATH.
    Toolchain(Minimum),
    /// `go install MODULE@VERSION`.
    Go {
        /// The path of its main package.
        module: &'static str,
    },
    /// A program in a Python package, installed into an environment of its own.
    Python {
        /// The package, with its extras.
        package: &'static str,
        /// The program: the package's own, or the environment's `python` for a package that has none.
        program: &'static str,
    },
    /// Packages of npm, in a folder of their own; the first is the tool.
    Npm {
        /// Each with its version.
        packages: &'static [&'static str],
    },
    /// `cargo install NAME --version VERSION`: the tool is called like its package.
    Cargo,
    /// A package of Debian and of systems like it.
    Debian {
        /// The package.
        package: &'static str,
        /// The program that must be on PATH.
        program: &'static str,
    },
}

/// The oldest Go release that will do.
#[derive(Clone, Copy)]
pub struct Minimum {
    /// 1, so far.
    pub major: u32,
    /// The release.
    pub minor: u32,
    /// The one that tests are written against.
    pub exact: &'static str,
}

impl Minimum {
    /// Reads what `go version` prints: `go version go1.26.8 linux/amd64`.
    pub fn is_met_by(self, printed: &str) -> bool {
        let Some(version) = printed.split_whitespace().nth(2).and_then(|word| word.strip_prefix("go")) else {
            return false;
        };
        let mut numbers = version.split(['.', 'r', 'b', '-']).map_while(|part| part.parse::<u32>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (self.major, self.minor)
    }
}

/// Who needs a tool: `cargo xtask test`, the comparison with peers, or a long trial.
pub const TIERS: &[&str] = &["test", "peers", "bench", "campaign"];

/// Every tool.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "go",
        how: How::Toolchain(Minimum { major: 1, minor: 26, exact: "1.26.8" }),
        version: "any",
        tier: "test",
        system: None,
    },
    debian("openssl", "openssl", "openssl", None),
    debian("minisign", "minisign", "minisign", None),
    debian("ssh-keygen", "openssh-client", "ssh-keygen", None),
    debian("gpg", "gnupg", "gpg", None),
    debian("unzip", "unzip", "unzip", None),
    debian("zstd", "zstd", "zstd", None),
    debian("c++", "g++", "c++", None),
    debian("strace", "strace", "strace", Some("linux")),
    debian("faketime", "faketime", "faketime", Some("linux")),
    go("crane", "github.com/google/go-containerregistry/cmd/crane", "v0.22.1", "test"),
    go("registry", "github.com/google/go-containerregistry/cmd/registry", "v0.22.1", "test"),
    go("distribution", "github.com/distribution/distribution/v3/cmd/registry", "v3.1.2", "test"),
    peer("skopeo", "skopeo"),
    peer("umoci", "umoci"),
    peer("buildah", "buildah"),
    peer("podman", "podman"),
    peer("docker-registry", "docker-registry"),
    python("git-cliff", "git-cliff", "git-cliff", "2.14.2"),
    Tool {
        name: "commit-analyzer",
        how: How::Npm {
            packages: &["@semantic-release/commit-analyzer@13.0.1", "conventional-changelog-conventionalcommits@9.1.0"],
        },
        version: "13.0.1",
        tier: "peers",
        system: None,
    },
    go("cosign", "github.com/sigstore/cosign/v2/cmd/cosign", "v2.6.5", "peers"),
    go("govulncheck", "golang.org/x/vuln/cmd/govulncheck", "v1.1.4", "peers"),
    go("syft", "github.com/anchore/syft/cmd/syft", "v1.52.0", "peers"),
    python("cyclonedx-python", "cyclonedx-python-lib[json-validation]", "python", "11.12.0"),
    python("pyspdxtools", "spdx-tools", "pyspdxtools", "0.8.5"),
    go("ko", "github.com/google/ko", "v0.19.1", "bench"),
    go("goreleaser", "github.com/goreleaser/goreleaser/v2", "v2.15.0", "bench"),
    Tool { name: "cargo-mutants", how: How::Cargo, version: "27.1.0", tier: "campaign", system: None },
];

const fn go(name: &'static str, module: &'static str, version: &'static str, tier: &'static str) -> Tool {
    Tool { name, how: How::Go { module }, version, tier, system: None }
}

const fn debian(
    name: &'static str,
    package: &'static str,
    program: &'static str,
    system: Option<&'static str>,
) -> Tool {
    Tool { name, how: How::Debian { package, program }, version: "any", tier: "test", system }
}

/// A program of a Python package that judges what sealift makes.
const fn python(name: &'static str, package: &'static str, program: &'static str, version: &'static str) -> Tool {
    Tool { name, how: How::Python { package, program }, version, tier: "peers", system: Some("linux") }
}

/// A package of Debian with a program of its name that judges what sealift makes.
const fn peer(name: &'static str, package: &'static str) -> Tool {
    Tool { tier: "peers", ..debian(name, package, name, Some("linux")) }
}
