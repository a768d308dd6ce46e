//! What may differ between two builds of the same commit. Shared by `cargo xtask campaign repro` and by
//! tests/e2e/reproducible.rs.

use std::path::Path;
use std::process::Command;

/// How far the clock is shifted, in seconds: 400 days.
pub const SHIFT: u64 = 400 * 86_400;

/// One difference to the reference build.
#[derive(Clone, Debug)]
pub struct Variation {
    /// Its name.
    pub name: &'static str,
    /// Program and arguments that sealift's own command line is appended to.
    pub around: Vec<String>,
    /// Variables beside those of the reference.
    pub env: Vec<(&'static str, &'static str)>,
    /// What is done to the copy of the project.
    pub tree: Tree,
}

/// What is done to the copy of the project before the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Nothing.
    Plain,
    /// Its files are made in the reverse order of their names.
    Reversed,
    /// Everything below the trial's folder belongs to another user.
    GivenAway,
}

/// The user that builds in the variation `user`: by convention nobody.
pub const USER: &str = "65534";

/// Every variation. `root` says whether this process may become another user; without that right a user namespace maps
/// this user to another number.
pub fn variations(root: bool) -> Vec<Variation> {
    let plain = |name, around: &[&str], env: &[(&'static str, &'static str)]| Variation {
        name,
        around: around.iter().map(|&word| word.to_owned()).collect(),
        env: env.to_vec(),
        tree: Tree::Plain,
    };
    let rename = "hostname another-host; exec \"$@\"";
    let namespace: &[&str] =
        if root { &["unshare", "--uts"] } else { &["unshare", "--user", "--map-root-user", "--uts"] };
    let user: &[&str] = if root {
        &["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    } else {
        &["unshare", "--user", "--map-root-user"]
    };
    let user = Variation { tree: if root { Tree::GivenAway } else { Tree::Plain }, ..plain("user", user, &[]) };
    vec![
        // Every trial has a folder, a HOME and a store of its own; this one has nothing but that.
        plain("path, HOME, store", &[], &[]),
        user,
        plain("umask", &["sh", "-c", "umask 077; exec \"$@\"", "sh"], &[]),
        plain("time zone", &[], &[("TZ", "Pacific/Kiritimati")]),
        plain("locale", &[], &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("LANGUAGE", "tr")]),
        // As in a GitLab job, whose log sections carry the time: they show which clock sealift has.
        plain("clock", &["faketime", "-f", "+400d"], &[("GITLAB_CI", "true")]),
        plain("one CPU", &["taskset", "-c", "0"], &[]),
        Variation { tree: Tree::Reversed, ..plain("file order", &[], &[]) },
        plain("hostname", &[namespace, &["sh", "-c", rename, "sh"]].concat(), &[]),
        plain("environment noise", &[], NOISE),
    ]
}

/// Variables that change a build where they are let in.
const NOISE: &[(&str, &str)] = &[
    ("GOFLAGS", "-race -ldflags=-X=main.version=evil"),
    ("GOOS", "plan9"),
    ("GOARCH", "mips"),
    ("GOAMD64", "v3"),
    ("GO386", "softfloat"),
    ("GOEXPERIMENT", "boringcrypto"),
    ("GODEBUG", "gocachehash=0"),
    ("CGO_ENABLED", "1"),
    ("CGO_CFLAGS", "-DNOISE"),
    ("CC", "/nowhere/cc"),
    ("GIT_DIR", "/nowhere/git"),
    ("USER", "somebody"),
    ("TERM", "dumb"),
    ("CI", "true"),
    ("NOISE", "1"),
];

impl Variation {
    /// Wraps a program in what the variation puts around it, with its variables.
    pub fn command(&self, program: &Path) -> Command {
        let words: Vec<_> = self.around.iter().map(std::ffi::OsString::from).chain([program.into()]).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Whether this system lets an ordinary user have a namespace; some do not.
pub fn has_namespaces() -> bool {
    let tried = Command::new("unshare").args(["--user", "--map-root-user", "--uts", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Whether the log of a run in a GitLab job shows a clock that is ahead of this process's own by the shift.
pub fn shows_shifted_clock(log: &str, now: u64) -> bool {
    let stamps = log.split("section_start:").skip(1).filter_map(|rest| rest.split(':').next()?.parse::<u64>().ok());
    let stamps: Vec<u64> = stamps.collect();
    !stamps.is_empty() && stamps.iter().all(|stamp| stamp.abs_diff(now + SHIFT) < 86_400)
}
