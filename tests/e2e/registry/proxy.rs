//! A small proxy: tunnels (`CONNECT`) and forwarded requests, all to one server, whatever name was asked for.

use std::io::{BufReader, Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::server::read;

pub struct Proxy {
    pub address: String,
    /// Methods and targets, as they were asked for.
    pub log: Arc<Mutex<Vec<(String, String)>>>,
}

impl Proxy {
    /// Cuts the first body of more than a megabyte in half, when told so.
    pub fn start(to: String, cut: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let log: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (seen, cut) = (log.clone(), Arc::new(Mutex::new(cut)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, cut, to) = (seen.clone(), cut.clone(), to.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &to, &seen, &cut));
            }
        });
        Self { address, log }
    }

    pub fn count(&self, method: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|(seen, _)| seen == method).count()
    }
}

fn serve(stream: TcpStream, to: &str, seen: &Mutex<Vec<(String, String)>>, cut: &Mutex<bool>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut client = stream;
    if let Some(request) = read(&mut reader) {
        seen.lock().unwrap().push((request.method.clone(), request.path.clone()));
        let mut server = TcpStream::connect(to).unwrap();
        if request.method == "CONNECT" {
            return tunnel(client, server);
        }
        let path = request.path.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let mut head = format!("{} {}{query} HTTP/1.1\r\n", request.method, path.unwrap_or(&request.path));
        for (name, value) in request.headers.iter().filter(|(name, _)| *name != "connection") {
            head += &format!("{name}: {value}\r\n");
        }
        head += "connection: close\r\n\r\n";
        server.write_all(head.as_bytes()).unwrap();
        if request.body.len() > 1 << 20 && std::mem::take(&mut *cut.lock().unwrap()) {
            drop(server.write_all(&request.body[..request.body.len() / 2]));
            // What was sent arrives before the end does.
            drop(server.shutdown(Shutdown::Write));
            drop(server.read_to_end(&mut Vec::new()));
            return;
        }
        drop(server.write_all(&request.body));
        let mut answer = Vec::new();
        drop(server.read_to_end(&mut answer));
        // The server's connection ends with each answer, and so does the client's.
        drop(client.write_all(&answer));
    }
}

fn tunnel(mut client: TcpStream, mut server: TcpStream) {
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        drop(copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    drop(copy(&mut server, &mut client));
    drop(client.shutdown(Shutdown::Write));
}
