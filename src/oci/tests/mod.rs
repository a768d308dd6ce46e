//! What every image, document and name is held to.

mod documents;
mod names;
