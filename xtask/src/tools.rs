//! `cargo xtask tools`: the programs that tests need, installed once into `.tools/` and remembered by name and version.

mod table;

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::run::{Program, built, cargo, find, is_program, root};
use table::{How, Minimum, TIERS, TOOLS, Tool};

/// Installs the named tools, or those of the named tiers; without a name, those of the tier `test`.
pub fn run(arguments: &[String]) -> Outcome {
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tools = select(if names.is_empty() { &["test"] } else { &names })?;
    let folder = Folder::find()?;
    install(&folder, &tools)?;
    for tool in tools {
        println!(
            "{:<12}{}",
            tool.name,
            folder.program(tool).map_or_else(String::new, |file| file.display().to_string())
        );
    }
    Ok(())
}

/// Installs a tier and gives the folder.
pub fn ready(tier: &str) -> Result<Folder, Failure> {
    let folder = Folder::find()?;
    install(&folder, &select(&[tier])?)?;
    Ok(folder)
}

/// The tools that names of tools or tiers mean, in the table's order, each once.
fn select(names: &[&str]) -> Result<Vec<&'static Tool>, Failure> {
    let known = || TIERS.iter().copied().chain(TOOLS.iter().map(|tool| tool.name));
    if let Some(name) = names.iter().find(|name| !known().any(|known| known == **name)) {
        return Err(Failure::unknown("tool or tier", name, known(), "xtask/src/tools/table.rs"));
    }
    let here = |tool: &&Tool| tool.system.is_none_or(|system| system == std::env::consts::OS);
    let named = |tool: &&Tool| names.contains(&tool.name) || names.contains(&tool.tier);
    Ok(TOOLS.iter().filter(named).filter(here).collect())
}

/// Installs what is missing, and says for the rest what is missing and what would install it.
fn install(folder: &Folder, tools: &[&Tool]) -> Outcome {
    let mut unmet = Vec::new();
    let mut packages = Vec::new();
    for tool in tools.iter().filter(|tool| !folder.has(tool)) {
        match tool.how {
            How::Toolchain(minimum) => {
                if let Err(failure) = provision(folder, minimum) {
                    unmet.push(format!("{}: {}\n  {}", tool.name, toolchain_hint(minimum), failure.message));
                }
            }
            How::Debian { package, .. } => packages.push(package),
            How::Python { package, program } => {
                if let Err(failure) = pip_install(folder, tool, package, program) {
                    unmet.push(format!("{}: {}", tool.name, failure.message));
                }
            }
            How::Npm { packages } => {
                if let Err(failure) = npm_install(folder, tool, packages) {
                    unmet.push(format!("{}: {}", tool.name, failure.message));
                }
            }
            How::Go { module } => {
                if let Err(failure) = go_install(folder, tool, module) {
                    unmet.push(format!("{}: {}", tool.name, failure.message));
                }
            }
            How::Cargo => {
                if let Err(failure) = cargo_install(folder, tool) {
                    unmet.push(format!("{}: {}", tool.name, failure.message));
                }
            }
        }
    }
    if !packages.is_empty()
        && let Err(failure) = apt_install(&packages)
    {
        unmet.push(failure.message);
    }
    unmet.extend(
        tools.iter().filter(|tool| matches!(tool.how, How::Debian { .. }) && !folder.has(tool)).map(debian_hint),
    );
    if unmet.is_empty() { Ok(()) } else { Err(Failure::tool(format!("missing tools:\n  {}", unmet.join("\n  ")))) }
}

fn toolchain_hint(minimum: Minimum) -> String {
    let Minimum { major, minor, exact } = minimum;
    format!(
        "go {major}.{minor} or newer is not on PATH and could not be fetched; install go{exact} from https://go.dev/dl/"
    )
}

fn debian_hint(tool: &&Tool) -> String {
    let How::Debian { package, program } = tool.how else { return tool.name.to_owned() };
    format!(
        "{}: `{program}` is not on PATH; sudo apt-get install {package}, or your system's package of that name",
        tool.name
    )
}

/// Has sealift itself fetch, verify and unpack a Go, and notes where it is. An older note is replaced.
fn provision(folder: &Folder, minimum: Minimum) -> Outcome {
    eprintln!("building sealift, which fetches Go {}", minimum.exact);
    cargo()?.args(["build", "--quiet", "--package", "sealift"]).stream()?;
    let program = Program::new(built("debug")?)
        .args(["--quiet", "toolchain", minimum.exact])
        .dir(root()?)
        .env("SEALIFT_CACHE", folder.dir.join("cache"))
        .output()?;
    make(&folder.dir.join("stamps"))?;
    let note = folder.go_note();
    std::fs::write(&note, program.trim_end()).map_err(|error| at(&note, &error))
}

/// Builds a Go program into the folder: staged, moved, then stamped, so that a stamp never speaks of half a program.
fn go_install(folder: &Folder, tool: &Tool, module: &str) -> Outcome {
    let stage = folder.dir.join(format!("stage-{}-{}", tool.name, std::process::id()));
    let package = format!("{module}@{}", tool.version);
    eprintln!("installing {package}");
    let built = Program::new(folder.go().unwrap_or_else(|| "go".into()))
        .args(["install", &package])
        .dir(make(&stage)?)
        .env("PATH", folder.path()?)
        .env("GOBIN", &stage)
        .env("CGO_ENABLED", "0")
        // Flags and targets meant for the developer's own builds would change or refuse this one.
        .env("GOFLAGS", "")
        .env("GOOS", "")
        .env("GOARCH", "")
        .stream()
        .and_then(|()| {
            let file = |name: &str| format!("{name}{}", std::env::consts::EXE_SUFFIX);
            make(&folder.bin())?;
            make(&folder.dir.join("stamps"))?;
            std::fs::rename(stage.join(file(program_of(module))), folder.bin().join(file(tool.name)))
                .map_err(|error| at(&stage, &error))?;
            let stamp = folder.stamp(tool);
            std::fs::write(&stamp, stamp_text(tool)).map_err(|error| at(&stamp, &error))
        });
    // What is left of a failed build is in nobody's way; the build's own failure is what counts.
    drop(std::fs::remove_dir_all(&stage));
    built
}

/// Builds a Rust program into the folder, in the same way.
fn cargo_install(folder: &Folder, tool: &Tool) -> Outcome {
    let stage = folder.dir.join(format!("stage-{}-{}", tool.name, std::process::id()));
    eprintln!("installing {} {}", tool.name, tool.version);
    let built = cargo()?
        .args(["install", "--quiet", "--locked", tool.name, "--version", tool.version, "--root"])
        .args([make(&stage)?])
        .env("CARGO_TARGET_DIR", stage.join("target"))
        .stream()
        .and_then(|()| {
            let file = format!("{}{}", tool.name, std::env::consts::EXE_SUFFIX);
            make(&folder.bin())?;
            make(&folder.dir.join("stamps"))?;
            std::fs::rename(stage.join("bin").join(&file), folder.bin().join(file))
                .map_err(|error| at(&stage, &error))?;
            let stamp = folder.stamp(tool);
            std::fs::write(&stamp, stamp_text(tool)).map_err(|error| at(&stamp, &error))
        });
    drop(std::fs::remove_dir_all(&stage));
    built
}

/// Installs a Python package into an environment that stays, and leads from the folder of programs to its program.
fn pip_install(folder: &Folder, tool: &Tool, package: &str, program: &str) -> Outcome {
    let stage = folder.dir.join("python").join(tool.name);
    let package = format!("{package}=={}", tool.version);
    eprintln!("installing {package}");
    drop(std::fs::remove_dir_all(&stage));
    Program::new("python3").args(["-m", "venv"]).args([&stage]).stream()?;
    Program::new(stage.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", &package])
        .stream()?;
    make(&folder.bin())?;
    make(&folder.dir.join("stamps"))?;
    let (program, link) = (stage.join("bin").join(program), folder.bin().join(tool.name));
    drop(std::fs::remove_file(&link));
    #[cfg(unix)]
    std::os::unix::fs::symlink(&program, &link).map_err(|error| at(&link, &error))?;
    let stamp = folder.stamp(tool);
    std::fs::write(&stamp, stamp_text(tool)).map_err(|error| at(&stamp, &error))
}

/// Installs packages of npm into a folder that stays. No script of theirs runs.
fn npm_install(folder: &Folder, tool: &Tool, packages: &[&str]) -> Outcome {
    let stage = folder.npm(tool);
    eprintln!("installing {}", packages.join(", "));
    drop(std::fs::remove_dir_all(&stage));
    make(&stage)?;
    let words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error"];
    Program::new("npm").args(words).args(["--prefix"]).args([&stage]).args(packages).dir(&stage).stream()?;
    make(&folder.dir.join("stamps"))?;
    let stamp = folder.stamp(tool);
    std::fs::write(&stamp, stamp_text(tool)).map_err(|error| at(&stamp, &error))
}

/// What `go install` calls the program of a main package: the last element of its path that is no major version.
pub fn program_of(module: &str) -> &str {
    let version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit()));
    module.rsplit('/').find(|part| !version(part)).unwrap_or(module)
}

/// Installs Debian packages, where that is possible without asking.
fn apt_install(packages: &[&str]) -> Outcome {
    let root = Program::new("id").args(["-u"]).output().is_ok_and(|id| id.trim() == "0");
    if !root || find("apt-get").is_none() {
        return Ok(());
    }
    let apt = |words: &[&str]| {
        let line = Program::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive");
        eprintln!("{}", line.line());
        line.stream()
    };
    let words = [&["install", "--yes", "-qq", "--no-install-recommends"], packages].concat();
    // The package lists may be older than the archive: once more with fresh ones.
    apt(&words).or_else(|_| apt(&["update", "-qq"]).and_then(|()| apt(&words)))
}

/// Where tools are installed.
pub struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// `$SEALIFT_TOOLS_DIR`, else `.tools` at the repository's top.
    pub fn find() -> Result<Self, Failure> {
        let dir = match std::env::var_os("SEALIFT_TOOLS_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => std::path::absolute(&dir).map_err(|error| at(Path::new(&dir), &error))?,
            None => root()?.join(".tools"),
        };
        Ok(Self { dir })
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// PATH with the installed programs first, and before what else is there the Go that was fetched, if one was needed.
    pub fn path(&self) -> Result<std::ffi::OsString, Failure> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let fetched = self.fetched_go().and_then(|go| go.parent().map(Path::to_owned));
        std::env::join_paths([self.bin()].into_iter().chain(fetched).chain(std::env::split_paths(&path)))
            .map_err(|error| Failure::tool(format!("error: {}: {error}", self.dir.display())))
    }

    fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    fn go_note(&self) -> PathBuf {
        self.dir.join("stamps").join("go")
    }

    /// The go command that [`provision`] has fetched. One on PATH that is new enough is preferred.
    fn fetched_go(&self) -> Option<PathBuf> {
        if find("go").is_some_and(|go| is_new_enough(&go)) {
            return None;
        }
        let note = std::fs::read_to_string(self.go_note()).ok()?;
        Some(PathBuf::from(note)).filter(|go| is_program(go))
    }

    /// A Go program of the table, if it is installed in the version of the table.
    pub fn installed(&self, name: &str) -> Option<PathBuf> {
        let tool = TOOLS.iter().find(|tool| tool.name == name)?;
        if self.has(tool) { self.program(tool) } else { None }
    }

    /// A program, installed here or anywhere on PATH.
    pub fn anywhere(&self, name: &str) -> Option<PathBuf> {
        TOOLS.iter().find(|tool| tool.name == name).map_or_else(|| find(name), |tool| self.program(tool))
    }

    /// The go command that the tests will find.
    pub fn go(&self) -> Option<PathBuf> {
        self.fetched_go().or_else(|| find("go"))
    }

    fn npm(&self, tool: &Tool) -> PathBuf {
        self.dir.join("npm").join(tool.name)
    }

    fn stamp(&self, tool: &Tool) -> PathBuf {
        self.dir.join("stamps").join(tool.name)
    }

    /// Whether a tool is there in the version of the table.
    fn has(&self, tool: &Tool) -> bool {
        match tool.how {
            How::Toolchain(minimum) => {
                self.go().and_then(|go| version_of(&go)).is_some_and(|text| minimum.is_met_by(&text))
            }
            How::Debian { .. } => self.program(tool).is_some(),
            How::Go { .. } | How::Python { .. } | How::Npm { .. } | How::Cargo => {
                self.program(tool).is_some()
                    && std::fs::read_to_string(self.stamp(tool)).is_ok_and(|text| text == stamp_text(tool))
            }
        }
    }

    /// The file of a tool, if there is one.
    fn program(&self, tool: &Tool) -> Option<PathBuf> {
        match tool.how {
            How::Toolchain(_) => self.go(),
            How::Debian { program, .. } => find(program),
            // A library: a program of ours loads it from its folder.
            How::Npm { .. } => Some(self.npm(tool)).filter(|dir| dir.join("node_modules").is_dir()),
            How::Go { .. } | How::Python { .. } | How::Cargo => {
                let file = self.bin().join(format!("{}{}", tool.name, std::env::consts::EXE_SUFFIX));
                is_program(&file).then_some(file)
            }
        }
    }
}

fn stamp_text(tool: &Tool) -> String {
    format!("{} {}\n", tool.name, tool.version)
}

fn is_new_enough(go: &Path) -> bool {
    let mut minima = TOOLS.iter().filter_map(|tool| match tool.how {
        How::Toolchain(minimum) => Some(minimum),
        _ => None,
    });
    version_of(go).is_some_and(|text| minima.all(|minimum| minimum.is_met_by(&text)))
}

fn version_of(go: &Path) -> Option<String> {
    // `go version` in the repository would obey a toolchain line of somebody's go.work; this asks what is installed.
    Program::new(go).args(["version"]).env("GOTOOLCHAIN", "local").output().ok()
}

fn make(dir: &Path) -> Result<&Path, Failure> {
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    Ok(dir)
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::tool(format!("error: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
