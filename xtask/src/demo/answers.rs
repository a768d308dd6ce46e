//! A service that runs on a loopback port: asked over HTTP, ended with SIGTERM.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::run::Program;

/// How long it may take to answer, or to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service; it is ended when this value is dropped.
pub struct Service {
    child: Child,
    address: String,
}

impl Service {
    /// Starts a program on a free port of the loopback address and reads from its log which one it is.
    pub fn start(program: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(program)
            .args(["-addr", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::tool(format!("error: {}: {error}", program.display())))?;
        let log = child.stderr.take().expect("its standard error is a pipe");
        let mut service = Self { child, address: String::new() };
        let mut log = BufReader::new(log);
        let mut line = String::new();
        log.read_line(&mut line).map_err(|error| refused(&format!("the log of the service: {error}")))?;
        // What it says later must have somewhere to go.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let address = serde_json::from_str::<serde_json::Value>(&line).ok();
        let address = address.and_then(|entry| Some(entry.get("addr")?.as_str()?.to_owned()));
        service.address = address.ok_or_else(|| refused(&format!("the service did not start: {line}")))?;
        Ok(service)
    }

    /// Asks for a page; gives its status and text. Anything but 200 is a failure.
    pub fn get(&self, path: &str) -> Result<String, Failure> {
        let answer = self.ask(path).map_err(|error| refused(&format!("GET {path}: {error}")))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split_whitespace().nth(1) {
            Some("200") => Ok(format!("200 {}", body.trim())),
            _ => Err(refused(&format!("GET {path}: {}", head.lines().next().unwrap_or("no answer")))),
        }
    }

    fn ask(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // One write: a server that answers after the first piece would cut off the rest.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Asks it to end, and waits; gives how long it took. Any exit status but 0 is a failure.
    pub fn stop(&mut self) -> Result<Duration, Failure> {
        let asked = Instant::now();
        self.terminate()?;
        while asked.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(asked.elapsed()),
                Ok(Some(status)) => return Err(refused(&format!("after SIGTERM the service ended with {status}"))),
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(refused(&format!("the service: {error}"))),
            }
        }
        Err(refused(&format!("the service did not end within {} s of SIGTERM", PATIENCE.as_secs())))
    }

    fn terminate(&self) -> Outcome {
        // The shell's own `kill`, which every system has; this crate calls nothing unsafe.
        Program::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).stream()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless something above failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn refused(what: &str) -> Failure {
    Failure::refused(format!("error: {what}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A shell script in the place of the service.
    fn script(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("service");
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        (dir, file)
    }

    #[test]
    fn a_service_that_does_not_start_is_a_failure_with_its_words() {
        let (_dir, file) = script("echo no port >&2");
        let failure = Service::start(&file).map(|_| ()).unwrap_err();
        assert!(failure.exit == 1 && failure.message.contains("no port"), "{}", failure.message);
    }

    #[test]
    fn another_exit_status_after_sigterm_is_a_failure() {
        let (_dir, file) =
            script("trap 'exit 3' TERM; echo '{\"addr\":\"127.0.0.1:1\"}' >&2; while :; do sleep 0.02; done");
        let mut service = Service::start(&file).unwrap();
        assert!(service.stop().unwrap_err().message.contains("exit status: 3"));
    }

    #[test]
    fn only_200_is_an_answer() {
        let (_dir, file) = script("echo '{\"addr\":\"ADDR\"}' >&2; exec sleep 60");
        let mut service = Service::start(&file).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        service.address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            for answer in ["200 OK", "503 Service Unavailable"] {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                assert!(lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count() > 0);
                stream.write_all(format!("HTTP/1.0 {answer}\r\n\r\nfine\n").as_bytes()).unwrap();
            }
        });
        assert_eq!(service.get("/").unwrap(), "200 fine");
        assert!(service.get("/").unwrap_err().message.contains("503"));
        server.join().unwrap();
    }
}
