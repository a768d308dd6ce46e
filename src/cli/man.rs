//! `sealift man`.

use clap::{Args, CommandFactory};

use super::Cli;
use crate::console::Product;
use crate::error::Failure;

#[derive(Args)]
pub struct Man {}

impl Man {
    pub fn run(self) -> Result<Product, Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).expect("writing to memory");
        Ok(Product::text(String::from_utf8_lossy(&page)))
    }
}
