//! What a Go linker writes into a program: build information and the table of functions, ours by hand and real ones.

use std::path::PathBuf;

use object::{Object, ObjectSection};

use crate::executable::{ADDRESS, AMD64, MACHINES, Machine, elf};

/// A program with a module of its own, one in another's place, and settings.
pub const TEXT: &str = "path\texample.com/m/cmd/api\nmod\texample.com/m\tv1.2.3\th1:xyz=\n\
                        dep\tgolang.org/x/net\tv0.1.0\th1:aaa=\ndep\texample.com/old\tv1.0.0\n\
                        =>\texample.com/new\tv2.0.0\th1:bbb=\nbuild\tGOOS=linux\nbuild\tGOARCH=amd64\n\
                        build\t-ldflags=\"-s -w\"\nbuild\t`-tags`=`a,b`\nbuild\tvcs.time=2026-01-31T12:00:00Z\n";

/// Two functions, as a table names them.
pub const NAMES: &[u8] = b"main.main\0net/http.(*Client).Do\0\0\0";

/// Build information as Go 1.18 and newer write it: the strings behind the header.
pub fn build_info(version: &str, text: &str) -> Vec<u8> {
    let mut data = b"\xff Go buildinf:\x00\x02".to_vec();
    data.resize(32, 0);
    for text in [version.as_bytes(), &framed(text)] {
        let mut length = text.len();
        while length >= 0x80 {
            data.push(u8::try_from(length & 0x7f).expect("7 bits") | 0x80);
            length >>= 7;
        }
        data.push(u8::try_from(length).expect("7 bits"));
        data.extend_from_slice(text);
    }
    data
}

/// Build information as Go 1.17 and older wrote it: the addresses of two strings.
fn old_build_info(machine: Machine, version: &str, text: &str) -> Vec<u8> {
    let word = machine.pointer();
    let text = framed(text);
    let strings = 32 + 4 * word as u64;
    let mut data = b"\xff Go buildinf:".to_vec();
    data.extend([u8::try_from(word).expect("4 or 8"), u8::from(machine.big)]);
    data.extend(machine.numbers([(ADDRESS + 32, word), (ADDRESS + 32 + 2 * word as u64, word)]));
    data.resize(32, 0);
    let length = version.len() as u64;
    data.extend(machine.numbers([(ADDRESS + strings, word), (length, word)]));
    data.extend(machine.numbers([(ADDRESS + strings + length, word), (text.len() as u64, word)]));
    [data, version.as_bytes().to_vec(), text].concat()
}

/// The text of the modules between its two marks.
fn framed(text: &str) -> Vec<u8> {
    [&[b'<'; 16], text.as_bytes(), &[b'>'; 16]].concat()
}

/// A table of functions as Go 1.20 and newer write it.
pub fn table(machine: Machine, names: &[u8]) -> Vec<u8> {
    tabled(machine, 0xffff_fff1, names)
}

/// A table of functions by what it begins with: the form of Go 1.16 has one word less.
fn tabled(machine: Machine, magic: u64, names: &[u8]) -> Vec<u8> {
    let word = machine.pointer();
    let old = magic == 0xffff_fffa;
    let mut table = machine.number(magic, 4);
    let quantum = if machine.wide && !machine.big { 1 } else { 4 };
    table.extend([0, 0, quantum, u8::try_from(word).expect("4 or 8")]);
    let start = 8 + if old { 7 } else { 8 } * word as u64;
    let end = start + names.len() as u64;
    let head = [2, 1, ADDRESS, start, end, end, end, end];
    let head = if old { [&head[..2], &head[3..]].concat() } else { head.to_vec() };
    table.extend(head.iter().flat_map(|value| machine.number(*value, word)));
    table.extend_from_slice(names);
    table
}

/// The machine that an input of a target is written for, by its first byte, and the rest.
fn divided(input: &[u8]) -> (Machine, &[u8]) {
    match input.split_first() {
        Some((first, rest)) => (MACHINES[usize::from(*first) % MACHINES.len()], rest),
        None => (AMD64, input),
    }
}

/// An executable that holds this build information.
pub fn in_an_executable(input: &[u8]) -> Vec<u8> {
    let (machine, info) = divided(input);
    elf(machine, &[(".go.buildinfo", info)])
}

/// An executable of Go that holds this table of functions.
pub fn with_a_table(input: &[u8]) -> Vec<u8> {
    let (machine, table) = divided(input);
    let info = build_info("go1.26.8", TEXT);
    // With a section of its own, and as one finds it in a PE file.
    if input.len().is_multiple_of(2) {
        elf(machine, &[(".go.buildinfo", &info), (".gopclntab", table)])
    } else {
        elf(machine, &[(".go.buildinfo", &info), (".rodata", table)])
    }
}

/// Both forms for every machine, and those of the Go programs that the tests use.
pub fn build_infos() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (at, machine) in MACHINES.into_iter().enumerate() {
        let at = u8::try_from(at).expect("four");
        inputs.push([vec![at], build_info("go1.26.8", TEXT)].concat());
        inputs.push([vec![at], old_build_info(machine, "go1.17.13", TEXT)].concat());
    }
    inputs.extend(real().map(|info| [vec![0], info].concat()));
    inputs
}

/// The build information of real programs, where they are ELF files.
fn real() -> impl Iterator<Item = Vec<u8>> {
    let bin = std::env::var_os("SEALIFT_TEST_TOOLS").map(|tools| PathBuf::from(tools).join("bin"));
    ["crane", "registry"].into_iter().filter_map(move |name| {
        let bytes = std::fs::read(bin.as_ref()?.join(name)).ok()?;
        let file = object::File::parse(&*bytes).ok()?;
        Some(file.section_by_name(".go.buildinfo")?.data().ok()?.to_vec())
    })
}

/// Tables of every form for every machine.
pub fn tables() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (at, machine) in MACHINES.into_iter().enumerate() {
        let at = u8::try_from(at).expect("four");
        for magic in [0xffff_fff1, 0xffff_fff0, 0xffff_fffa] {
            inputs.push([vec![at], tabled(machine, magic, NAMES)].concat());
        }
    }
    inputs
}

/// What `cargo auditable` writes, compressed with zlib: two crates.
pub fn squeezed_crates() -> Vec<u8> {
    let text = br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io","dependencies":[1],"root":true},{"name":"b","version":"0.1.0","source":"local","kind":"build"}]}"#;
    stored(text)
}

/// A zlib stream of one stored block (RFC 1950, RFC 1951 §3.2.4).
fn stored(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in text {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    [&[0x78, 0x01, 0x01][..], &length.to_le_bytes(), &(!length).to_le_bytes(), text, &(b << 16 | a).to_be_bytes()]
        .concat()
}
