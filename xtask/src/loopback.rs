//! A registry of our own on loopback, for as long as it is needed.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long a registry may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running distribution registry; it ends when this is dropped.
pub struct Registry {
    child: Child,
    port: u16,
    data: PathBuf,
}

impl Registry {
    /// Starts one that keeps its data in a folder.
    pub fn start(program: &Path, dir: &Path) -> Result<Self, Failure> {
        let at = |error: std::io::Error| Failure::tool(format!("error: {}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(at)?;
        let port = free_port().map_err(at)?;
        let data = dir.join("data");
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
             delete: {{enabled: true}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            data.display()
        );
        let file = dir.join("registry.yml");
        std::fs::write(&file, config).map_err(at)?;
        let child = Command::new(program)
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Failure::tool(format!("error: {}: {error}", program.display())))?;
        let mut registry = Self { child, port, data };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = registry.child.try_wait().map_err(at)?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                return Err(Failure::tool(format!("error: {} does not listen on {port}", program.display())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The folder with all that was pushed; removing it empties the registry.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody listens on just now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
