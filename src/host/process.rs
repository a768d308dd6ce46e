//! Children: an argument vector, an environment of their own, and an end that we see.

mod within;

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Host;
use crate::command::Command;
use crate::error::{Fault, Kind};

pub use within::{Input, Written};

/// The most that is kept of a child's output; a child that writes more is not what it should be.
const OUTPUT_CAP: u64 = 1 << 30;

/// A child that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}")]
    Start {
        /// The program.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It ended badly.
    #[error("{line} ended with {status}")]
    Failed {
        /// The command line.
        line: String,
        /// How it ended.
        status: String,
        /// What it said on stderr, else on stdout.
        stderr: String,
    },
    /// Talking to it failed.
    #[error("lost contact with {program}")]
    Pipe {
        /// The program.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("{program} did not end within {seconds} s")]
    Slow {
        /// The program.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl ProcessError {
    /// A tool that says nothing on stderr says on stdout what is wrong: `go mod tidy -diff`, test runners.
    fn or_said(mut self, stdout: &[u8]) -> Self {
        if let Self::Failed { stderr, .. } = &mut self
            && stderr.trim().is_empty()
        {
            *stderr = String::from_utf8_lossy(stdout).into_owned();
        }
        self
    }
}

impl Fault for ProcessError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "process.start",
            Self::Failed { .. } => "process.failed",
            Self::Pipe { .. } => "process.pipe",
            Self::Slow { .. } => "process.slow",
            Self::Interrupted => "process.interrupted",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Interrupted => Kind::Interrupted,
            _ => Kind::Tool,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Start { program, source } if source.kind() == io::ErrorKind::NotFound => {
                Some(format!("install {program}, or put it on PATH"))
            }
            Self::Interrupted => Some("run the same command again: finished steps are kept".into()),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Failed { stderr, .. } if !stderr.trim().is_empty() => Some(stderr.trim_end().to_owned()),
            _ => None,
        }
    }
}

/// What a child that ended well left.
#[derive(Debug)]
pub struct Finished {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// The largest resident set, in bytes, of the child or of one of its own children.
    pub peak: u64,
}

/// Ends this process, whatever its other threads do: after a bug nothing goes on.
pub fn end_at_once(exit: u8) -> ! {
    std::process::exit(exit.into())
}

/// The children that run now, each a process group of its own.
#[derive(Clone, Default)]
pub struct Children {
    groups: Arc<Mutex<BTreeSet<i32>>>,
    stopped: Arc<AtomicBool>,
}

impl Children {
    /// Whether the user asked to stop.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Ends all children: first asked, after two seconds forced.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.signal(Signal::Terminate);
        let children = self.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            children.signal(Signal::Kill);
        });
    }

    #[cfg(unix)]
    pub(super) fn listen(&self) -> io::Result<()> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let children = self.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for (count, _) in signals.forever().enumerate() {
                if count == 0 {
                    children.stop();
                } else {
                    children.signal(Signal::Kill);
                    // A second request: the user does not want to wait. Everything of ours is atomic anyway.
                    std::process::exit(130);
                }
            }
        })?;
        Ok(())
    }

    #[cfg(not(unix))]
    pub(super) fn listen(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        let groups = self.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for group in groups.iter().filter_map(|group| rustix::process::Pid::from_raw(*group)) {
            // A group that has just ended is what was wanted.
            rustix::process::kill_process_group(group, signal).ok();
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _: Signal) {}

    fn spawn(&self, command: &Command, stdin: Stdio) -> Result<Running<'_>, ProcessError> {
        if self.stopped() {
            return Err(ProcessError::Interrupted);
        }
        let mut child = std::process::Command::new(&command.program);
        child.args(&command.args).env_clear().envs(&command.env).current_dir(&command.dir);
        child.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        own_group(&mut child);
        let program = command.program.display().to_string();
        // Registered under the lock, so that a signal between start and registration cannot miss it.
        let mut groups = self.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let child = child.spawn().map_err(|source| ProcessError::Start { program, source })?;
        groups.insert(child.id().cast_signed());
        drop(groups);
        if self.stopped() {
            self.signal(Signal::Terminate);
        }
        Ok(Running { child, children: self })
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

/// A group of its own, so that a child's children end with it; and on Linux a child that ends when we are killed.
#[cfg(unix)]
fn own_group(child: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    child.process_group(0);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
        let parent = getpid();
        let bind = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // Killed before the call above, we would never be told: the child does not begin.
            if getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
        };
        #[allow(unsafe_code)]
        // SAFETY: between fork and exec only system calls are made, which are async-signal-safe; nothing is allocated.
        unsafe {
            child.pre_exec(bind);
        }
    }
}

#[cfg(not(unix))]
fn own_group(_: &mut std::process::Command) {}

struct Running<'a> {
    child: Child,
    children: &'a Children,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut groups = self.children.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        groups.remove(&self.child.id().cast_signed());
    }
}

impl Running<'_> {
    /// Waits for the end; gives the exit status and the peak resident set in bytes.
    #[cfg(unix)]
    fn wait(&mut self) -> io::Result<(std::process::ExitStatus, u64)> {
        use std::os::unix::process::ExitStatusExt;
        self.end_the_rest()?;
        let mut status = 0;
        // SAFETY: both pointers are valid for the call; a zeroed rusage is a valid value of plain integers.
        #[allow(unsafe_code)]
        let peak = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            while libc::wait4(self.child.id().cast_signed(), &raw mut status, 0, &raw mut usage) < 0 {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            u64::try_from(usage.ru_maxrss).unwrap_or(0)
        };
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        Ok((std::process::ExitStatus::from_raw(status), peak * unit))
    }

    /// When the user asked to stop, ends what a child left behind of its group. The child has ended and is not yet
    /// reaped, so that its number, the group's, cannot be somebody else's.
    #[cfg(unix)]
    fn end_the_rest(&self) -> io::Result<()> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) else { return Ok(()) };
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT))?;
        if self.children.stopped() {
            end_group(self.child.id());
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn wait(&mut self) -> io::Result<(std::process::ExitStatus, u64)> {
        Ok((self.child.wait()?, 0))
    }
}

impl Host {
    /// Runs a command to its end; anything but exit status 0 is an error that carries its stderr.
    pub fn run(&self, command: &Command) -> Result<Finished, ProcessError> {
        self.run_with_input(command, &[])
    }

    /// Runs a command with bytes on its standard input.
    pub fn run_with_input(&self, command: &Command, input: &[u8]) -> Result<Finished, ProcessError> {
        let mut stdout = Vec::new();
        let mut reader = |reader: &mut BufReader<std::process::ChildStdout>| {
            reader.take(OUTPUT_CAP).read_to_end(&mut stdout).map(drop)
        };
        let mut finished = self.stream(command, input, &mut reader).map_err(|error| error.or_said(&stdout))?;
        finished.stdout = stdout;
        Ok(finished)
    }

    /// Runs a command whose output is read while it runs. When `reader` returns before the end of the output the child
    /// is ended, and that is no failure: the answer was found.
    pub fn stream(
        &self,
        command: &Command,
        input: &[u8],
        reader: &mut dyn FnMut(&mut BufReader<std::process::ChildStdout>) -> io::Result<()>,
    ) -> Result<Finished, ProcessError> {
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut running = self.children.spawn(command, stdin)?;
        let mut stdout = BufReader::with_capacity(64 * 1024, running.child.stdout.take().expect("stdout is piped"));
        let mut errors = running.child.stderr.take().expect("stderr is piped");
        let to_child = running.child.stdin.take();
        let mut stderr = Vec::new();
        let group = running.child.id();
        let (read, early, waited) = std::thread::scope(|scope| {
            let stderr = &mut stderr;
            let listener = scope.spawn(move || errors.by_ref().take(OUTPUT_CAP).read_to_end(stderr));
            if let Some(mut pipe) = to_child {
                // A child that ends before it has read everything says why by its exit status.
                scope.spawn(move || drop(pipe.write_all(input)));
            }
            let read = reader(&mut stdout);
            let early = matches!(io::copy(&mut (&mut stdout).take(1), &mut io::sink()), Ok(1)) || read.is_err();
            if early {
                end_group(group);
            }
            drop(stdout);
            let waited = running.wait();
            drop(listener.join());
            (read, early, waited)
        });
        let program = command.program.display().to_string();
        let (status, peak) = waited.map_err(|source| ProcessError::Pipe { program: program.clone(), source })?;
        if self.children.stopped() {
            return Err(ProcessError::Interrupted);
        }
        read.map_err(|source| ProcessError::Pipe { program, source })?;
        if !status.success() && !early {
            let stderr = String::from_utf8_lossy(&stderr).into_owned();
            return Err(ProcessError::Failed { line: command.line(), status: status.to_string(), stderr });
        }
        Ok(Finished { stdout: Vec::new(), stderr, peak })
    }
}

#[cfg(unix)]
fn end_group(group: u32) {
    if let Some(group) = rustix::process::Pid::from_raw(group.cast_signed()) {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
}

#[cfg(not(unix))]
fn end_group(_: u32) {}

#[cfg(test)]
mod tests;
