//! What a program costs: wall seconds, CPU seconds of it and of all its children, and its peak of memory.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How often the memory of a running program is looked at.
const SAMPLE: Duration = Duration::from_millis(20);
/// With fewer samples than these a peak may lie between two of them.
const ENOUGH: usize = 10;

/// The cost of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Seconds from before the start until the end.
    pub wall: f64,
    /// User and system seconds, of the program and of every child it waited for.
    pub cpu: f64,
    /// The largest sample of `RssAnon`, in bytes: the program alone, its children apart. 0 where the system has none.
    pub anonymous: u64,
    /// How many samples there were.
    pub samples: usize,
    /// `ru_maxrss` of wait4(2), in bytes: with the pages that it shares with others, and no less than the largest of the
    /// children that it waited for. Linux counts from the fork, so it is no less than this program has ever had itself.
    pub resident: u64,
}

impl Cost {
    /// The peak of memory, as exactly as the run was long enough for: of a short one all that is resident, which is more.
    pub fn memory(&self) -> Memory {
        if self.samples < ENOUGH { Memory::Resident(self.resident) } else { Memory::Own(self.anonymous) }
    }
}

/// A peak of memory in bytes, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// [`Cost::anonymous`].
    Own(u64),
    /// [`Cost::resident`].
    Resident(u64),
}

/// Runs a command to its end. Its words are shown only when it fails: a terminal that scrolls costs time too.
pub fn run(command: &mut Command) -> Result<Cost, Failure> {
    let line = format!("{command:?}");
    let log = Log::make()?;
    command.stdin(Stdio::null()).stdout(log.handle()?).stderr(log.handle()?);
    let began = Instant::now();
    let child =
        command.spawn().map_err(|error| Failure::tool(format!("error: {line} could not be started: {error}")))?;
    let (ended, (anonymous, samples)) = watched(child)?;
    let wall = began.elapsed().as_secs_f64();
    let cost = Cost { wall, cpu: ended.cpu, anonymous, samples, resident: ended.resident };
    match ended.status {
        0 => Ok(cost),
        status => Err(Failure::refused(format!("{}\nerror: {line} ended with wait status {status}", log.text()))),
    }
}

/// The middle value; of an even count, the mean of the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// Waits for a child while its memory is sampled.
fn watched(child: Child) -> Result<(Ended, (u64, usize)), Failure> {
    let (ended, id) = (AtomicBool::new(false), child.id());
    std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let (mut peak, mut samples) = (0, 0);
            while !ended.load(Ordering::Relaxed) {
                if let Some(bytes) = anonymous(id) {
                    (peak, samples) = (bytes.max(peak), samples + 1);
                }
                std::thread::park_timeout(SAMPLE);
            }
            (peak, samples)
        });
        let waited = wait(child);
        ended.store(true, Ordering::Relaxed);
        sampler.thread().unpark();
        Ok((waited?, sampler.join().expect("sampling does not panic")))
    })
}

/// `RssAnon` of a process, in bytes (proc_pid_status(5)).
fn anonymous(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What is known of a child that has ended.
struct Ended {
    /// The wait status.
    status: i32,
    /// Seconds of it and of all it waited for.
    cpu: f64,
    resident: u64,
}

/// Waits for the end of a child.
#[cfg(unix)]
#[allow(unsafe_code)]
fn wait(child: Child) -> Result<Ended, Failure> {
    let mut status = 0;
    // SAFETY: both pointers are valid for the call; a zeroed rusage is a valid value of plain integers. The child is
    // waited for here and nowhere else: `Child` does not wait when it is dropped.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        while libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) < 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(Failure::tool(format!("error: wait4: {error}")));
            }
        }
        usage
    };
    drop(child);
    #[allow(clippy::cast_precision_loss)]
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    // In KiB (getrusage(2)), except where it is in bytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let resident = u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit;
    Ok(Ended { status, cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), resident })
}

#[cfg(not(unix))]
fn wait(_: Child) -> Result<Ended, Failure> {
    Err(Failure::tool("error: CPU time is measured with wait4, which this system does not have"))
}

/// Where a program's words go while it is measured.
struct Log {
    path: std::path::PathBuf,
}

impl Log {
    fn make() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("sealift-bench-{}.log", std::process::id()));
        std::fs::write(&path, "").map_err(|error| Failure::tool(format!("error: {}: {error}", path.display())))?;
        Ok(Self { path })
    }

    fn handle(&self) -> Result<std::fs::File, Failure> {
        let opened = std::fs::OpenOptions::new().append(true).open(&self.path);
        opened.map_err(|error| Failure::tool(format!("error: {}: {error}", self.path.display())))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_default()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn children_of_a_child_count() {
        let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let cost = run(Command::new("sh").args(["-c", &format!("sh -c '{busy}'; sleep 0.05")])).unwrap();
        assert!(cost.cpu > 0.0 && cost.wall > 0.05 && cost.anonymous > 0, "{cost:?}");
    }

    /// A program that is gone before it can be looked at twice has had its memory all the same.
    #[test]
    fn the_memory_of_a_short_run_is_seen() {
        let script = "import sys; block = b'x' * (96 << 20); sys.exit(len(block) >> 40)";
        let short = run(Command::new("python3").args(["-c", script])).unwrap();
        assert!(short.resident >= 96 << 20, "{short:?}");
        let cost = |samples| Cost { samples, ..short };
        assert_eq!(cost(ENOUGH - 1).memory(), Memory::Resident(short.resident));
        assert_eq!(cost(ENOUGH).memory(), Memory::Own(short.anonymous));
        let long = run(Command::new("sh").args(["-c", "sleep 0.4"])).unwrap();
        assert!(matches!(long.memory(), Memory::Own(bytes) if bytes > 0), "{long:?}");
    }

    #[test]
    fn a_failure_shows_the_words_of_the_program() {
        let failure = run(Command::new("sh").args(["-c", "echo why; exit 3"])).unwrap_err();
        assert!(failure.message.contains("why"), "{}", failure.message);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
