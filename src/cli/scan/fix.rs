//! `sealift scan --fix`: the upgrades that a scan advises, made beside the work tree, tested there, and kept as a branch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::super::project::{Aim, Project, Selection};
use super::World;
use crate::command::Command;
use crate::console::Product;
use crate::error::{Failure, Kind};
use crate::event::Event;
use crate::history::{self, Git};
use crate::host::files;
use crate::refs::{NewBranch, Writer};
use crate::scan::{Fix, Report};
use crate::survey::{Images, Repository, Toolchain};
use crate::toolchain::go::gomod;
use crate::version::Mode;

/// The longest `go.mod` that is read, in bytes.
const GO_MOD_CAP: u64 = 4 << 20;

/// A module of the project and what is upgraded in it.
struct Module<'a> {
    toolchain: &'a Toolchain,
    /// Its folder, from the top of the repository.
    below: PathBuf,
    fixes: Vec<&'a Fix>,
}

/// Makes the upgrades on a branch of its own.
///
/// # Errors
/// `scan.fix-nothing` where no upgrade helps, `scan.fix-module` where what was scanned is no module of this project,
/// `scan.fix-branch` where the branch is there, `scan.fix-failed` with what go said. Nothing is left behind then.
pub fn fix(world: &World<'_>, report: &Report) -> Result<Product, Failure> {
    let fixes = report.fixes();
    if fixes.is_empty() {
        let message = "nothing that was found is fixed by an upgrade".to_owned();
        return Err(failure("scan.fix-nothing", Kind::Nothing, message, None));
    }
    let project = Project::open(world, &Selection::default(), None)?;
    let aim = Aim { mode: Mode::Any, repository: Repository::Required, images: Images::Unwanted };
    let (survey, _) = project.plan(aim, &Selection::default())?;
    let git = Git::find(world.host, &project.config.root)?;
    let facts = git.text(world.host, ["rev-parse", "--show-toplevel", "HEAD^{commit}"])?;
    let mut lines = facts.lines();
    let (top, head) = (PathBuf::from(lines.next().unwrap_or_default()), lines.next().unwrap_or_default().to_owned());
    let git = Git::find(world.host, &top)?;
    let modules = modules(&survey.toolchains, &top, &fixes)?;
    let name = branch(&fixes, &head);
    let writer = Writer::new(world.host, &git);
    if writer.has_branch(&name)? {
        let hint = Some(format!("git log {name}, and git branch -D {name} to have it made again"));
        let message = format!("there is a branch {name} already, with these upgrades of this commit");
        return Err(failure("scan.fix-branch", Kind::Conflict, message, hint));
    }
    let bench = Bench { world, top: &top, folder: project.store.stage().join("fix") };
    let index = bench.folder.with_extension("index");
    files::make_folder(&bench.folder)?;
    history::extract(world.host, &git, &head, &bench.folder, &index)?;
    // A run that fails has changed nothing but its own folder, which goes with it.
    let upgraded = modules.iter().try_for_each(|module| bench.upgrade(module));
    let message = message(&fixes);
    // A sum for the first time, and what is vendored.
    let grown = modules.iter().flat_map(|module| ["go.sum", "vendor"].map(|name| module.below.join(name)));
    let there = |path: &PathBuf| files::what(&bench.folder.join(path)).is_ok_and(|what| what != files::What::Nothing);
    let grown: Vec<String> = grown.filter(there).map(|path| path.display().to_string()).collect();
    let new = NewBranch { parent: &head, name: &name, message: &message, grown: &grown };
    let commit = upgraded.and_then(|()| Ok(writer.branch_of(&bench.folder, &index, &new)?));
    files::remove_folder(&bench.folder)?;
    let Some(commit) = commit? else {
        let message = "the checked-out commit has these upgrades already".to_owned();
        let hint = Some("build it, and scan what was built".to_owned());
        return Err(failure("scan.fix-nothing", Kind::Nothing, message, hint));
    };
    Ok(told(report, &fixes, &name, &commit))
}

fn told(report: &Report, fixes: &[Fix], name: &str, commit: &str) -> Product {
    let fixed: BTreeSet<&String> = fixes.iter().flat_map(|fix| &fix.ids).collect();
    let all = report.programs.iter().flat_map(|program| &program.findings);
    let left: BTreeSet<String> =
        all.filter(|judged| judged.decision.counts()).map(|judged| judged.finding.id.clone()).collect();
    let left: Vec<String> = left.into_iter().filter(|id| !fixed.contains(id)).collect();
    let data = json!({ "branch": name, "commit": commit, "fixes": fixes, "left": left });
    let mut product = Product::lines([name]).with_data(data);
    for fix in fixes {
        product = product.with_note(format!(
            "{} {}: fixes {}",
            fix.package,
            fix.version,
            fix.ids.iter().cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    if !left.is_empty() {
        product = product.with_note(format!("no upgrade fixes {}", left.join(", ")));
    }
    product.with_note(format!("go test passed; the work tree is as it was: git merge {name}"))
}

/// The modules of this project that the scanned programs are builds of.
fn modules<'a>(toolchains: &'a [Toolchain], top: &Path, fixes: &'a [Fix]) -> Result<Vec<Module<'a>>, Failure> {
    let top = files::real(top)?;
    let mut modules = Vec::new();
    for toolchain in toolchains {
        for member in &toolchain.members {
            let text = files::read_text(&member.join("go.mod"), GO_MOD_CAP)?;
            let Some(path) = gomod::parse("go.mod", &text).ok().and_then(|file| file.module) else { continue };
            let mine: Vec<&Fix> = fixes.iter().filter(|fix| fix.products.contains(&path)).collect();
            let below = files::real(member)?.strip_prefix(&top).map(Path::to_owned);
            if let (false, Ok(below)) = (mine.is_empty(), below) {
                modules.push(Module { toolchain, below, fixes: mine });
            }
        }
    }
    if modules.is_empty() {
        let products: BTreeSet<&String> = fixes.iter().flat_map(|fix| &fix.products).collect();
        let products = products.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let message = format!("what was scanned is built of {products}, which is no module of this project");
        return Err(failure(
            "scan.fix-module",
            Kind::Input,
            message,
            Some("run it in the project of that module".into()),
        ));
    }
    Ok(modules)
}

/// The same upgrades of the same commit have the same branch.
fn branch(fixes: &[Fix], head: &str) -> String {
    let text: Vec<String> = fixes.iter().map(|fix| format!("{}@{}", fix.package, fix.version)).collect();
    let digest = sealift_trust::Digest::of(format!("{head} {}", text.join(" ")).as_bytes());
    format!("sealift/fix-{}", &digest.hex()[..12])
}

fn message(fixes: &[Fix]) -> String {
    let title = match fixes {
        [one] => format!("fix: {} {}", one.package, one.version),
        all => format!("fix: upgrade {} packages with known vulnerabilities", all.len()),
    };
    let line = |fix: &Fix| {
        format!("- {} {}: {}\n", fix.package, fix.version, fix.ids.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    format!("{title}\n\n{}", fixes.iter().map(line).collect::<String>())
}

/// Where upgrades are made.
struct Bench<'a> {
    world: &'a World<'a>,
    top: &'a Path,
    folder: PathBuf,
}

impl Bench<'_> {
    fn upgrade(&self, module: &Module<'_>) -> Result<(), Failure> {
        let mut get = vec!["get".to_owned()];
        for fix in &module.fixes {
            if fix.is_toolchain() {
                // Which Go is fetched and with what it is verified is decided when the branch is built.
                self.go(module, &["mod", "edit", &format!("-toolchain={}", fix.version)])?;
            } else if self.version(module, &fix.package).is_some_and(|known| fix.is_newer_than(&known)) {
                get.push(format!("{}@{}", fix.package, fix.version));
            }
        }
        if get.len() > 1 {
            let get: Vec<&str> = get.iter().map(String::as_str).collect();
            self.go(module, &get)?;
        }
        self.go(module, &["mod", "tidy"])?;
        if files::is_file(&self.folder.join(&module.below).join("vendor/modules.txt")) {
            self.go(module, &["mod", "vendor"])?;
        }
        self.go(module, &["test", "./..."])
    }

    /// The version of a package that the checked-out commit takes; nothing where it has none any more.
    fn version(&self, module: &Module<'_>, package: &str) -> Option<String> {
        let command = self.command(module, &["list", "-mod=mod", "-m", "-f", "{{.Version}}", package]);
        let finished = self.world.host.run(&command).ok()?;
        Some(String::from_utf8_lossy(&finished.stdout).trim().to_owned())
    }

    fn command(&self, module: &Module<'_>, args: &[&str]) -> Command {
        let folder = self.folder.join(&module.below);
        // A workspace of the project is that of the copy.
        let work = if module.toolchain.workspace {
            let below = module.toolchain.dir.strip_prefix(self.top).unwrap_or(Path::new(""));
            self.folder.join(below).join("go.work").display().to_string()
        } else {
            "off".to_owned()
        };
        let more: BTreeMap<String, String> = [("GOWORK".to_owned(), work)].into();
        let command = Command::new(&module.toolchain.program, &folder).args(args.iter().copied());
        command.envs(module.toolchain.environment(more))
    }

    fn go(&self, module: &Module<'_>, args: &[&str]) -> Result<(), Failure> {
        let step = format!(
            "go {} in {}",
            args.join(" "),
            if module.below.as_os_str().is_empty() { Path::new(".") } else { &module.below }.display()
        );
        let command = self.command(module, args);
        let (host, events, began) = (self.world.host, self.world.events, Instant::now());
        events.send(Event::Started { step: step.clone() });
        match host.run(&command) {
            Ok(_) => {
                events.send(Event::Finished { step, cached: false, took: began.elapsed(), bytes: 0 });
                Ok(())
            }
            Err(error) => {
                events.failed(step.clone(), &error);
                let inner = Failure::from(error);
                if inner.kind == Kind::Interrupted {
                    return Err(inner);
                }
                let hint = Some("nothing was left behind; make the upgrade by hand, or a smaller one".to_owned());
                let detail = inner.detail.clone();
                let message = format!("the upgrade does not hold: {step} failed");
                Err(Failure {
                    detail,
                    causes: vec![inner.message],
                    ..failure("scan.fix-failed", Kind::Tool, message, hint)
                })
            }
        }
    }
}

fn failure(code: &'static str, kind: Kind, message: String, hint: Option<String>) -> Failure {
    super::super::usage(code, kind, message, hint)
}
