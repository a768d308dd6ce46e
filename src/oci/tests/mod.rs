//! What every image, document, name and place is held to.

#![allow(clippy::disallowed_methods, reason = "what lies in folders is looked at and damaged")]

mod archives;
mod documents;
mod layers;
mod layouts;
mod names;
mod programs;
mod sample;
