//! `cargo xtask peers`: other programs judge what sealift makes, on a large service and on a small program of ours.
//!
//! Each line is one judgement. `--installed` goes without the programs that are missing, and names each of them.

mod analyser;
mod history;
mod programs;
mod signatures;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Lay, SUBJECTS, commit, tag};
use crate::failure::{Failure, Outcome};
use crate::loopback::Registry;
use crate::run::{Program, built, cargo};
use crate::tools::{self, Folder};

/// How long a started service may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The large service's program.
const NAME: &str = "nats-server";
/// The most compressed bytes that an image of the large service may have for a platform.
const LARGEST: u64 = 10_000_000;
/// What the images of the large service are for.
const PLATFORMS: &[(&str, &str, &str)] =
    &[("linux", "amd64", ""), ("linux", "arm64", ""), ("linux", "arm", "v7"), ("linux", "386", "")];

/// Runs every judgement; one that fails makes the run fail.
pub fn run(arguments: &[String]) -> Outcome {
    let usage =
        || Failure::usage("error: unknown argument\nhint: cargo xtask peers [--installed] [--only PART] [--data DIR]");
    let (mut installed, mut only, mut data) = (false, None, None);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(option) = rest.next() {
        match option {
            "--installed" => installed = true,
            "--data" => data = Some(Path::new(rest.next().ok_or_else(usage)?)),
            "--only" => only = Some(rest.next().filter(|part| PARTS.contains(part)).ok_or_else(usage)?),
            _ => return Err(usage()),
        }
    }
    tools::ready("test")?;
    if !installed {
        tools::ready("peers")?;
    }
    cargo()?.args(["build", "--release", "--package", "sealift"]).stream()?;
    let peers = Peers::open(built("release")?)?;
    let mut verdicts = Verdicts::default();
    let wanted = |part| only.is_none_or(|only| only == part);
    if wanted("signatures") {
        signatures::judge(&mut verdicts)?;
    }
    if wanted("images") {
        let project = peers.release(&mut verdicts)?;
        programs::valid(&project.join("dist"), &mut verdicts)?;
        peers.images(&project, &mut verdicts)?;
    }
    if wanted("probe") {
        peers.probe(&mut verdicts)?;
    }
    if wanted("histories") {
        peers.histories(&mut verdicts)?;
    }
    if wanted("analyser") {
        peers.analysed(&mut verdicts)?;
    }
    if wanted("programs") {
        peers.programs(data, &mut verdicts)?;
    }
    verdicts.conclude(installed)
}

/// What can be judged alone.
const PARTS: &[&str] = &["images", "probe", "histories", "analyser", "signatures", "programs"];

/// What was judged.
#[derive(Default)]
struct Verdicts {
    refused: Vec<String>,
    missing: Vec<String>,
}

impl Verdicts {
    /// Asks a program that may be missing.
    fn ask(&mut self, program: &str, what: &str, judge: impl FnOnce(&Path) -> Result<String, Failure>) {
        let Some(path) = Folder::find().ok().and_then(|folder| folder.anywhere(program)) else {
            return self.not_run(program, what, "not installed (cargo xtask tools peers)");
        };
        match judge(&path) {
            Ok(told) => println!("passed    {program}: {what}{}{told}", if told.is_empty() { "" } else { ": " }),
            Err(failure) => {
                println!("FAILED    {program}: {what}: {}", failure.message);
                self.refused.push(format!("{program}: {what}"));
            }
        }
    }

    /// Notes a judgement that was not asked for, and why.
    fn not_run(&mut self, program: &str, what: &str, why: &str) {
        println!("NOT RUN   {program}: {what}: {why}");
        self.missing.push(program.to_owned());
    }

    /// What was not judged is no agreement, unless somebody asked for the programs that are installed alone.
    fn conclude(mut self, installed: bool) -> Outcome {
        if !self.missing.is_empty() {
            let missing = format!("missing: {}", self.missing.join(", "));
            println!("{missing}");
            self.refused.extend((!installed).then_some(missing));
        }
        if self.refused.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(format!("error: refused by peers:\n  {}", self.refused.join("\n  "))))
    }
}

/// A folder in which everything happens, gone at the end.
struct Peers {
    sealift: PathBuf,
    dir: PathBuf,
}

impl Drop for Peers {
    fn drop(&mut self) {
        // Files that a container wrote, and those of the module cache, may be read-only.
        drop(Program::new("chmod").args(["-R", "u+w"]).args([&self.dir]).output());
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

impl Peers {
    fn open(sealift: PathBuf) -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("sealift-peers-{}", std::process::id()));
        std::fs::create_dir(&dir).map_err(|error| at(&dir, &error))?;
        Ok(Self { sealift, dir })
    }

    fn sealift(&self, project: &Path) -> Result<Program, Failure> {
        let folder = Folder::find()?;
        Ok(Program::new(&self.sealift)
            .dir(project)
            .env("PATH", folder.path()?)
            .env("SEALIFT_CACHE", self.dir.join("store")))
    }

    /// Releases the large service for the default targets; gives the project.
    fn release(&self, verdicts: &mut Verdicts) -> Result<PathBuf, Failure> {
        let project = self.dir.join(NAME);
        let lay: &Lay = SUBJECTS.iter().find(|lay| lay.name == "nats").expect("the large service is a subject");
        let go = Folder::find()?.go().unwrap_or_else(|| "go".into());
        lay.lay(&project, go.as_os_str())?;
        write(&project.join("sealift.toml"), &format!("[image]\nbudget = {LARGEST}\n"))?;
        let (key, public) = (self.dir.join("release.key"), self.dir.join("release.key.pub"));
        self.sealift(&project)?.args(["--quiet", "key", "generate"]).args([&key]).output()?;
        self.sealift(&project)?.args(["--plain", "release", "--snapshot", "--key"]).args([&key]).stream()?;
        self.sealift(&project)?.args(["--plain", "verify", "--key"]).args([&public]).stream()?;
        let dist = project.join("dist");
        let archives = archives(&dist)?;
        verdicts.ask("sha256sum", "agrees with checksums.txt", |sha256sum| {
            let told = Program::new(sha256sum).dir(&dist).args(["--strict", "--check", "checksums.txt"]).output()?;
            let told = told.lines().filter(|line| line.ends_with(": OK")).count();
            if archives.len() == 9 && told >= archives.len() {
                return Ok(format!("{told} files, {} of them archives", archives.len()));
            }
            Err(Failure::refused(format!("error: {told} files are right, and there are {} archives", archives.len())))
        });
        verdicts.ask("openssl", "verifies the signature of checksums.txt", |openssl| {
            let verify = Program::new(openssl).dir(&dist).args(["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"]);
            let verify = verify.args([&public]).args(["-sigfile", "checksums.txt.sig", "-in", "checksums.txt"]);
            verify.output().map(|told| told.trim().to_owned())
        });
        verdicts.ask("tar", "unpacks the program for this machine, which answers /healthz", |tar| {
            let archive = archives.iter().find(|path| path.to_string_lossy().ends_with("_linux_amd64.tar.gz"));
            let archive = archive.ok_or_else(|| Failure::refused("error: no archive is for linux/amd64"))?;
            let unpacked = self.dir.join("unpacked");
            std::fs::create_dir(&unpacked).map_err(|error| at(&unpacked, &error))?;
            Program::new(tar).args(["-C"]).args([&unpacked]).args(["-xf"]).args([archive, Path::new(NAME)]).output()?;
            let program = unpacked.join(NAME);
            let mut service = Command::new(&program);
            service.args(["-a", "127.0.0.1", "-p", "14223", "-m", "18223"]).stdout(Stdio::null()).stderr(Stdio::null());
            let mut service = Running(service.spawn().map_err(|error| at(&program, &error))?);
            asked("127.0.0.1:18223", "/healthz", &mut service.0)
        });
        Ok(project)
    }

    /// The images of the large service.
    fn images(&self, project: &Path, verdicts: &mut Verdicts) -> Outcome {
        let (layout, name) = (project.join("dist/image"), NAME);
        for (os, arch, variant) in PLATFORMS {
            let place = format!("oci:{}:{name}", layout.display());
            verdicts.ask("skopeo", &format!("inspects {}", slashed(os, arch, variant)), |skopeo| {
                let mut asked = Program::new(skopeo).args(["--override-os", os, "--override-arch", arch]);
                if !variant.is_empty() {
                    asked = asked.args(["--override-variant", variant]);
                }
                let told: serde_json::Value =
                    serde_json::from_str(&asked.args(["inspect", &place]).output()?).unwrap_or_default();
                let (mut count, mut size) = (0, 0);
                // Older releases of skopeo tell the digests of the layers and not their sizes.
                for layer in told["Layers"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str) {
                    let blob = layout.join("blobs").join(layer.replace(':', "/"));
                    size += blob.metadata().map_err(|error| at(&blob, &error))?.len();
                    count += 1;
                }
                if told["Architecture"] != *arch || count == 0 || size > LARGEST {
                    return Err(Failure::refused(format!("error: {count} layers of {size} bytes: {told}")));
                }
                Ok(format!("{count} layers, {size} bytes"))
            });
        }
        let reference = format!("{}:{name}", layout.display());
        verdicts.ask("umoci", "unpacks the image for this machine", |umoci| {
            let bundle = self.dir.join("bundle");
            // umoci takes no index: the manifest of this machine's platform is copied into a layout of its own.
            let single = self.dir.join("single");
            let to = format!("oci:{}:{name}", single.display());
            Program::new("skopeo").args(["copy", "--quiet", &format!("oci:{reference}"), &to]).output()?;
            let image = format!("{}:{name}", single.display());
            Program::new(umoci).args(["unpack", "--rootless", "--image", &image]).args([&bundle]).output()?;
            let program = bundle.join("rootfs/usr/bin").join(name);
            Program::new(&program).args(["--version"]).output().map(|version| version.trim().to_owned())
        });
        verdicts.ask("buildah", "runs the image, which answers /healthz as 65532", |buildah| {
            let container = Container::from(buildah, &self.dir, &format!("oci:{reference}"))?;
            let port = "18222";
            let mut running =
                container.start(&["/usr/bin/nats-server", "-a", "127.0.0.1", "-p", "14222", "-m", port])?;
            let answer = asked(&format!("127.0.0.1:{port}"), "/healthz", &mut running.0)?;
            let user = running.user("nats-server")?;
            if user != "65532" {
                return Err(Failure::refused(format!("error: it runs as {user}")));
            }
            Ok(answer)
        });
        let sealift = self.sealift.clone();
        verdicts.ask("docker-registry", "takes the image and gives it back", |program| {
            let registry = Registry::start(program, &self.dir.join("debian"))?;
            let place = format!("{}/{name}:1", registry.host());
            let copy =
                |from: &str, to: &str| Program::new(&sealift).args(["--quiet", "image", "copy", from, to]).output();
            let sent = copy(&format!("oci:{reference}"), &place)?;
            let back = copy(&place, &format!("oci:{}:{name}", self.dir.join("back").display()))?;
            let digest = |text: &str| text.trim().rsplit_once('@').map(|(_, digest)| digest.to_owned());
            match (digest(&sent), digest(&back)) {
                (Some(sent), Some(back)) if sent == back => Ok(sent),
                _ => Err(Failure::refused(format!("error: {sent} came back as {back}"))),
            }
        });
        Ok(())
    }

    /// A program in an image, which trusts an authority that came in through `image.ca-certificates`.
    fn probe(&self, verdicts: &mut Verdicts) -> Outcome {
        let project = self.dir.join("probe");
        std::fs::create_dir(&project).map_err(|error| at(&project, &error))?;
        write(&project.join("go.mod"), "module example.com/probe\n\ngo 1.26.0\n\ntoolchain go1.26.8\n")?;
        write(&project.join("main.go"), include_str!("peers/probe.go"))?;
        self.sealift(&project)?.args(["--quiet", "build", "-o", "../probe-here"]).output()?;
        let (probe, secrets) = (self.dir.join("probe-here"), self.dir.join("secrets"));
        std::fs::create_dir(&secrets).map_err(|error| at(&secrets, &error))?;
        Program::new(&probe).args(["authority"]).args([&secrets]).output()?;
        std::fs::copy(secrets.join("ca.pem"), project.join("ca.pem")).map_err(|error| at(&project, &error))?;
        let config = "[build]\ntargets = [\"host\"]\n[image]\nca-certificates = [\"ca.pem\"]\n";
        write(&project.join("sealift.toml"), config)?;
        commit(&project)?;
        tag(&project, "v1.0.0")?;
        self.sealift(&project)?.args(["--quiet", "image"]).output()?;
        verdicts.ask("podman", "is given the image of this machine by --load", |podman| {
            // Its storage is in the home folder.
            let home = self.dir.join("home");
            self.sealift(&project)?.env("HOME", &home).args(["--quiet", "image", "--host", "--load"]).output()?;
            let form = "{{.Os}} {{.User}} {{.Config.Entrypoint}}";
            let told = Program::new(podman).env("HOME", &home).args(["image", "inspect", "--format", form]);
            let told = told.args(["localhost/probe:latest"]).output()?;
            Program::new(podman).env("HOME", &home).args(["rmi", "--force", "localhost/probe:latest"]).output()?;
            if told.trim() == "linux 65532:65532 [/usr/bin/probe]" {
                return Ok(told.trim().to_owned());
            }
            Err(Failure::refused(format!("error: it says {told:?}")))
        });
        let mut server = Command::new(&probe);
        server.arg("serve").arg(&secrets).arg("127.0.0.1:0").stdout(Stdio::piped());
        let mut server = Running(server.spawn().map_err(|error| at(&probe, &error))?);
        let mut address = String::new();
        let said = server.0.stdout.take().expect("its output is a pipe");
        BufReader::new(said).read_line(&mut address).map_err(|error| at(&probe, &error))?;
        let address = address.trim();
        verdicts.ask("buildah", "a program in an image trusts the authority of ours", |buildah| {
            let image = format!("oci:{}:probe", project.join("dist/image").display());
            let container = Container::from(buildah, &self.dir, &image)?;
            let told = container.run(&["/usr/bin/probe", "get", &format!("https://{address}/")])?;
            if told.trim() == "status=200 uid=65532" {
                return Ok(told.trim().to_owned());
            }
            Err(Failure::refused(format!("error: it says {told:?}")))
        });
        Ok(())
    }
}

/// A container of buildah, without namespaces, gone at the end.
struct Container {
    buildah: PathBuf,
    dir: PathBuf,
    name: String,
}

impl Container {
    fn from(buildah: &Path, dir: &Path, image: &str) -> Result<Self, Failure> {
        let dir = dir.join("buildah");
        std::fs::create_dir_all(&dir).map_err(|error| at(&dir, &error))?;
        write(&dir.join("policy.json"), r#"{"default": [{"type": "insecureAcceptAnything"}]}"#)?;
        let mut container = Self { buildah: buildah.to_owned(), dir, name: String::new() };
        let policy = container.dir.join("policy.json");
        let made = container.program().args(["from", "--signature-policy"]).args([&policy]).args([image]).output()?;
        container.name = made.trim().to_owned();
        Ok(container)
    }

    fn words(&self) -> [std::ffi::OsString; 6] {
        let (root, run) = (self.dir.join("root"), self.dir.join("run"));
        ["--root".into(), root.into(), "--runroot".into(), run.into(), "--storage-driver".into(), "vfs".into()]
    }

    fn program(&self) -> Program {
        Program::new(&self.buildah).args(self.words())
    }

    /// Runs a program in it to its end; gives what it says.
    fn run(&self, command: &[&str]) -> Result<String, Failure> {
        self.program().args(["run", "--isolation", "chroot", &self.name, "--"]).args(command).output()
    }

    /// Starts a program in it.
    fn start(&self, command: &[&str]) -> Result<Running, Failure> {
        let mut child = Command::new(&self.buildah);
        child.args(self.words()).args(["run", "--isolation", "chroot", &self.name, "--"]).args(command);
        child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        child.spawn().map(Running).map_err(|error| at(&self.buildah, &error))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.program().args(["rm", &self.name]).output());
    }
}

/// A program that is ended when this is dropped, with all it has started.
struct Running(Child);

impl Running {
    /// The user that a program below this one runs as.
    fn user(&self, name: &str) -> Result<String, Failure> {
        let listed = Program::new("ps").args(["-eo", "uid=,comm=,ppid=,pid="]).output()?;
        let mut own = std::collections::BTreeSet::from([self.0.id().to_string()]);
        let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
        // Children have larger numbers than their parents only usually: as often as there are generations.
        for _ in 0..8 {
            for row in rows.iter().filter(|row| row.len() == 4) {
                if own.contains(row[2]) {
                    if row[1] == name {
                        return Ok(row[0].to_owned());
                    }
                    own.insert(row[3].to_owned());
                }
            }
        }
        Err(Failure::refused(format!("error: {name} does not run")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(Program::new("kill").args(["-TERM", &self.0.id().to_string()]).output());
        drop(self.0.wait());
    }
}

/// Asks a server until it answers 200, and gives what it says.
fn asked(address: &str, path: &str, server: &mut Child) -> Result<String, Failure> {
    let began = Instant::now();
    loop {
        let answer = ask(address, path);
        if let Some((_, body)) = answer.as_deref().ok().and_then(|answer| answer.split_once("\r\n\r\n"))
            && answer.as_deref().is_ok_and(|answer| answer.split_whitespace().nth(1) == Some("200"))
        {
            return Ok(body.trim().to_owned());
        }
        let ended = server.try_wait().ok().flatten();
        if ended.is_some() || began.elapsed() > PATIENCE {
            return Err(Failure::refused(format!("error: {address}{path}: {answer:?}; ended: {ended:?}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ask(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The archives in a folder.
fn archives(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(dir).map_err(|error| at(dir, &error))?.flatten().map(|entry| entry.path());
    Ok(entries.filter(|path| [".tar.gz", ".zip"].iter().any(|end| path.to_string_lossy().ends_with(end))).collect())
}

fn slashed(os: &str, arch: &str, variant: &str) -> String {
    [os, arch, variant].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}
