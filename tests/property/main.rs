//! Laws that hold whatever the bytes are.

#![allow(clippy::disallowed_methods)]

mod fixture;
mod images;
mod release;
mod vectors;
