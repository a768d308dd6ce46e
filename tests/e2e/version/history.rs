//! Histories that are written as text, made into real repositories.
//!
//! Each line is one thing, from the first to the last:
//!
//! - `commit BRANCH MESSAGE`: a commit on a branch, which begins where it is first named; `\\n` in a message is a line feed,
//!   and `<TITLE>` the name of the last commit with that first line
//! - `branch NAME FROM`: a branch that begins at another one
//! - `merge BRANCH OTHER MESSAGE`: a merge
//! - `revert BRANCH TITLE`: takes the last commit with that first line back, as git writes it
//! - `tag NAME BRANCH`, `annotate NAME BRANCH`: a tag at the tip of a branch
//! - `config TEXT`: a line of sealift.toml from here on
//! - `peer PROGRAM VERSION`: what another program says of the branch `main` here, which differs
//! - `expect BRANCH VERSION`, `expect BRANCH CODE`: what is released there, or why nothing is

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sandbox::{EPOCH, Sandbox};

/// Plays a history; gives the number of its expectations.
pub fn check(name: &str, text: &str) -> usize {
    let mut player = Player::new();
    let mut expectations = 0;
    for (number, line) in text.lines().enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let two = || rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            // What other programs say of it, `cargo xtask peers` asks them.
            "" | "#" | "peer" => {}
            "commit" => {
                let message = player.named(&two().1.replace("\\n", "\n"));
                player.commit(two().0, &message, &[]);
            }
            "branch" => player.reset(&format!("refs/heads/{}", two().0), two().1),
            "merge" => {
                let (other, message) = two().1.split_once(' ').unwrap();
                player.commit(two().0, message, &[other]);
            }
            "revert" => player.revert(two().0, two().1),
            "tag" => player.reset(&format!("refs/tags/{}", two().0), two().1),
            "annotate" => player.annotate(two().0, two().1),
            "config" => player.config += &format!("{rest}\n"),
            "expect" => {
                expectations += 1;
                let found = player.version(two().0);
                assert_eq!(found, two().1, "{name}:{}: {line}", number + 1);
            }
            _ => panic!("{name}:{}: {line}", number + 1),
        }
    }
    expectations
}

struct Player {
    sandbox: Sandbox,
    /// What `git fast-import` has not read yet.
    stream: String,
    /// The mark of each branch's tip.
    tips: BTreeMap<String, usize>,
    /// The mark of the last commit with each title.
    titles: BTreeMap<String, usize>,
    marks: usize,
    config: String,
}

impl Player {
    fn new() -> Self {
        let sandbox = Sandbox::empty();
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.write(".git/info/exclude", "sealift.toml\n");
        let (tips, titles) = (BTreeMap::new(), BTreeMap::new());
        Self { sandbox, stream: String::new(), tips, titles, marks: 0, config: String::new() }
    }

    fn commit(&mut self, branch: &str, message: &str, merged: &[&str]) {
        self.marks += 1;
        let time = EPOCH + self.marks as u64;
        write!(
            self.stream,
            "commit refs/heads/{branch}\nmark :{}\ncommitter a <a@example.com> {time} +0000\ndata {}\n{message}\n",
            self.marks,
            message.len()
        )
        .unwrap();
        if let Some(tip) = self.tips.get(branch) {
            writeln!(self.stream, "from :{tip}").unwrap();
        }
        for other in merged {
            writeln!(self.stream, "merge :{}", self.tips[*other]).unwrap();
        }
        self.tips.insert(branch.to_owned(), self.marks);
        self.titles.insert(message.lines().next().unwrap_or("").to_owned(), self.marks);
    }

    fn revert(&mut self, branch: &str, title: &str) {
        let mark = self.titles[title];
        self.flush();
        let id = self.id(mark);
        self.commit(branch, &format!("Revert \"{title}\"\n\nThis reverts commit {id}."), &[]);
    }

    /// A message with the name of a commit in the place of its title.
    fn named(&mut self, message: &str) -> String {
        let title = message.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(title, _)| title);
        let Some((title, mark)) = title.and_then(|title| Some((title, *self.titles.get(title)?))) else {
            return message.to_owned();
        };
        self.flush();
        message.replace(&format!("<{title}>"), &self.id(mark))
    }

    fn reset(&mut self, name: &str, branch: &str) {
        let tip = self.tips[branch];
        writeln!(self.stream, "reset {name}\nfrom :{tip}\n").unwrap();
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            self.tips.insert(branch.to_owned(), tip);
        }
    }

    fn annotate(&mut self, name: &str, branch: &str) {
        let tip = self.tips[branch];
        writeln!(self.stream, "tag {name}\nfrom :{tip}\ntagger a <a@example.com> {EPOCH} +0000\ndata 1\nx").unwrap();
    }

    fn marks(&self) -> std::path::PathBuf {
        self.sandbox.dir.path().join("marks")
    }

    fn id(&self, mark: usize) -> String {
        let marks = std::fs::read_to_string(self.marks()).unwrap();
        let line = marks.lines().find_map(|line| line.strip_prefix(&format!(":{mark} "))).unwrap();
        line.to_owned()
    }

    fn flush(&mut self) {
        let stream = self.sandbox.dir.path().join("stream");
        std::fs::write(&stream, std::mem::take(&mut self.stream)).unwrap();
        let marks = self.marks().display().to_string();
        let mut command = std::process::Command::new("git");
        command.args(["fast-import", "--quiet", "--force"]).arg(format!("--import-marks-if-exists={marks}"));
        command.arg(format!("--export-marks={marks}")).current_dir(self.sandbox.project());
        command.env_clear().envs(&self.sandbox.env).stdin(std::fs::File::open(stream).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The version, or the code of the failure.
    fn version(&mut self, branch: &str) -> String {
        self.flush();
        self.sandbox.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
        self.sandbox.write("sealift.toml", &self.config);
        let run = self.sandbox.run(&["version"]);
        if run.exit == 0 {
            return run.stdout.trim().to_owned();
        }
        let code = run.stderr.split_once("error[").and_then(|(_, rest)| rest.split_once(']'));
        code.unwrap_or_else(|| panic!("{}", run.stderr)).0.to_owned()
    }
}
