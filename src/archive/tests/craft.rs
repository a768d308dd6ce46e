//! Archives made byte by byte, so that they can be wrong in any way.

use std::io::Write;

/// One tar header with its data; what is not set is as in an ordinary small file.
#[derive(Clone)]
pub struct TarEntry {
    pub name: Vec<u8>,
    pub prefix: Vec<u8>,
    pub link: Vec<u8>,
    pub kind: u8,
    pub mode: u32,
    /// What the header says; the data follow whatever it says.
    pub size: Option<u64>,
    pub data: Vec<u8>,
    pub magic: [u8; 8],
}

impl TarEntry {
    pub fn file(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.into(),
            prefix: Vec::new(),
            link: Vec::new(),
            kind: b'0',
            mode: 0o644,
            size: None,
            data: data.to_vec(),
            magic: *b"ustar\x0000",
        }
    }

    pub fn of_kind(kind: u8, name: &str) -> Self {
        Self { kind, ..Self::file(name, b"") }
    }

    pub fn link(kind: u8, name: &str, target: &str) -> Self {
        Self { kind, link: target.into(), mode: 0o777, ..Self::file(name, b"") }
    }

    /// An extended header with these records.
    pub fn pax(records: &[(&str, &str)]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
            data.extend_from_slice(format!("{length}{rest}").as_bytes());
        }
        Self { kind: b'x', data, ..Self::file("PaxHeaders/x", b"") }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut header = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, b"0000000\x000000000\0");
        put(124, format!("{:011o}\0", self.size.unwrap_or(self.data.len() as u64)).as_bytes());
        put(136, b"00000000000\0        ");
        put(156, &[self.kind]);
        put(157, &self.link);
        put(257, &self.magic);
        put(345, &self.prefix);
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut out = header.to_vec();
        out.extend_from_slice(&self.data);
        out.resize(out.len().next_multiple_of(512), 0);
        out
    }
}

/// A tar with its end.
pub fn tar(entries: &[TarEntry]) -> Vec<u8> {
    let mut out: Vec<u8> = entries.iter().flat_map(TarEntry::bytes).collect();
    out.resize(out.len() + 1024, 0);
    out
}

pub fn gz(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub fn tar_gz(entries: &[TarEntry]) -> Vec<u8> {
    gz(&tar(entries))
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// What both zip headers say.
#[derive(Clone)]
pub struct ZipHeader {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
}

/// One zip entry, with two headers that can differ.
#[derive(Clone)]
pub struct ZipEntry {
    pub local: ZipHeader,
    pub central: ZipHeader,
    pub data: Vec<u8>,
    /// After the data: a data descriptor, or what does not belong there.
    pub after: Vec<u8>,
    pub external: u32,
    /// Another place for the local header than the true one.
    pub offset: Option<u32>,
}

impl ZipEntry {
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        Self::with(name, content, deflate(content), 8)
    }

    pub fn stored(name: &str, content: &[u8]) -> Self {
        Self::with(name, content, content.to_vec(), 0)
    }

    fn with(name: &str, content: &[u8], data: Vec<u8>, method: u16) -> Self {
        let header = ZipHeader {
            name: name.into(),
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            method,
            crc: crc32fast::hash(content),
            packed: data.len() as u32,
            size: content.len() as u32,
            extra: Vec::new(),
        };
        let (local, central) = (header.clone(), header);
        Self { local, central, data, after: Vec::new(), external: 0o100_644 << 16, offset: None }
    }

    /// Sizes and CRC in a data descriptor.
    pub fn described(mut self) -> Self {
        self.after = b"PK\x07\x08".to_vec();
        for number in [self.central.crc, self.central.packed, self.central.size] {
            self.after.extend_from_slice(&number.to_le_bytes());
        }
        (self.local.crc, self.local.packed, self.local.size) = (0, 0, 0);
        self.both(|header| header.flags |= 8)
    }

    pub fn both(mut self, change: impl Fn(&mut ZipHeader)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    pub fn mode(mut self, mode: u32) -> Self {
        self.external = mode << 16;
        self
    }
}

impl ZipHeader {
    fn middle(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.method.to_le_bytes());
        out.extend_from_slice(&[0, 0, 0x21, 0]);
        for number in [self.crc, self.packed, self.size] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(self.extra.len() as u16).to_le_bytes());
        out
    }
}

/// An extra field.
pub fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// The two parts of a zip: entries, and central directory with its place and number of entries.
pub fn zip_parts(entries: &[ZipEntry]) -> (Vec<u8>, Vec<u8>) {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(body.len() as u32);
        body.extend_from_slice(b"PK\x03\x04\x14\0");
        body.extend_from_slice(&entry.local.middle());
        for part in [&entry.local.name, &entry.local.extra, &entry.data, &entry.after] {
            body.extend_from_slice(part);
        }
        directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend_from_slice(&entry.central.middle());
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&entry.external.to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(&entry.central.name);
        directory.extend_from_slice(&entry.central.extra);
    }
    (body, directory)
}

/// The end record (APPNOTE 4.3.16).
pub fn end_record(entries: u16, size: u32, offset: u32, comment: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    for _ in 0..2 {
        out.extend_from_slice(&entries.to_le_bytes());
    }
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&(comment.len() as u16).to_le_bytes());
    out.extend_from_slice(comment);
    out
}

/// The zip64 end record and its locator (APPNOTE 4.3.14, 4.3.15), for a record that starts at `at`.
pub fn end64(entries: u64, size: u64, offset: u64, at: u64) -> Vec<u8> {
    let mut out = b"PK\x06\x06".to_vec();
    out.extend_from_slice(&44u64.to_le_bytes());
    out.extend_from_slice(&[45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [entries, entries, size, offset] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&1u32.to_le_bytes());
    out
}

/// A whole zip.
pub fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    let (body, directory) = zip_parts(entries);
    let end = end_record(entries.len() as u16, directory.len() as u32, body.len() as u32, b"");
    [body, directory, end].concat()
}
