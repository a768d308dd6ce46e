//! A folder that serves as a module proxy (Go modules reference, "GOPROXY protocol").

use std::io::Write;
use std::path::Path;

use crate::sandbox::Sandbox;

pub struct Proxy {
    dir: tempfile::TempDir,
}

impl Proxy {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.dir.path().display())
    }

    /// Serves a module of these files; its `go.mod` is written where none is given.
    pub fn module(&self, path: &str, version: &str, files: &[(&str, &str)]) {
        let given = files.iter().find(|(name, _)| *name == "go.mod").map(|(_, text)| (*text).to_owned());
        let module = given.unwrap_or_else(|| super::go_mod(path, ""));
        let rest = files.iter().filter(|(name, _)| *name != "go.mod");
        let all = [("go.mod", module.as_str())].into_iter().chain(rest.copied());
        let named: Vec<(String, Vec<u8>)> =
            all.map(|(name, text)| (format!("{path}@{version}/{name}"), text.as_bytes().to_vec())).collect();
        self.file(path, &format!("{version}.zip"), &zipped(&named));
        self.file(path, &format!("{version}.mod"), module.as_bytes());
        self.file(path, &format!("{version}.info"), format!("{{\"Version\":\"{version}\"}}").as_bytes());
        self.file(path, "list", format!("{version}\n").as_bytes());
    }

    /// Puts a file below `<module>/@v/`.
    pub fn file(&self, module: &str, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(module).join("@v").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Serves a file that lies elsewhere.
    pub fn link(&self, module: &str, name: &str, to: &Path) {
        let path = self.dir.path().join(module).join("@v").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, path).unwrap();
    }
}

/// A zip of these files, none of them compressed.
pub fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

impl Sandbox {
    /// Modules come from this folder, into a module cache of the sandbox's own.
    pub fn with_proxy(mut self, proxy: &Proxy) -> Self {
        self.env.insert("GOPROXY".into(), proxy.url());
        self.own_modules();
        self
    }

    /// A module cache of its own.
    pub fn own_modules(&mut self) {
        self.env.insert("GOMODCACHE".into(), self.dir.path().join("home/mod").display().to_string());
    }

    /// As on a machine that has never downloaded a module.
    pub fn forget_modules(&self) {
        self.go(&["clean", "-modcache"]);
    }
}
