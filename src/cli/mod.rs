//! The command line: words to values, one small file for each subcommand.

mod attest;
mod build;
mod cache;
mod check;
mod completions;
mod image;
mod key;
mod man;
mod package;
mod plan;
mod project;
mod reference;
mod release;
mod sbom;
mod scan;
mod schema;
mod source;
mod summary;
mod tagging;
mod toolchain;
mod update;
mod verify;
mod version;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::console::{ColorChoice, Console, Flags, Format, Options, Product, Verbosity};
use crate::error::{Failure, Kind};
use crate::event::Events;
use crate::host::{Host, files};

/// Build it, seal it, ship it: from a commit to a signed, verified release.
#[derive(Parser)]
#[command(name = "sealift", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// Run as if started in this folder
    #[arg(short = 'C', long = "dir", value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    /// Read this file instead of the sealift.toml that is found
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Events and the result as JSON lines on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Plain lines instead of progress bars
    #[arg(long, global = true, conflicts_with = "json")]
    plain: bool,
    /// Only warnings, errors and the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Every command and every cached step
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: When,
}

#[derive(Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Build, package and seal: everything in one go
    Release(release::Release),
    /// Check a release, file by file, with a key
    Verify(verify::Verify),
    /// Build binaries
    Build(build::Build),
    /// Build binaries and put them into archives
    Package(package::Package),
    /// Make images of the Linux binaries, push, copy and explain them
    Image(image::Image),
    /// List what is in a program: modules with versions and hashes, as CycloneDX or SPDX
    Sbom(sbom::Sbom),
    /// Look for known vulnerabilities in programs, by the functions that are in them
    Scan(scan::Scan),
    /// Seal the archives that are in dist/
    Attest(attest::Attest),
    /// Print the version of the checked-out commit: that of its tag, else the next one by its commits
    Version(version::Version),
    /// Print every step that a release would do
    Plan(plan::Plan),
    /// Explain the configuration, and look for stale generated files
    Check(check::Check),
    /// Make and show signing keys
    Key(key::Key),
    /// Write sealift.lock: pin what the network could change
    Update(update::Update),
    /// Look at the step store, and make it smaller
    Cache(cache::Cache),
    /// Print the JSON Schema of sealift.toml
    Schema(schema::Schema),
    /// Print shell completions
    Completions(completions::Completions),
    /// Print the manual page
    Man(man::Man),
    /// Print generated parts of the documentation
    #[command(hide = true)]
    Reference(reference::Reference),
    /// Print the path of the go command of a release, fetched and verified where it is not installed
    #[command(hide = true)]
    Toolchain(toolchain::Toolchain),
}

/// What every subcommand is given.
pub struct World<'a> {
    host: &'a Host,
    events: &'a Events,
    global: &'a Global,
}

impl World<'_> {
    /// A path that a user wrote, spelled as the user spelled it where no other folder is asked for.
    fn path(&self, path: &std::path::Path) -> PathBuf {
        if self.global.dir.is_some() { self.dir().join(path) } else { path.to_owned() }
    }

    /// Where the command works.
    fn dir(&self) -> PathBuf {
        match &self.global.dir {
            Some(dir) => self.host.env.dir().join(dir),
            None => self.host.env.dir().to_owned(),
        }
    }
}

/// Runs the program with the process's own arguments; gives the exit code.
pub fn main() -> u8 {
    let host = Host::real();
    match (Cli::try_parse(), host) {
        (Ok(cli), Ok(host)) => {
            let (console, events) = Console::start(Options::detect(&host.env, flags(&cli.global)), &host.env);
            let world = World { host: &host, events: &events, global: &cli.global };
            let outcome = run(&world, cli.command);
            console.finish(&outcome)
        }
        (Ok(_), Err(error)) => {
            let failure = usage("signals.unavailable", Kind::Tool, format!("signals cannot be handled: {error}"), None);
            console_for_nobody().finish(&Err(failure))
        }
        (Err(error), _) => console_for_nobody().finish(&explain(error)),
    }
}

fn console_for_nobody() -> Console {
    let env = crate::host::env::Env::real();
    // The words that ask for JSON may be the ones that could not be read.
    Console::start(Options::detect(&env, Flags::default()), &env).0
}

fn flags(global: &Global) -> Flags {
    let format = match (global.json, global.plain) {
        (true, _) => Format::Json,
        (_, true) => Format::Plain,
        _ => Format::Auto,
    };
    let color = match global.color {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    };
    let verbosity = match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    Flags { format, color, verbosity }
}

fn run(world: &World<'_>, command: Command) -> Result<Product, Failure> {
    // What a bug of ours would say is looked at in a test, which needs one.
    #[cfg(debug_assertions)]
    if let Some(words) = world.host.env.var("SEALIFT_DEBUG_PANIC") {
        panic!("{words}");
    }
    if let Some(dir) = &world.global.dir
        && !files::is_folder(&world.dir())
    {
        // Without this a mistyped folder would be searched for upwards, and the project above it be taken.
        let hint = Some("-C wants a folder that is there".to_owned());
        return Err(usage("usage.folder", Kind::Usage, format!("there is no folder {}", dir.display()), hint));
    }
    match command {
        Command::Release(release) => release.run(world),
        Command::Verify(verify) => verify.run(world),
        Command::Build(build) => build.run(world),
        Command::Package(package) => package.run(world),
        Command::Image(image) => image.run(world),
        Command::Sbom(sbom) => sbom.run(world),
        Command::Scan(scan) => scan.run(world),
        Command::Attest(attest) => attest.run(world),
        Command::Version(version) => version.run(world),
        Command::Plan(plan) => plan.run(world),
        Command::Check(check) => check.run(world),
        Command::Key(key) => key.run(world),
        Command::Update(update) => update.run(world),
        Command::Cache(cache) => cache.run(world),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::Reference(reference) => reference.run(),
        Command::Toolchain(toolchain) => toolchain.run(world),
    }
}

/// Help and version are products; everything else that clap says is a usage error in our own form.
fn explain(mut error: clap::Error) -> Result<Product, Failure> {
    use clap::error::ErrorKind;
    let near = nearest(&mut error);
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Ok(Product::text(text));
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let hint = Some(format!("{} --help", subcommand(&text)));
        return Err(Failure {
            detail: Some(text),
            ..usage("usage.incomplete", Kind::Usage, "which command?".into(), hint)
        });
    }
    let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let message = message.trim_start_matches("error: ").trim_end_matches(':').to_owned();
    let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
    let hint = Some(format!("{near}{} --help shows what there is", subcommand(rest)));
    let mut failure = usage("usage.arguments", Kind::Usage, message, hint);
    // The hint says the same with the whole command.
    let detail = rest.replace("For more information, try '--help'.", "");
    // The first line keeps its margin, for it may be the first of several words in a list.
    let detail = detail.trim_matches('\n').trim_end().to_owned();
    failure.detail = Some(detail).filter(|detail| !detail.is_empty());
    Err(failure)
}

/// What clap takes a mistyped word for, taken out of its own text: the hint says it. Hidden subcommands are never meant.
fn nearest(error: &mut clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue};
    let cli = <Cli as clap::CommandFactory>::command();
    let hidden = |name: &String| cli.find_subcommand(name).is_some_and(clap::Command::is_hide_set);
    let words = |value: ContextValue| match value {
        ContextValue::Strings(mut names) => {
            names.retain(|name| !hidden(name));
            Some(names.join(" or ")).filter(|names| !names.is_empty())
        }
        ContextValue::String(name) => Some(name),
        _ => None,
    };
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let near: Vec<_> = kinds.iter().filter_map(|kind| error.remove(*kind)).filter_map(words).collect();
    // How to pass the word as a value, where nobody takes one.
    error.remove(ContextKind::Suggested);
    near.into_iter().next()
}

/// The command that clap's line `Usage: sealift key [OPTIONS] …` is about: `sealift key`.
fn subcommand(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.trim().strip_prefix("Usage: sealift")).unwrap_or_default();
    let (mut words, mut command) = ("sealift".to_owned(), &<Cli as clap::CommandFactory>::command());
    for word in usage.split_whitespace() {
        let Some(next) = command.find_subcommand(word) else { break };
        words += &format!(" {word}");
        command = next;
    }
    words
}

/// A failure that no stage owns: something about the command line itself.
fn usage(code: &'static str, kind: Kind, message: String, hint: Option<String>) -> Failure {
    Failure { code, kind, message, causes: Vec::new(), hint, place: None, detail: None }
}
