//! Kills sealift, and it alone, while its children work, and starts the next run at once: the orphans neither live on
//! nor change anything.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Extent;
use super::kill::{Case, judge, recover, told};
use super::scene::{Scene, program};
use crate::failure::{Failure, Outcome};

/// How long an orphan may live: its parent's death is told to a child at once, to a child's child by a broken pipe.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs it from a state whose service is compiled anew each time.
pub fn run(scene: &Scene, case: &Case, extent: Extent) -> Outcome {
    let wanted = if extent == Extent::Full { 50 } else { 5 };
    let mut seed = Seed(0x5ea1_1f70);
    let (mut hits, mut orphaned) = (BTreeMap::<String, usize>::new(), 0);
    let mut moments = 0;
    for attempt in 0..wanted * 4 {
        if moments == wanted {
            break;
        }
        // Sources that no cache has seen, so that there is something to compile.
        scene.restore(case.name)?;
        scene.write("main.go", &program(&format!("moment {} {attempt}", std::process::id())))?;
        scene.commit("moment")?;
        scene.keep("moment")?;
        let began = Instant::now();
        let reference = scene.reference()?;
        let took = began.elapsed();
        scene.restore("moment")?;
        let moment = Case { name: "moment", old: case.old.clone(), new: reference };
        let Some(running) = kill(scene, took.mul_f64(seed.next()))? else { continue };
        let place = format!("killed while {} ran", running.join(", "));
        judge(scene, &moment).and_then(|()| recover_beside_orphans(scene, &moment)).map_err(|f| told(f, &place))?;
        moments += 1;
        orphaned += running.len();
        for name in running {
            *hits.entry(name).or_default() += 1;
        }
    }
    if moments < wanted {
        return Err(Failure::refused(format!("error: children ran at {moments} moments, {wanted} wanted")));
    }
    println!("\nSIGKILL of sealift alone while children work: {moments} moments, {moments} recovered");
    println!("{:<18}{:>8}", "child", "running");
    for (name, count) in hits {
        println!("{name:<18}{count:>8}");
    }
    println!("{:<18}{orphaned:>8}", "together");
    Ok(())
}

/// Starts a run and kills it after a while; gives the children that ran then, or nothing where none did.
fn kill(scene: &Scene, after: Duration) -> Result<Option<Vec<String>>, Failure> {
    let started = |error| Failure::tool(format!("error: sealift could not be started: {error}"));
    let mut child = scene.release().stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(started)?;
    std::thread::sleep(after);
    let running = children(scene, child.id());
    child.kill().ok();
    let status = child.wait().map_err(started)?;
    Ok(Some(running).filter(|running| !running.is_empty() && status.code().is_none()))
}

/// The next run while orphans may still work; then their end; then a run that finds nothing changed.
fn recover_beside_orphans(scene: &Scene, moment: &Case) -> Outcome {
    let found = scene.released()?;
    if let Some(difference) = super::scene::difference(&moment.new, &found) {
        return Err(Failure::refused(format!("the next run: {difference}")));
    }
    let began = Instant::now();
    loop {
        let left = children(scene, 0);
        if left.is_empty() {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(Failure::refused(format!("still alive after {PATIENCE:?}: {}", left.join(", "))));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    recover(scene, moment)
}

/// Names of the processes that have the scene's folder in their environment.
fn children(scene: &Scene, but: u32) -> Vec<String> {
    let mark = scene.dir().display().to_string();
    let mut names = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that has ended meanwhile has no environment.
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if process != but && environment.windows(mark.len()).any(|part| part == mark.as_bytes()) {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// A fixed sequence of numbers between 0 and 1 (xorshift64).
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).expect("the upper half")) / f64::from(u32::MAX)
    }
}
