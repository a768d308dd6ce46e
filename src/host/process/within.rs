//! Children that have a limit.

use std::io::{self, Read, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Finished, OUTPUT_CAP, ProcessError, end_group};
use crate::command::Command;
use crate::host::Host;

/// What a child that has a limit reads from its standard input; it may outlive whoever began it.
pub enum Input {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Whatever is written.
    Written(Written),
}

/// Writes what a child reads.
pub type Written = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

impl Input {
    fn write(self, mut to: impl Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => to.write_all(&bytes),
            Self::Written(write) => write(&mut to),
        }
    }
}

impl Host {
    /// Runs a command that is ended, with its children, when it takes too long. What a child left behind on purpose, out of
    /// its group, may hold the pipes open for as long as it likes: nobody waits for it beyond the limit.
    pub fn run_within(&self, command: &Command, input: Input, limit: Duration) -> Result<Finished, ProcessError> {
        let since = Instant::now();
        let program = command.program.display().to_string();
        let pipe = |source| ProcessError::Pipe { program: program.clone(), source };
        let mut running = self.children.spawn(command, Stdio::piped())?;
        let stdout = overheard(running.child.stdout.take().expect("stdout is piped"));
        let stderr = overheard(running.child.stderr.take().expect("stderr is piped"));
        let to_child = running.child.stdin.take().expect("stdin is piped");
        // A child that ends before it has read everything says why by its exit status.
        std::thread::spawn(move || drop(input.write(to_child)));
        let (group, slow) = (running.child.id(), AtomicBool::new(false));
        let waited = std::thread::scope(|scope| {
            let (ended, end) = mpsc::channel::<()>();
            let slow = &slow;
            scope.spawn(move || {
                if end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    slow.store(true, Ordering::SeqCst);
                    end_group(group);
                }
            });
            let waited = running.wait();
            drop(ended);
            waited
        });
        let (status, peak) = waited.map_err(pipe)?;
        let heard = |from: &mpsc::Receiver<io::Result<Vec<u8>>>| loop {
            // In short steps, so that a user who asks to stop is heard, too.
            let left = limit.saturating_sub(since.elapsed());
            match from.recv_timeout(left.min(Duration::from_millis(50))) {
                Ok(said) => return Some(said),
                Err(_) if left.is_zero() || self.children.stopped() => return None,
                Err(_) => {}
            }
        };
        let said = (!slow.into_inner()).then(|| (heard(&stdout), heard(&stderr)));
        if self.children.stopped() {
            return Err(ProcessError::Interrupted);
        }
        let Some((Some(stdout), Some(stderr))) = said else {
            return Err(ProcessError::Slow { program, seconds: limit.as_secs() });
        };
        let (stdout, stderr) = (stdout.map_err(pipe)?, stderr.map_err(pipe)?);
        if !status.success() {
            let said = if stderr.trim_ascii().is_empty() { &stdout } else { &stderr };
            let stderr = String::from_utf8_lossy(said).into_owned();
            return Err(ProcessError::Failed { line: command.line(), status: status.to_string(), stderr });
        }
        Ok(Finished { stdout, stderr, peak })
    }
}

/// What a child says, read by a thread of its own that nobody has to wait for.
fn overheard(pipe: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.take(OUTPUT_CAP).read_to_end(&mut bytes);
        // Where nobody waits any more nobody is told.
        said.send(read.map(|_| bytes)).ok();
    });
    heard
}
