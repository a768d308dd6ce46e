//! `sealift reference`: the generated parts of the README.

use std::fmt::Write;

use clap::{Args, CommandFactory, ValueEnum};

use super::Cli;
use crate::console::Product;
use crate::error::{Failure, Kind};

#[derive(Args)]
pub struct Reference {
    /// Which part
    part: Part,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Commands,
    Config,
    ExitCodes,
}

impl Reference {
    pub fn run(self) -> Result<Product, Failure> {
        Ok(Product::text(match self.part {
            Part::Commands => commands(),
            Part::Config => crate::config::reference(),
            Part::ExitCodes => exit_codes(),
        }))
    }
}

fn exit_codes() -> String {
    let mut text = String::from("| exit | meaning |\n|---|---|\n| 0 | done |\n");
    for kind in Kind::ALL {
        writeln!(text, "| {} | {} |", kind.exit_code(), kind.meaning()).expect("writing to a string");
    }
    text
}

fn commands() -> String {
    let mut text = String::from("| command | what it does |\n|---|---|\n");
    let command = Cli::command();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let mut words = vec![format!("sealift {}", sub.get_name())];
        for arg in sub.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_global_set()) {
            words.push(argument(arg));
        }
        let nested: Vec<&str> = sub.get_subcommands().map(clap::Command::get_name).collect();
        if !nested.is_empty() {
            words.push(nested.join("\\|"));
        }
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, "| `{}` | {about} |", words.join(" ")).expect("writing to a string");
    }
    text
}

fn argument(arg: &clap::Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let takes = arg.get_action().takes_values();
    match arg.get_long() {
        Some(long) if takes => format!("[--{long} {value}]"),
        Some(long) => format!("[--{long}]"),
        None if arg.is_required_set() => value,
        None => format!("[{value}]"),
    }
}
