//! `cargo xtask conformance DIR`: sealift and govulncheck answer the same about real services by a real database.
//!
//! DIR holds `go-vulndb.zip`, the Go vulnerability database as files. The services are old releases from the module
//! proxy, built unstripped for several platforms; of each the set of (record, module, package, function) is compared,
//! and the stripped program must answer as the other one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::run::{Program, built, cargo};
use crate::tools::{self, Folder};

/// Main packages with their versions: old enough to have findings.
const SERVICES: &[&str] = &[
    "github.com/nats-io/nats-server/v2@v2.9.0",
    "github.com/prometheus/node_exporter@v1.5.0",
    "github.com/rakyll/hey@v0.1.4",
    "github.com/caddyserver/xcaddy/cmd/xcaddy@v0.3.1",
];
const PLATFORMS: &[(&str, &str)] = &[("linux", "amd64"), ("windows", "amd64"), ("darwin", "arm64")];

/// Runs every comparison; one that differs makes the run fail.
pub fn run(arguments: &[String]) -> Outcome {
    let [data] = arguments else {
        return Err(Failure::usage("error: which folder of data?\nhint: cargo xtask conformance DIR"));
    };
    let zip = Path::new(data).join("go-vulndb.zip");
    if !zip.is_file() {
        return Err(Failure::usage(format!("error: there is no {}", zip.display())));
    }
    tools::ready("peers")?;
    cargo()?.args(["build", "--release", "--package", "sealift"]).stream()?;
    let dir = tempfile();
    std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
    let outcome = Bench { dir: &dir, sealift: built("release")? }.compare_all(&zip);
    drop(std::fs::remove_dir_all(&dir));
    outcome
}

fn tempfile() -> PathBuf {
    std::env::temp_dir().join(format!("sealift-conformance-{}", std::process::id()))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

struct Bench<'a> {
    dir: &'a Path,
    sealift: PathBuf,
}

/// What was found: record, module, package, function; the last two are empty where only the module is affected.
type Found = BTreeSet<[String; 4]>;

impl Bench<'_> {
    fn compare_all(&self, zip: &Path) -> Outcome {
        let database = self.dir.join("database");
        Program::new("unzip").args(["-q", "-d"]).args([&database]).args([zip]).output()?;
        let folder = Folder::find()?;
        let missing = || Failure::tool("error: govulncheck is not installed\nhint: cargo xtask tools peers");
        let govulncheck = folder.anywhere("govulncheck").ok_or_else(missing)?;
        let mut differing = Vec::new();
        for service in SERVICES {
            for platform in PLATFORMS {
                let plain = self.build(service, *platform, "")?;
                let stripped = self.build(service, *platform, "-s -w")?;
                let name = format!("{service} {}/{}", platform.0, platform.1);
                let theirs = theirs(&govulncheck, &database, &plain)?;
                let ours = self.ours(zip, &plain)?;
                if theirs.is_empty() || theirs != ours || self.ours(zip, &stripped)? != ours {
                    let only = |one: &Found, other: &Found| one.difference(other).next().map(|odd| odd.join(" "));
                    let (first, second) = (only(&theirs, &ours), only(&ours, &theirs));
                    println!("DIFFERS   {name}: govulncheck alone {first:?}, sealift alone {second:?}");
                    differing.push(name);
                } else {
                    println!("agreed    {name}: {} findings", ours.len());
                }
            }
        }
        match differing.is_empty() {
            true => Ok(()),
            false => Err(Failure::refused(format!("error: not as govulncheck: {}", differing.join(", ")))),
        }
    }

    /// Builds a main package for a platform; gives the program.
    fn build(&self, service: &str, (os, arch): (&str, &str), flags: &str) -> Result<PathBuf, Failure> {
        let (package, version) = service.split_once('@').expect("a service names its version");
        let dir = self.dir.join("build");
        drop(std::fs::remove_dir_all(&dir));
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        let out = self.dir.join(if flags.is_empty() { "plain" } else { "stripped" });
        let go = || Program::new("go").dir(&dir).env("GOOS", os).env("GOARCH", arch).env("CGO_ENABLED", "0");
        go().args(["mod", "init", "example.com/conformance"]).output()?;
        go().args(["get", &format!("{package}@{version}")]).output()?;
        go().args(["build", "-ldflags", flags, "-o"]).args([&out]).args([package]).output()?;
        Ok(out)
    }

    fn ours(&self, database: &Path, program: &Path) -> Result<Found, Failure> {
        let told = Program::new(&self.sealift)
            .dir(self.dir)
            .env("SEALIFT_CACHE", self.dir.join("cache"))
            .args(["scan", "--json", "--fail", "none", "--database"])
            .args([database])
            .args([program])
            .output()?;
        let last: Value = told.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let mut found = Found::new();
        for finding in array(&last["product"]["programs"][0]["findings"]) {
            let (id, module) = (text(&finding["id"]), text(&finding["package"]));
            found.insert([id.clone(), module.clone(), String::new(), String::new()]);
            for symbol in array(&finding["symbols"]) {
                let function = text(&symbol["name"]);
                // govulncheck shows no more than two parts of a name.
                let function = function.split('.').take(2).collect::<Vec<_>>().join(".");
                found.insert([id.clone(), module.clone(), text(&symbol["package"]), function]);
            }
        }
        Ok(found)
    }
}

fn theirs(govulncheck: &Path, database: &Path, program: &Path) -> Result<Found, Failure> {
    let place = format!("file://{}", database.display());
    let told = Program::new(govulncheck).args(["-mode", "binary", "-format", "json", "-db", &place]).args([program]);
    let told = told.output()?;
    let mut found = Found::new();
    for message in serde_json::Deserializer::from_str(&told).into_iter::<Value>() {
        let message = message.map_err(|error| Failure::tool(format!("error: govulncheck: {error}")))?;
        let (finding, frame) = (&message["finding"], &message["finding"]["trace"][0]);
        if finding.is_null() {
            continue;
        }
        let (id, module) = (text(&finding["osv"]), text(&frame["module"]));
        found.insert([id.clone(), module.clone(), String::new(), String::new()]);
        if let Some(function) = frame["function"].as_str() {
            let receiver = text(&frame["receiver"]);
            let function = if receiver.is_empty() { function.to_owned() } else { format!("{receiver}.{function}") };
            found.insert([id, module, text(&frame["package"]), function]);
        }
    }
    Ok(found)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
