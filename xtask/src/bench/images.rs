//! Images of the small service beside ko, and copies beside crane: same registry, base and platforms.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::Rounds;
use super::measure;
use super::report::Row;
use super::scenario::{Lab, mebibytes, remove};
use super::subject;
use crate::failure::{Failure, Outcome};
use crate::loopback::Registry;
use crate::run::Program;
use crate::tools::Folder;

const PLATFORMS: &str = "linux/amd64,linux/arm64,linux/arm/v7,linux/386";
const TARGETS: &str = r#"["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386"]"#;
const HOST: &str = r#"["linux/amd64"]"#;
/// The most bytes of own anonymous memory, in MiB.
const MEMORY: f64 = 64.0;
/// The image that is copied has this many bytes of payload, in layers that do not compress.
const GIGABYTE: u64 = 1_000_000_000;
/// The binary that memory is measured with.
const LARGE_BINARY: u64 = 500_000_000;

/// Compares with ko where it is installed; else says why there is nothing.
pub fn beside_ko(lab: &mut Lab, folder: &Folder, rounds: Rounds) -> Result<Result<Vec<Row>, String>, Failure> {
    let (Some(ko), Some(program)) = (folder.installed("ko"), folder.installed("distribution")) else {
        return Ok(Err("ko or distribution is not installed (cargo xtask tools bench test)".to_owned()));
    };
    let dir = lab.dir().join("images");
    let registry = Registry::start(&program, &dir.join("registry"))?;
    let base = base(lab, &dir, &registry)?;
    let (ours, theirs) = (dir.join("sealift"), dir.join("ko"));
    lab.lay.lay(&ours, lab.go())?;
    lab.lay.lay(&theirs, lab.go())?;
    let config = format!(
        "[build]\ntargets = {TARGETS}\n[image]\nbase = \"{base}\"\nrepository = \"{}/sealift\"\n",
        registry.host()
    );
    write(&ours.join("sealift.toml"), &config)?;
    measure::run(lab.sealift_in(&ours).arg("update"))?;
    let push = |lab: &Lab| {
        let mut command = lab.sealift_in(&ours);
        command.args(["--plain", "image", "--push"]);
        command
    };
    let build = |lab: &Lab| {
        let mut command = lab.sealift_in(&ours);
        command.args(["--plain", "build"]);
        command
    };
    let peer = |lab: &Lab| -> Result<Command, Failure> {
        let mut command = Command::new(&ko);
        command.current_dir(&theirs).args(["build", "--bare", "--sbom=none", "--platform", PLATFORMS, "."]);
        command.env("KO_DOCKER_REPO", format!("{}/ko", registry.host())).env("KO_DEFAULTBASEIMAGE", &base);
        command.env("KOCACHE", dir.join("ko-cache")).env("GOCACHE", dir.join("ko-go-cache"));
        command.env("GOENV", "off").env("GOFLAGS", "").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        command.env("PATH", lab.path_with_go()?);
        Ok(command)
    };
    measure::run(&mut push(lab))?;
    measure::run(&mut peer(lab)?)?;
    let mut rows = Vec::new();
    let mut touches = 2000;
    let scenarios = [
        ("binaries → pushed", 0.35, true, true),
        ("touched → pushed", 0.8, true, false),
        ("unchanged", 0.1, false, false),
    ];
    for (what, limit, touched, built) in scenarios {
        let (mut our_costs, mut peer_costs) = (Vec::new(), Vec::new());
        for round in 0..rounds.warm {
            if touched {
                touches += 1;
                lab.lay.touch(&ours, touches)?;
                lab.lay.touch(&theirs, touches)?;
            }
            // ko has no binaries that were built before: it links again whatever is there.
            if built {
                measure::run(&mut build(lab))?;
            }
            let order = if round % 2 == 0 { [true, false] } else { [false, true] };
            for is_ours in order {
                let cost = measure::run(&mut if is_ours { push(lab) } else { peer(lab)? })?;
                if is_ours { &mut our_costs } else { &mut peer_costs }.push(cost);
            }
        }
        rows.push(Row::ratio("images", what, "ko build", &our_costs, &peer_costs, Some(limit)));
    }
    Ok(Ok(rows))
}

/// A base with four platforms that both sides take: an image without a program of its own would be refused by either.
fn base(lab: &Lab, dir: &Path, registry: &Registry) -> Result<String, Failure> {
    let repository = format!("{}/base", registry.host());
    let project = dir.join("base");
    prebuilt(&project, &repository, TARGETS, 4096)?;
    let mut command = lab.sealift_in(&project);
    measure::run(command.args(["--plain", "image", "--push", "--tag"]))?;
    Ok(format!("{repository}:latest"))
}

/// A project whose only service is a file of so many bytes that do not compress.
fn prebuilt(project: &Path, repository: &str, targets: &str, size: u64) -> Outcome {
    std::fs::create_dir_all(project).map_err(|error| at(project, &error))?;
    noise(&project.join("app"), size)?;
    let config = format!(
        "[build]\ntargets = {targets}\n[image]\nrepository = \"{repository}\"\n\n[[service]]\nname = \"app\"\nkind = \
         \"prebuilt\"\npath = \"app\"\n"
    );
    write(&project.join("sealift.toml"), &config)?;
    subject::commit(project)?;
    subject::tag(project, "v1.0.0")
}

/// A gigabyte from one registry to another beside crane, and sealift's own memory with a large binary.
pub fn beside_crane(lab: &mut Lab, folder: &Folder, rounds: Rounds) -> Result<Result<Vec<Row>, String>, Failure> {
    let (Some(crane), Some(program)) = (folder.installed("crane"), folder.installed("distribution")) else {
        return Ok(Err("crane or distribution is not installed (cargo xtask tools test)".to_owned()));
    };
    let dir = lab.dir().join("copies");
    let (from, to) = (Registry::start(&program, &dir.join("from"))?, Registry::start(&program, &dir.join("to"))?);
    let large = dir.join("large");
    prebuilt(&large, &format!("{}/large", from.host()), HOST, LARGE_BINARY)?;
    let pushed = measure::run(lab.sealift_in(&large).args(["--plain", "image", "--push"]))?;
    let memory = Row::absolute("images", "500 MB binary, own memory", mebibytes(pushed.anonymous), MEMORY, "MiB");
    remove(&large)?;
    let source = dir.join("source");
    prebuilt(&source, &format!("{}/source", from.host()), HOST, GIGABYTE)?;
    measure::run(lab.sealift_in(&source).args(["--plain", "image", "--push", "--tag"]))?;
    remove(&source)?;
    let origin = format!("{}/source:latest", from.host());
    let (mut our_costs, mut peer_costs) = (Vec::new(), Vec::new());
    for round in 0..rounds.warm {
        let order = if round % 2 == 0 { [true, false] } else { [false, true] };
        for is_ours in order {
            let target = |side: &str| format!("{}/{side}{round}:latest", to.host());
            let mut command = if is_ours {
                let mut command = lab.sealift_in(&dir);
                command.args(["--plain", "image", "copy", &origin, &target("ours")]);
                command
            } else {
                let mut command = Command::new(&crane);
                command.args(["copy", &origin, &target("theirs")]);
                command
            };
            let cost = measure::run(&mut command)?;
            if is_ours { &mut our_costs } else { &mut peer_costs }.push(cost);
            // What was copied would otherwise fill the disk, and be there already for the next one.
            remove(&to.data())?;
        }
    }
    let copied = Row::ratio("images", "copy of 1 GB", "crane copy", &our_costs, &peer_costs, Some(1.0));
    Ok(Ok(vec![memory, copied.and_cpu(0.6)]))
}

/// Bytes without a pattern, the same in every run (xorshift64*; Vigna, "An experimental exploration of Marsaglia's
/// xorshift generators, scrambled", 2016).
pub(super) fn noise(path: &Path, size: u64) -> Outcome {
    let file = std::fs::File::create(path).map_err(|error| at(path, &error))?;
    let mut out = std::io::BufWriter::with_capacity(1 << 20, file);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = size;
    while left > 0 {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bytes = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        let taken = usize::try_from(left.min(8)).unwrap_or(8);
        out.write_all(&bytes[..taken]).map_err(|error| at(path, &error))?;
        left -= taken as u64;
    }
    out.flush().map_err(|error| at(path, &error))?;
    Program::new("chmod").args(["755"]).args([path]).stream()
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}
