//! Programs that others wrote, from the module proxy, built for several platforms: what readers of programs are judged by.

pub mod findings;
pub mod modules;

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::run::Program;
use crate::tools::{Folder, program_of};

/// A main package in a version that is old enough to have findings.
#[derive(Clone, Copy)]
pub struct Service {
    /// The path of the package.
    pub package: &'static str,
    /// The version of its module.
    pub version: &'static str,
    /// Whether it is one of the few that every commit is judged by: quickly built.
    pub quick: bool,
}

/// Services and tools. None has replacements in its go.mod, so that `go install` takes it as its users do.
pub const SERVICES: &[Service] = &[
    Service { quick: true, ..service("github.com/nats-io/nats-server/v2", "v2.9.0") },
    Service { quick: true, ..service("github.com/rakyll/hey", "v0.1.4") },
    Service { quick: true, ..service("github.com/tsenart/vegeta/v12", "v12.8.4") },
    Service { quick: true, ..service("filippo.io/age/cmd/age", "v1.0.0") },
    service("github.com/mikefarah/yq/v4", "v4.25.1"),
    service("sigs.k8s.io/kustomize/kustomize/v4", "v4.5.4"),
    service("github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.8.0"),
    service("github.com/prometheus/prom2json/cmd/prom2json", "v1.3.0"),
    service("github.com/cloudflare/cfssl/cmd/cfssljson", "v1.6.0"),
    service("github.com/rhysd/actionlint/cmd/actionlint", "v1.6.0"),
    service("github.com/google/go-containerregistry/cmd/crane", "v0.12.0"),
    service("mvdan.cc/sh/v3/cmd/shfmt", "v3.2.0"),
];

const fn service(package: &'static str, version: &'static str) -> Service {
    Service { package, version, quick: false }
}

/// A system and a processor by Go's names.
pub type Platform = (&'static str, &'static str);

/// The three forms of executables, 32 and 64 bits, both byte orders.
pub const PLATFORMS: [Platform; 4] = [("linux", "amd64"), ("windows", "386"), ("darwin", "arm64"), ("linux", "s390x")];

/// Whether a program keeps its symbol table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Symbols {
    /// It does.
    Kept,
    /// It is linked with `-s -w`.
    Stripped,
}

/// Builds programs, all in one folder. Compiled packages are in the go command's own cache, so that a program that is
/// asked for again is only linked.
pub struct Workshop {
    dir: PathBuf,
    go: PathBuf,
    modules: String,
}

impl Workshop {
    /// Builds into a folder, which must be there.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let go = Folder::find()?.go().unwrap_or_else(|| "go".into());
        let modules = Program::new(&go).args(["env", "GOMODCACHE"]).dir(dir).output()?.trim_end().to_owned();
        Ok(Self { dir: dir.to_owned(), go, modules })
    }

    /// Builds a service for a platform; gives the program, whose name tells what it is.
    pub fn build(&self, service: &Service, (os, arch): Platform, symbols: Symbols) -> Result<PathBuf, Failure> {
        let home = self.dir.join("gopath");
        let stripped = symbols == Symbols::Stripped;
        Program::new(&self.go)
            .args(["install", "-ldflags", if stripped { "-s -w" } else { "" }])
            .args([format!("{}@{}", service.package, service.version)])
            .dir(&self.dir)
            // A program for another platform goes where GOPATH says, and only there.
            .env("GOPATH", &home)
            .env("GOMODCACHE", &self.modules)
            .env("GOBIN", "")
            .env("GOFLAGS", "")
            .env("GOOS", os)
            .env("GOARCH", arch)
            .env("CGO_ENABLED", "0")
            .output()?;
        let name = program_of(service.package);
        let file = if os == "windows" { format!("{name}.exe") } else { name.to_owned() };
        let bin = home.join("bin");
        let other = bin.join(format!("{os}_{arch}")).join(&file);
        let made = if other.is_file() { other } else { bin.join(&file) };
        let to = self.dir.join(format!("{name}-{os}-{arch}{}", if stripped { "-stripped" } else { "" }));
        std::fs::rename(&made, &to)
            .map_err(|error| Failure::tool(format!("error: {} to {}: {error}", made.display(), to.display())))?;
        Ok(to)
    }
}

impl Service {
    /// For people: `nats-server v2.9.0 linux/amd64`.
    pub fn on(&self, (os, arch): Platform) -> String {
        format!("{} {} {os}/{arch}", program_of(self.package), self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_pairs_as_are_promised() {
        assert!(SERVICES.len() >= 8 && PLATFORMS.len() >= 3 && SERVICES.len() * PLATFORMS.len() >= 48);
        let names: std::collections::BTreeSet<_> = SERVICES.iter().map(|service| program_of(service.package)).collect();
        assert_eq!(names.len(), SERVICES.len(), "a program's name is the name of its file");
    }
}
