//! Archives against `gzip -6` of the same tar.

use std::path::{Path, PathBuf};

use super::report::Row;
use crate::failure::Failure;
use crate::run::Program;

/// Compares the sum over all `.tar.gz` files of a folder; zips hold single members and have no such peer.
pub fn row(subject: &'static str, dist: &Path) -> Result<Row, Failure> {
    let at = |error: std::io::Error| Failure::tool(format!("error: {}: {error}", dist.display()));
    let entries = std::fs::read_dir(dist).map_err(at)?;
    let archives: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .collect();
    if archives.is_empty() {
        return Err(Failure::refused(format!("error: {} holds no .tar.gz", dist.display())));
    }
    let (mut ours, mut peer) = (0.0, 0.0);
    for archive in &archives {
        #[allow(clippy::cast_precision_loss)]
        let size = archive.metadata().map_err(at)?.len() as f64;
        ours += size / 1e6;
        let script = r#"gzip -dc "$0" | gzip -6n | wc -c"#;
        let count = Program::new("sh").args(["-c", script]).args([archive]).output()?;
        let count: f64 = count.trim().parse().map_err(|_| Failure::tool(format!("error: wc said {count:?}")))?;
        peer += count / 1e6;
    }
    Ok(Row::sizes(subject, &format!("{} archives", archives.len()), "gzip -6", ours, peer, 1.02))
}
