//! One target under libFuzzer: `SEALIFT_FUZZ_TARGET` names it, `SEALIFT_FUZZ_SEEDS` a folder that its seeds are written
//! to first, and `SEALIFT_FUZZ_WORDS` a file for its words. `cargo xtask campaign fuzz` sets all three.

#![no_main]
// libFuzzer calls functions by their C names, and an allocator is unsafe by nature.
#![allow(unsafe_code, clippy::disallowed_methods, clippy::disallowed_macros)]

mod memory;

use std::path::PathBuf;
use std::sync::OnceLock;

use sealift_fuzz::{TARGETS, Target, target};

#[global_allocator]
static MEMORY: memory::Counted = memory::Counted;

static TARGET: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: begin(), |bytes: &[u8]| {
    let target = TARGET.get().expect("set before the first input");
    memory::within(|| (target.run)(bytes));
});

fn begin() {
    let name = std::env::var("SEALIFT_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = target(&name) else {
        let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("error: SEALIFT_FUZZ_TARGET is {name:?}, not one of {}", known.join(", "));
        std::process::exit(2);
    };
    TARGET.get_or_init(|| target);
    if let Some(folder) = std::env::var_os("SEALIFT_FUZZ_SEEDS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("a folder for seeds");
        for (at, seed) in target.inputs().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at}")), seed).expect("a seed");
        }
    }
    if let Some(file) = std::env::var_os("SEALIFT_FUZZ_WORDS") {
        std::fs::write(file, target.words.iter().map(|word| quoted(word)).collect::<String>())
            .expect("a file for words");
    }
}

/// A line of libFuzzer's dictionaries.
fn quoted(word: &[u8]) -> String {
    let bytes: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{bytes}\"\n")
}
