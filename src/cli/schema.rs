//! `sealift schema`.

use clap::Args;

use crate::console::Product;
use crate::error::Failure;

#[derive(Args)]
pub struct Schema {}

impl Schema {
    pub fn run(self) -> Result<Product, Failure> {
        Ok(Product::json(crate::config::schema()))
    }
}
