//! A46: lets one fsync after the other answer EIO. The run fails and says so, tries none again, and leaves nothing half-made.

use super::Extent;
use super::kill::{Case, chosen, judge, recover, struck, told};
use super::scene::{Scene, broken};
use super::trace::{Point, Strike, is_sync};
use crate::failure::{Failure, Outcome};

/// What sealift answers when the system refuses.
const TOOL: i32 = 6;

/// Runs it for one state.
pub fn run(scene: &Scene, case: &Case, points: &[Point], extent: Extent) -> Outcome {
    let syncs = points.iter().filter(|point| is_sync(point.call)).count();
    let chosen = chosen(syncs, extent);
    for at in &chosen {
        let (point, traced) = struck(scene, case, Strike::FailSync(*at))?;
        let place = format!("{}: {} {at} answered EIO, {}", case.name, point.call, point.path);
        let said = scene.dir().join("said");
        let text = std::fs::read_to_string(&said).map_err(|error| broken(&said, &error))?;
        if traced.status.code() != Some(TOOL) || !text.contains("error[file.") {
            let message = format!("ended with {}, exit {TOOL} expected\n{text}", traced.status);
            return Err(told(Failure::refused(message), &place));
        }
        judge(scene, case).and_then(|()| recover(scene, case)).map_err(|failure| told(failure, &place))?;
    }
    println!("\nfsync that answers EIO: {}", case.name);
    println!("{:<18}{:>8}{:>8}{:>11}", "call", "points", "failed", "recovered");
    println!("{:<18}{syncs:>8}{:>8}{:>11}", "fsync", chosen.len(), chosen.len());
    Ok(())
}
