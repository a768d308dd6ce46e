//! Follows the system calls of a program's own threads, and strikes at the n-th of those that change what is on disk.
//!
//! strace enumerates the same calls, but counts occurrences for each thread apart (`when=` in strace(1)), so that with
//! several threads some occurrences could never be hit. Here one count runs over all threads. Children are let go when
//! they execute another program.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

pub use super::points::{Point, Strike, Traced, is_file, is_sync};

/// Whether this machine can trace.
pub const AVAILABLE: bool = true;

/// Where a call names its file.
#[derive(Clone, Copy)]
enum Names {
    /// An open file in this argument.
    Open(usize),
    /// A path in this argument.
    Path(usize),
}

const CALLS: &[(i64, &str, Names)] = &[
    (libc::SYS_rename, "rename", Names::Path(1)),
    (libc::SYS_renameat, "renameat", Names::Path(3)),
    (libc::SYS_renameat2, "renameat2", Names::Path(3)),
    (libc::SYS_fsync, "fsync", Names::Open(0)),
    (libc::SYS_fdatasync, "fdatasync", Names::Open(0)),
    (libc::SYS_syncfs, "syncfs", Names::Open(0)),
    (libc::SYS_link, "link", Names::Path(1)),
    (libc::SYS_linkat, "linkat", Names::Path(3)),
    (libc::SYS_symlink, "symlink", Names::Path(1)),
    (libc::SYS_unlink, "unlink", Names::Path(0)),
    (libc::SYS_unlinkat, "unlinkat", Names::Path(1)),
    (libc::SYS_rmdir, "rmdir", Names::Path(0)),
    (libc::SYS_mkdir, "mkdir", Names::Path(0)),
    (libc::SYS_mkdirat, "mkdirat", Names::Path(1)),
    (libc::SYS_ftruncate, "ftruncate", Names::Open(0)),
    (libc::SYS_write, "write", Names::Open(0)),
    (libc::SYS_writev, "writev", Names::Open(0)),
    (libc::SYS_pwrite64, "pwrite64", Names::Open(0)),
    (libc::SYS_copy_file_range, "copy_file_range", Names::Open(2)),
    (libc::SYS_sendfile, "sendfile", Names::Open(0)),
];

/// The names of the calls, for strace.
pub fn calls() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(_, name, _)| *name)
}

/// Runs a program to its end.
#[allow(unsafe_code)]
pub fn run(command: &mut Command, strike: Strike) -> io::Result<Traced> {
    // SAFETY: between fork and exec one system call is made, which is async-signal-safe.
    unsafe {
        command.pre_exec(|| request(libc::PTRACE_TRACEME, 0, 0, 0).map(drop));
    }
    let child = command.spawn()?;
    let root = child.id().cast_signed();
    let mut tracer = Tracer { root, strike, points: Vec::new(), struck: None, known: BTreeSet::new(), failing: None };
    // The program has just been executed and waits.
    wait(root, 0)?;
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    request(libc::PTRACE_SETOPTIONS, root, 0, i64::from(options))?;
    tracer.known.insert(root);
    request(libc::PTRACE_SYSCALL, root, 0, 0)?;
    let mut status = None;
    // Also after the program's end, until none of its threads and half-started children is left with us.
    while let Some((thread, code)) = wait(-1, libc::__WALL | libc::__WNOTHREAD)? {
        if thread == root && (libc::WIFEXITED(code) || libc::WIFSIGNALED(code)) {
            status = Some(ExitStatus::from_raw(code));
        }
        tracer.look(thread, code);
    }
    let status = status.ok_or_else(|| io::Error::other("the program's end was not seen"))?;
    Ok(Traced { points: tracer.points, struck: tracer.struck, status })
}

struct Tracer {
    root: libc::pid_t,
    strike: Strike,
    points: Vec<Point>,
    struck: Option<Point>,
    known: BTreeSet<libc::pid_t>,
    failing: Option<libc::pid_t>,
}

impl Tracer {
    /// Handles one stop and lets the thread go on. A thread that was killed meanwhile is told of by its next status.
    fn look(&mut self, thread: libc::pid_t, code: i32) {
        if !libc::WIFSTOPPED(code) {
            self.known.remove(&thread);
            return;
        }
        let first = self.known.insert(thread);
        let (signal, event) = (libc::WSTOPSIG(code), code >> 16);
        let (how, pass) = if signal == libc::SIGTRAP | 0x80 {
            self.call(thread).ok();
            (libc::PTRACE_SYSCALL, 0)
        } else if event == libc::PTRACE_EVENT_EXEC && thread != self.root {
            self.known.remove(&thread);
            (libc::PTRACE_DETACH, 0)
        } else if event != 0 || (first && signal == libc::SIGSTOP) {
            (libc::PTRACE_SYSCALL, 0)
        } else {
            (libc::PTRACE_SYSCALL, signal)
        };
        request(how, thread, 0, i64::from(pass)).ok();
    }

    fn call(&mut self, thread: libc::pid_t) -> io::Result<()> {
        let Some((number, arguments)) = entered(thread)? else {
            if self.failing == Some(thread) {
                self.failing = None;
                set_register(thread, RAX, -i64::from(libc::EIO))?;
            }
            return Ok(());
        };
        let Some((_, call, names)) = CALLS.iter().find(|(known, _, _)| *known == number) else { return Ok(()) };
        let path = match *names {
            Names::Open(at) => opened(thread, arguments[at]),
            Names::Path(at) => text(thread, arguments[at])?,
        };
        if let Names::Open(at) = names
            && !is_file(arguments[*at], &path)
        {
            return Ok(());
        }
        let point = Point { call, path };
        let at = match self.strike {
            Strike::FailSync(_) => self.points.iter().filter(|point| is_sync(point.call)).count(),
            _ => self.points.len(),
        };
        self.points.push(point.clone());
        match self.strike {
            Strike::Kill(wanted) if wanted == at && self.struck.is_none() => {
                self.struck = Some(point);
                // SAFETY: a signal to a child of ours that has not been waited for.
                #[allow(unsafe_code)]
                unsafe {
                    libc::kill(self.root, libc::SIGKILL);
                }
            }
            Strike::FailSync(wanted) if wanted == at && is_sync(call) && self.struck.is_none() => {
                self.struck = Some(point);
                self.failing = Some(thread);
                set_register(thread, ORIG_RAX, -1)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Places in `struct user_regs_struct` (x86-64), in bytes.
const RAX: i64 = 10 * 8;
const ORIG_RAX: i64 = 15 * 8;

fn set_register(thread: libc::pid_t, register: i64, value: i64) -> io::Result<()> {
    request(libc::PTRACE_POKEUSER, thread, register, value).map(drop)
}

/// Number and arguments of the call that a thread is about to make; nothing when it comes back from one.
fn entered(thread: libc::pid_t) -> io::Result<Option<(i64, [u64; 6])>> {
    // struct ptrace_syscall_info (ptrace(2)): op at 0, at 24 the number, then six arguments, 8 bytes each.
    const ENTRY: u8 = 1;
    let mut info = [0u64; 16];
    let size = i64::try_from(size_of_val(&info)).expect("a small struct");
    request(libc::PTRACE_GET_SYSCALL_INFO, thread, size, info.as_mut_ptr() as i64)?;
    if info[0].to_ne_bytes()[0] != ENTRY {
        return Ok(None);
    }
    Ok(Some((info[3].cast_signed(), info[4..10].try_into().expect("six arguments"))))
}

fn opened(thread: libc::pid_t, descriptor: u64) -> String {
    // The upper half of a register that holds an int is not defined.
    let link = std::fs::read_link(format!("/proc/{thread}/fd/{}", descriptor & 0xffff_ffff));
    link.map_or_else(|_| String::new(), |target| target.to_string_lossy().into_owned())
}

fn text(thread: libc::pid_t, address: u64) -> io::Result<String> {
    let memory = std::fs::File::open(format!("/proc/{thread}/mem"))?;
    let mut bytes = vec![0; 4096];
    let read = memory.read_at(&mut bytes, address)?;
    let end = bytes[..read].iter().position(|byte| *byte == 0).unwrap_or(read);
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

#[allow(unsafe_code)]
fn wait(process: libc::pid_t, options: i32) -> io::Result<Option<(libc::pid_t, i32)>> {
    loop {
        let mut status = 0;
        // SAFETY: the pointer is valid for the call.
        let found = unsafe { libc::waitpid(process, &raw mut status, options) };
        if found > 0 {
            return Ok(Some((found, status)));
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

#[allow(unsafe_code)]
fn request(what: libc::c_uint, thread: libc::pid_t, address: i64, data: i64) -> io::Result<i64> {
    // SAFETY: requests that write take `data` as the address of a buffer that outlives the call.
    let answer = unsafe { libc::ptrace(what, thread, address, data) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tee` reads a line and writes it to files in a folder, each over a descriptor of its own.
    fn tee(dir: &std::path::Path, files: &[&str]) -> Command {
        std::fs::write(dir.join("line"), "line\n").unwrap();
        let mut command = Command::new("tee");
        command.args(files).current_dir(dir).stdin(std::fs::File::open(dir.join("line")).unwrap());
        command.stdout(std::process::Stdio::null());
        command
    }

    #[test]
    fn calls_of_the_program_are_seen_and_those_of_its_children_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let traced = run(&mut tee(dir.path(), &["a"]), Strike::Never).unwrap();
        let calls: Vec<_> = traced.points.iter().map(|point| point.call).collect();
        assert!(traced.status.success() && calls == ["write"], "{:?}", traced.points);
        let mut shell = Command::new("sh");
        shell.args(["-c", "mkdir b && true"]).current_dir(dir.path());
        let traced = run(&mut shell, Strike::Never).unwrap();
        assert!(traced.status.success() && dir.path().join("b").exists());
        assert!(traced.points.is_empty(), "{:?}", traced.points);
    }

    #[test]
    fn a_killed_call_is_not_carried_out() {
        let dir = tempfile::tempdir().unwrap();
        let traced = run(&mut tee(dir.path(), &["a", "b"]), Strike::Kill(1)).unwrap();
        assert_eq!(traced.status.signal(), Some(libc::SIGKILL));
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"line\n");
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"");
    }

    #[test]
    fn a_failed_sync_is_an_input_output_error() {
        let dir = tempfile::tempdir().unwrap();
        let sync = |strike| {
            std::fs::write(dir.path().join("a"), "a").unwrap();
            // A command is traced once: what runs before its start is added to it.
            let mut command = Command::new("sync");
            command.arg(dir.path().join("a")).stderr(std::process::Stdio::null());
            run(&mut command, strike).unwrap()
        };
        assert!(sync(Strike::FailSync(1)).status.success());
        let traced = sync(Strike::FailSync(0));
        assert_eq!((traced.status.code(), traced.struck.map(|point| point.call)), (Some(1), Some("fsync")));
    }
}
