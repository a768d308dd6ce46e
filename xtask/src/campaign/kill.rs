//! Kills sealift before every call of its own that changes what is on disk, lets every fsync fail once, and kills it
//! while its children work. After each: what is visible is whole, and the next run ends with the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::scene::{Files, Scene, broken, difference, expect, is_staged, program};
use super::trace::{self, Point, Strike, Traced};
use super::{Extent, faults, moments};
use crate::failure::{Failure, Outcome};
use crate::run::{Program, find};

/// Fewer points than this mean that the enumeration does not see what it should.
const FEWEST_POINTS: usize = 60;

/// Points of each scenario, fsyncs and moments that the sample takes.
const SAMPLE: usize = 8;

/// SIGKILL.
const KILL: i32 = 9;

/// Runs the campaign.
pub fn run(extent: Extent) -> Outcome {
    if !trace::AVAILABLE {
        let message = "campaign kill: system calls are followed on Linux on x86-64 only";
        return match extent {
            Extent::Full => Err(Failure::tool(format!("error: {message}"))),
            Extent::Smoke => {
                eprintln!("NOT RUN: {message}");
                Ok(())
            }
        };
    }
    let scene = Scene::tiny("kill")?;
    let cases = cases(&scene)?;
    for case in &cases {
        let points = enumerate(&scene, case)?;
        kill_at_points(&scene, case, &points, extent)?;
        faults::run(&scene, case, &points, extent)?;
    }
    moments::run(&scene, &cases[1], extent)
}

/// A state to start from, the release that is there, and the one that must come out.
pub struct Case {
    /// The name under which the state is kept.
    pub name: &'static str,
    /// The release that lies in `dist/` before.
    pub old: Files,
    /// The one of an undisturbed run.
    pub new: Files,
}

/// Nothing there yet; and an old release that a new commit replaces.
fn cases(scene: &Scene) -> Result<Vec<Case>, Failure> {
    scene.keep("fresh")?;
    let first = scene.released()?;
    scene.write("main.go", &program("second"))?;
    scene.commit("second")?;
    scene.keep("replace")?;
    let second = scene.released()?;
    if first.keys().any(|name| name.contains("linux") && second.contains_key(name)) || first.len() < 5 {
        return Err(Failure::refused("error: the two releases of the campaign are not what they should be"));
    }
    Ok(vec![
        Case { name: "fresh", old: Files::new(), new: first.clone() },
        Case { name: "replace", old: first, new: second },
    ])
}

/// The points of an undisturbed run. strace, which counts them independently, must see the same ones.
fn enumerate(scene: &Scene, case: &Case) -> Result<Vec<Point>, Failure> {
    scene.restore(case.name)?;
    let seen = strace(scene)?;
    let traced = traced(scene, case, Strike::Never)?;
    if !traced.status.success() {
        return Err(Failure::refused(format!("error: the undisturbed run ended with {}", traced.status)));
    }
    let counted = count(traced.points.iter().map(|point| point.call));
    if counted != seen {
        return Err(Failure::refused(format!("error: strace counts {seen:?}, the tracer {counted:?}")));
    }
    if traced.points.len() < FEWEST_POINTS {
        return Err(Failure::refused(format!("error: {} points, {FEWEST_POINTS} expected", traced.points.len())));
    }
    Ok(traced.points)
}

fn count<'a>(calls: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for call in calls {
        *counted.entry(call.to_owned()).or_insert(0) += 1;
    }
    counted
}

/// Calls by name, as strace counts them on sealift's own threads: it lets children go when they execute a program.
fn strace(scene: &Scene) -> Result<BTreeMap<String, usize>, Failure> {
    let strace = find("strace").ok_or_else(|| Failure::tool("error: no strace on PATH\nhint: cargo xtask tools"))?;
    let log = scene.dir().join("strace.log");
    let release = scene.release();
    let mut command = std::process::Command::new(strace);
    command.args(["-f", "-y", "-b", "execve", "-o"]).arg(&log);
    command.args(["-e", &format!("trace={}", trace::calls().collect::<Vec<_>>().join(","))]);
    command.arg(release.get_program()).args(release.get_args()).current_dir(scene.project()).env_clear();
    command.envs(release.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    expect(command.output(), 0)?;
    let text = std::fs::read_to_string(&log).map_err(|error| broken(&log, &error))?;
    Ok(count(text.lines().filter_map(strace_call)))
}

/// The call of a line of strace's log: `123 write(7</tmp/x>, "a", 1) = 1`. Writes count where they go to a file.
fn strace_call(line: &str) -> Option<&str> {
    let (call, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
    if !trace::calls().any(|known| known == call) {
        return None;
    }
    let descriptor = rest.split_once('<').and_then(|(number, target)| Some((number.parse().ok()?, target)));
    descriptor.is_none_or(|(number, target)| trace::is_file(number, target)).then_some(call)
}

/// Runs the release from a case's state under the tracer; what it says goes into a file.
pub fn traced(scene: &Scene, case: &Case, strike: Strike) -> Result<Traced, Failure> {
    scene.restore(case.name)?;
    let said = scene.dir().join("said");
    let file = || File::create(&said).map_err(|error| broken(&said, &error));
    let mut command = scene.release();
    command.stdout(std::process::Stdio::null()).stderr(file()?);
    trace::run(&mut command, strike).map_err(|error| Failure::tool(format!("error: tracing: {error}")))
}

/// Runs until the strike hits: with several threads a run may have a call less than another one.
pub fn struck(scene: &Scene, case: &Case, strike: Strike) -> Result<(Point, Traced), Failure> {
    for _ in 0..5 {
        let mut traced = traced(scene, case, strike)?;
        if let Some(point) = traced.struck.take() {
            return Ok((point, traced));
        }
    }
    Err(Failure::refused(format!("error: {}: {strike:?} was never reached", case.name)))
}

fn kill_at_points(scene: &Scene, case: &Case, points: &[Point], extent: Extent) -> Outcome {
    let mut killed = BTreeMap::<&str, usize>::new();
    for at in chosen(points.len(), extent) {
        let (point, traced) = struck(scene, case, Strike::Kill(at))?;
        let place = || format!("{}: killed at point {at}, {} {}", case.name, point.call, point.path);
        if traced.status.signal() != Some(KILL) {
            return Err(Failure::refused(format!("error: {}: ended with {}", place(), traced.status)));
        }
        judge(scene, case).and_then(|()| recover(scene, case)).map_err(|failure| told(failure, &place()))?;
        *killed.entry(point.call).or_default() += 1;
    }
    println!("\nSIGKILL before every call of sealift's own that changes files: {}", case.name);
    println!("{:<18}{:>8}{:>8}{:>11}", "call", "points", "killed", "recovered");
    for (call, points) in count(points.iter().map(|point| point.call)) {
        let killed = killed.get(call.as_str()).copied().unwrap_or(0);
        println!("{call:<18}{points:>8}{killed:>8}{killed:>11}");
    }
    let all: usize = killed.values().sum();
    println!("{:<18}{:>8}{all:>8}{all:>11}", "together", points.len());
    Ok(())
}

/// Which of so many: all, or a sample that is the same each time.
pub fn chosen(of: usize, extent: Extent) -> Vec<usize> {
    match extent {
        Extent::Full => (0..of).collect(),
        // Spread over the whole run, the last one included.
        Extent::Smoke => (1..=SAMPLE.min(of)).map(|n| n * of / SAMPLE.min(of) - 1).collect(),
    }
}

/// Adds where a failure happened.
pub fn told(mut failure: Failure, place: &str) -> Failure {
    failure.message = format!("error: {place}\n{}", failure.message);
    failure
}

/// What a disturbed run left: every file under a final name is whole, records can be read, and verify gives a verdict.
pub fn judge(scene: &Scene, case: &Case) -> Outcome {
    let dist = scene.dist()?;
    for (name, bytes) in dist.iter().filter(|(name, _)| !is_staged(name)) {
        if case.old.get(name) != Some(bytes) && case.new.get(name) != Some(bytes) {
            return Err(Failure::refused(format!("dist/{name} ({} bytes) is of neither release", bytes.len())));
        }
    }
    records(&scene.project().join(".sealift"))?;
    let verdict = scene.verify()?;
    let complete = dist.contains_key("release.json") && !dist.keys().any(|name| is_staged(name));
    let (exit, said) = (verdict.status.code(), String::from_utf8_lossy(&verdict.stderr).into_owned());
    match exit {
        Some(0) if complete => Ok(()),
        // Without a manifest it is a refusal, without a folder an input that is not there.
        Some(6 | 8 | 11) if !complete && said.contains("error[") => Ok(()),
        _ => Err(Failure::refused(format!("verify ended with {exit:?}, manifest there: {complete}\n{said}"))),
    }
}

fn records(folder: &Path) -> Outcome {
    for (name, bytes) in super::scene::files(folder)? {
        if !is_staged(&name) && name.ends_with(".json") && serde_json::from_slice::<serde_json::Value>(&bytes).is_err()
        {
            return Err(Failure::refused(format!(".sealift/{name} ({} bytes) is not whole", bytes.len())));
        }
    }
    Ok(())
}

/// The next run: the same bytes as if nothing had happened, verified, and nothing of the disturbed run left behind.
pub fn recover(scene: &Scene, case: &Case) -> Outcome {
    let found = scene.released()?;
    if let Some(difference) = difference(&case.new, &found) {
        return Err(Failure::refused(format!("the next run: {difference}")));
    }
    expect(scene.verify().map(Ok)?, 0)?;
    let left = leftovers(scene)?;
    if left.is_empty() { Ok(()) } else { Err(Failure::refused(format!("left behind: {}", left.join(", ")))) }
}

/// Staged files and folders of dead runs that are still there.
fn leftovers(scene: &Scene) -> Result<Vec<String>, Failure> {
    let state = scene.dir().join("state");
    let text = Program::new("find").args([&state]).args(["-name", ".staged.*", "-o", "-name", "run.*"]).output()?;
    Ok(text.lines().map(|line| line.trim_start_matches(&state.display().to_string()).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_spread_and_holds_the_last() {
        assert_eq!(chosen(3, Extent::Full), [0, 1, 2]);
        assert_eq!(chosen(80, Extent::Smoke), [9, 19, 29, 39, 49, 59, 69, 79]);
        assert_eq!(chosen(2, Extent::Smoke), [0, 1]);
    }

    #[test]
    fn lines_of_strace_are_read() {
        if !trace::AVAILABLE {
            return;
        }
        assert_eq!(strace_call("12  fsync(7</tmp/x> <unfinished ...>"), Some("fsync"));
        assert_eq!(strace_call("12  <... fsync resumed>) = 0"), None);
        assert_eq!(strace_call("12 write(2</tmp/a>, \"a\", 1) = 1"), None);
        assert_eq!(strace_call("12 write(7<pipe:[3]>, \"a\", 1) = 1"), None);
        assert_eq!(strace_call("12 write(7</tmp/a>, \"<\", 1) = 1"), Some("write"));
        assert_eq!(strace_call("12 rename(\"/a\", \"/b\") = 0"), Some("rename"));
        assert_eq!(strace_call("12 +++ exited with 0 +++"), None);
    }
}
