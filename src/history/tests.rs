#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::host::env::Env;

struct Repository {
    dir: tempfile::TempDir,
    host: Host,
    git: Git,
}

impl Repository {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vars = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", dir.path().display().to_string()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ];
        let host = Host::with_env(Env::of(dir.path().to_owned(), vars));
        let work = dir.path().join("repo");
        std::fs::create_dir(&work).unwrap();
        let git = Git::find(&host, &work).unwrap();
        let repository = Self { dir, host, git };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("repo")
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        self.git.text(&self.host, identity.iter().chain(args).copied()).unwrap()
    }

    fn commit(&self, path: &str, text: &str) -> String {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", path]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn read(&self) -> Result<History, HistoryError> {
        read(&self.host, &self.git, &["dist"])
    }

    fn last(&self, wanted: &str) -> Option<String> {
        let touch = |path: &str| if path == wanted { Touch::Yes } else { Touch::No };
        let concern = Concern { touch: &touch, differs: &|_, _| unreachable!("nothing is looked at") };
        last_affecting(&self.host, &self.git, &concern).unwrap().map(|commit| commit.id)
    }
}

#[test]
fn a_repository_is_read() {
    let repository = Repository::new();
    assert_eq!(repository.read().unwrap_err().code(), "repository.no-commit");
    let id = repository.commit("a ü.txt", "1");
    repository.git(&["remote", "add", "origin", "https://user:secret@example.com/a/b.git"]);
    std::fs::create_dir(repository.path().join("dist")).unwrap();
    std::fs::write(repository.path().join("dist/x"), "").unwrap();
    let history = repository.read().unwrap();
    assert_eq!((history.head.id.as_str(), history.branch.as_deref()), (id.as_str(), Some("main")));
    assert_eq!(history.changes, [""; 0]);
    assert_eq!(origin(&repository.host, &repository.git).as_deref(), Some("https://example.com/a/b"));
    std::fs::write(repository.path().join("a ü.txt"), "2").unwrap();
    std::fs::write(repository.path().join("new"), "").unwrap();
    assert_eq!(repository.read().unwrap().changes, ["a ü.txt", "new"]);
}

#[test]
fn no_repository_and_a_shallow_one_are_named() {
    let repository = Repository::new();
    let outside = Git::find(&repository.host, Path::new("/")).unwrap();
    assert_eq!(read(&repository.host, &outside, &[]).unwrap_err().code(), "repository.none");
    repository.commit("a", "1");
    repository.commit("a", "2");
    let clone = repository.dir.path().join("clone");
    let url = format!("file://{}", repository.path().display());
    repository.git(&["clone", "-q", "--depth=1", &url, clone.to_str().unwrap()]);
    let shallow = Git::find(&repository.host, &clone).unwrap();
    let error = read(&repository.host, &shallow, &[]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("repository.shallow", Kind::Repository));
    assert!(error.hint().unwrap().contains("git fetch --unshallow"));
}

#[test]
fn the_last_commit_that_affects_a_path() {
    let repository = Repository::new();
    let first = repository.commit("a", "1");
    let second = repository.commit("deep/b", "1");
    repository.commit("README", "1");
    assert_eq!(repository.last("a"), Some(first.clone()));
    assert_eq!(repository.last("deep/b"), Some(second));
    assert_eq!(repository.last("missing"), None);
    repository.git(&["checkout", "-q", "-b", "side", &first]);
    repository.commit("a", "2");
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let merge = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    assert_eq!(repository.last("a"), Some(merge));
    std::fs::remove_file(repository.path().join("a")).unwrap();
    repository.git(&["commit", "-q", "-am", "gone"]);
    let gone = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    assert_eq!(repository.last("a"), Some(gone));
}

#[test]
fn tags_are_found_by_reach() {
    let repository = Repository::new();
    let first = repository.commit("a", "1");
    repository.git(&["tag", "v1.0.0"]);
    repository.commit("a", "2");
    repository.git(&["tag", "v2.0.0"]);
    assert_eq!(reachable_tags(&repository.host, &repository.git, &first).unwrap(), ["v1.0.0"]);
}

/// A34: what stands in a file's name is a name, whatever it looks like.
#[cfg(unix)]
#[test]
fn a_name_of_a_file_is_no_commit() {
    let repository = Repository::new();
    let first = repository.commit("a", "1");
    let lies = [format!("\u{1}{first} 0"), format!("\n{first} 0"), format!("{first} 0"), "\n\nb".to_owned()];
    for lie in &lies {
        std::fs::write(repository.path().join(lie), "").unwrap();
    }
    let second = repository.commit("z", "1");
    for name in lies.iter().map(String::as_str).chain(["z"]) {
        assert_eq!(repository.last(name).as_deref(), Some(second.as_str()), "{name:?}");
    }
    assert_eq!(repository.last("a"), Some(first));
}

/// What a manifest says is compared where it was touched: many of them in one process.
#[test]
fn a_commit_is_looked_at_where_its_path_does_not_tell() {
    let repository = Repository::new();
    let mut commits = vec![repository.commit("go.mod", "a 1\nb 1\n")];
    for text in ["a 1\nb 2\n", "a 2\nb 2\n", "a 2\nb 3\n"] {
        commits.push(repository.commit("go.mod", text));
    }
    std::fs::remove_file(repository.path().join("go.mod")).unwrap();
    commits.push(repository.commit("other", "x"));
    commits.push(repository.commit("go.mod", "a 2\nb 3\n"));
    commits.push(repository.commit("go.mod", &"b 4\n".repeat(1 << 19)));
    commits.push(repository.commit("main.go", "x"));
    let touch = |path: &str| match path {
        "go.mod" => Touch::Look,
        "main.go" => Touch::Yes,
        _ => Touch::No,
    };
    let line = |text: &str| text.lines().find(|line| line.starts_with('a')).map(str::to_owned);
    let concern = Concern { touch: &touch, differs: &|before, after| line(before) != line(after) };
    let found = affecting(&repository.host, &repository.git, &["HEAD"], &concern).unwrap();
    // The first and the last two are there at one end alone, or too long to be read.
    let expected = [0, 2, 4, 5, 6, 7].map(|at| commits[at].clone());
    assert_eq!(found, BTreeSet::from(expected));
    repository.git(&["reset", "-q", "--hard", &commits[3]]);
    assert_eq!(last_affecting(&repository.host, &repository.git, &concern).unwrap().unwrap().id, commits[2]);
}
