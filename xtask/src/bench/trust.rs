//! One signature, one verification, and many digests: beside cosign, and beside openssl on as many processes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Rounds;
use super::bare::cores;
use super::measure::{self, Cost, median};
use super::report::Row;
use super::subject;
use crate::failure::{Failure, Outcome};
use crate::run::{Program, find};
use crate::tools::Folder;

/// Its name in `--subject`.
pub const NAME: &str = "trust";
/// The most milliseconds of a process that signs or verifies one small file.
const LIMIT: f64 = 10.0;
/// Of cosign's time for the same.
const PART: f64 = 0.1;
/// At least 0.85 of openssl's bytes in a second, so at most so much of its time.
const HASHING: f64 = 1.0 / 0.85;
/// Files that are hashed, and the bytes of each: what is read is in memory on both sides.
const FILES: usize = 16;
const BYTES: usize = 128 << 20;
/// A signature by a key that is encrypted on both sides.
const ENCRYPTED: &str = "one signature, keys opened with a passphrase";
/// Of our own key there.
const PASSPHRASE: (&str, &str) = ("SEALIFT_KEY_PASSWORD", "bench");
/// How often a figure of milliseconds is measured for each round of the others.
const TIMES: usize = 4;

/// The rows, and why some of them are missing.
pub fn rows(sealift: &Path, folder: &Folder, rounds: Rounds) -> Result<(Vec<Row>, Vec<String>), Failure> {
    if rounds.warm == 0 {
        return Ok((Vec::new(), vec!["signatures (--rounds 0)".to_owned()]));
    }
    let yard = Yard::make(sealift)?;
    let mut missing = Vec::new();
    let mut rows = match folder.installed("cosign") {
        Some(cosign) => yard.beside_cosign(&cosign, rounds.warm * TIMES)?,
        None => {
            missing.push("cosign is not installed (cargo xtask tools cosign): ratios to it".to_owned());
            yard.alone(rounds.warm * TIMES)?
        }
    };
    match find("openssl") {
        Some(_) => rows.push(yard.beside_openssl(rounds.warm)?),
        None => missing.push("openssl is not installed (cargo xtask tools openssl): hashing".to_owned()),
    }
    Ok((rows, missing))
}

/// A folder with a key, a small file and a signature over it, gone at the end.
struct Yard {
    sealift: PathBuf,
    dir: PathBuf,
}

impl Yard {
    fn make(sealift: &Path) -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("sealift-trust-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("out")).map_err(|error| at(&dir, &error))?;
        let yard = Self { sealift: sealift.to_owned(), dir };
        measure::run(&mut yard.sealift(&["key", "generate", "key"]))?;
        write(&yard.dir.join("out/app.bin"), b"a small file\n")?;
        write(
            &yard.dir.join("sealift.toml"),
            b"[project]\nname = \"app\"\nsource = \"https://example.com/app\"\n[attest]\nsignatures = \"each\"\n",
        )?;
        subject::commit(&yard.dir)?;
        measure::run(&mut yard.sign())?;
        Ok(yard)
    }

    fn sealift(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.sealift);
        command.args(words).current_dir(&self.dir).env("SEALIFT_CACHE", self.dir.join("cache"));
        for name in ["SEALIFT_KEY", "SEALIFT_KEY_PEM", "SEALIFT_KEY_PASSWORD"] {
            command.env_remove(name);
        }
        command
    }

    /// Signs the file, and a list and a manifest of it besides: sealift signs no less.
    fn sign(&self) -> Command {
        self.sign_in("out", "key")
    }

    fn sign_in(&self, folder: &str, key: &str) -> Command {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let mut command = self.sealift(&[
            "attest",
            folder,
            "--release",
            "1.0.0",
            "--product",
            "app",
            "--commit",
            commit,
            "--key",
            key,
        ]);
        command.env("SOURCE_DATE_EPOCH", "1780000000");
        command
    }

    /// The same with a key that has to be opened first, as cosign's has.
    fn sign_encrypted(&self) -> Result<Command, Failure> {
        let key = self.dir.join("sealed/key");
        std::fs::create_dir_all(self.dir.join("sealed/out")).map_err(|error| at(&key, &error))?;
        std::fs::copy(self.dir.join("out/app.bin"), self.dir.join("sealed/out/app.bin"))
            .map_err(|error| at(&key, &error))?;
        let mut generate = self.sealift(&["key", "generate", "sealed/key"]);
        measure::run(generate.env(PASSPHRASE.0, PASSPHRASE.1))?;
        let mut command = self.sign_in("sealed/out", "sealed/key");
        command.env(PASSPHRASE.0, PASSPHRASE.1);
        Ok(command)
    }

    fn verify(&self) -> Command {
        self.sealift(&["verify", "out/app.bin", "--signature", "out/app.bin.sig", "--key", "key.pub"])
    }

    fn alone(&self, times: usize) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for (what, mut command) in [("one signature", self.sign()), ("one verification", self.verify())] {
            rows.push(milliseconds(what, &many(&mut command, times)?));
        }
        Ok(rows)
    }

    /// The same file signed and verified by cosign, with a key, without a log and without a network, in turns. Cosign has no
    /// keys that are not encrypted: its own is opened each time (scrypt), with a passphrase that is empty. So there is a row
    /// with a key of ours that is encrypted, too.
    fn beside_cosign(&self, cosign: &Path, times: usize) -> Result<Vec<Row>, Failure> {
        let peer = |words: &[&str]| {
            let mut command = Command::new(cosign);
            command.args(words).current_dir(&self.dir).env("COSIGN_PASSWORD", "").env("HOME", &self.dir);
            command
        };
        measure::run(&mut peer(&["generate-key-pair", "--output-key-prefix", "peer"]))?;
        let sign = [
            "sign-blob",
            "--yes",
            "--key",
            "peer.key",
            "--tlog-upload=false",
            "--new-bundle-format",
            "--bundle",
            "peer.sigstore.json",
            "out/app.bin",
        ];
        let verify = [
            "verify-blob",
            "--key",
            "peer.pub",
            "--insecure-ignore-tlog=true",
            "--new-bundle-format",
            "--bundle",
            "peer.sigstore.json",
            "--trusted-root",
            "root.json",
            "out/app.bin",
        ];
        // Without one cosign fetches the root of the public authorities.
        let nobody = br#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
        write(&self.dir.join("root.json"), nobody)?;
        let mut rows = Vec::new();
        for (what, mut ours, mut theirs) in [
            ("one signature", self.sign(), peer(&sign)),
            (ENCRYPTED, self.sign_encrypted()?, peer(&sign)),
            ("one verification", self.verify(), peer(&verify)),
        ] {
            let (our_costs, peer_costs) = in_turns(&mut ours, &mut theirs, times)?;
            let is_encrypted = what == ENCRYPTED;
            rows.extend((!is_encrypted).then(|| milliseconds(what, &our_costs)));
            // Opening a key is slow on purpose, on both sides: nothing is asked of it, and it is shown.
            let limit = Some(PART).filter(|_| !is_encrypted);
            rows.push(Row::ratio(NAME, what, "cosign", &our_costs, &peer_costs, limit));
        }
        Ok(rows)
    }

    /// Files of which nothing is known but their bytes, hashed on all cores.
    fn beside_openssl(&self, rounds: usize) -> Result<Row, Failure> {
        let folder = self.dir.join("opaque");
        std::fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
        let block: Vec<u8> = (0..1_u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let names: Vec<String> = (0..FILES).map(|number| format!("file-{number:02}")).collect();
        for name in &names {
            let path = folder.join(name);
            let mut file = std::fs::File::create(&path).map_err(|error| at(&path, &error))?;
            for _ in 0..BYTES >> 20 {
                file.write_all(&block).map_err(|error| at(&path, &error))?;
            }
        }
        // Read once: they are in memory now.
        let list = Program::new("openssl").args(["dgst", "-sha256", "-r"]).args(&names).dir(&folder).output()?;
        write(&folder.join("checksums.txt"), list.replace(" *", "  ").as_bytes())?;
        let mut ours = self.sealift(&["verify", "--checksums-only", "opaque"]);
        let mut theirs = Command::new("sh");
        theirs.args(["-c", r#"ls file-* | xargs -P "$JOBS" -n 1 openssl dgst -sha256"#]);
        theirs.current_dir(&folder).env("JOBS", cores().to_string());
        let (our_costs, peer_costs) = in_turns(&mut ours, &mut theirs, rounds)?;
        let what = format!("SHA-256 of {FILES} files, {} MB", (FILES * BYTES) >> 20);
        Ok(Row::ratio(NAME, &what, "openssl dgst, as many processes", &our_costs, &peer_costs, Some(HASHING)))
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

fn milliseconds(what: &str, costs: &[Cost]) -> Row {
    Row::absolute(NAME, &format!("{what}, as a process"), median(costs.iter().map(|cost| cost.wall * 1e3)), LIMIT, "ms")
}

fn many(command: &mut Command, times: usize) -> Result<Vec<Cost>, Failure> {
    (0..times).map(|_| measure::run(command)).collect()
}

/// Each side after the other, and first in every other round.
fn in_turns(ours: &mut Command, theirs: &mut Command, times: usize) -> Result<(Vec<Cost>, Vec<Cost>), Failure> {
    let (mut our_costs, mut peer_costs) = (Vec::new(), Vec::new());
    for round in 0..times {
        if round % 2 == 0 {
            our_costs.push(measure::run(ours)?);
            peer_costs.push(measure::run(theirs)?);
        } else {
            peer_costs.push(measure::run(theirs)?);
            our_costs.push(measure::run(ours)?);
        }
    }
    Ok((our_costs, peer_costs))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    std::fs::write(path, bytes).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}
