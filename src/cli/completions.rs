//! `sealift completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::console::Product;
use crate::error::Failure;

#[derive(Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<Product, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sealift", &mut script);
        Ok(Product::text(String::from_utf8_lossy(&script)))
    }
}
