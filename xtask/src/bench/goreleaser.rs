//! The peer that does the same job: goreleaser with a configuration that says the same.

use std::path::PathBuf;
use std::process::Command;

use super::Rounds;
use super::bare::cores;
use super::measure;
use super::report::Row;
use super::scenario::{Before, Lab, remove};
use crate::failure::Failure;
use crate::tools::Folder;

/// The targets, flags and archives of sealift's defaults. It signs nothing and lists no packages, which is in its favour.
const CONFIG: &str = r#"version: 2
project_name: service
builds:
  - env: [CGO_ENABLED=0]
    flags: [-trimpath, -buildvcs=false, -mod=readonly]
    ldflags: ["-s -w -X main.version={{.Version}} -X main.commit={{.FullCommit}} -X main.date={{.CommitDate}}"]
    mod_timestamp: "{{ .CommitTimestamp }}"
    targets:
      - linux_amd64_v1
      - linux_arm64_v8.0
      - linux_arm_7
      - linux_386_sse2
      - darwin_amd64_v1
      - darwin_arm64_v8.0
      - windows_amd64_v1
      - windows_arm64_v8.0
      - windows_386_sse2
archives:
  - formats: [tar.gz]
    format_overrides: [{goos: windows, formats: [zip]}]
checksum: {name_template: checksums.txt}
snapshot: {version_template: "0.0.0-snapshot"}
"#;

/// Compares the scenarios with goreleaser where it is installed; else says why there is nothing.
pub fn rows(lab: &mut Lab, folder: &Folder, rounds: Rounds) -> Result<Result<Vec<Row>, String>, Failure> {
    let Some(program) = folder.installed("goreleaser") else {
        return Ok(Err("goreleaser is not installed (cargo xtask tools bench)".to_owned()));
    };
    let peer = Peer { program, dir: lab.dir().join("goreleaser"), cache: lab.dir().join("goreleaser-cache") };
    lab.lay.lay(&peer.dir, lab.go())?;
    let config = peer.dir.join(".goreleaser.yaml");
    std::fs::write(&config, CONFIG).map_err(|error| Failure::tool(format!("error: {}: {error}", config.display())))?;
    if rounds.cold == 0 {
        measure::run(&mut peer.release(lab)?)?;
    }
    let mut rows = Vec::new();
    let mut touches = 1000;
    for (before, name, rounds) in Before::all(rounds).into_iter().filter(|(_, _, rounds)| *rounds > 0) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            lab.before(before)?;
            match before {
                Before::Clear => remove(&peer.cache)?,
                Before::Touch => {
                    touches += 1;
                    lab.lay.touch(&peer.dir, touches)?;
                }
                Before::Nothing => {}
            }
            let order = if round % 2 == 0 { [true, false] } else { [false, true] };
            for is_ours in order {
                if is_ours {
                    ours.push(measure::run(&mut lab.release())?);
                } else {
                    theirs.push(measure::run(&mut peer.release(lab)?)?);
                }
            }
        }
        rows.push(Row::ratio(lab.lay.name, &format!("release, {name}"), "goreleaser", &ours, &theirs, None));
    }
    Ok(Ok(rows))
}

struct Peer {
    program: PathBuf,
    dir: PathBuf,
    cache: PathBuf,
}

impl Peer {
    fn release(&self, lab: &Lab) -> Result<Command, Failure> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.dir).args(["release", "--snapshot", "--clean", "--parallelism"]);
        command.arg(cores().to_string());
        command.env("GOCACHE", &self.cache).env("GOENV", "off").env("GOFLAGS", "").env("GOTOOLCHAIN", "local");
        command.env("PATH", lab.path_with_go()?);
        Ok(command)
    }
}
