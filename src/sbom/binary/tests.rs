use std::io::Write;

use super::*;

/// A program of one loaded part, written by hand: every word size and byte order, and whatever nobody's linker writes.
#[derive(Clone, Copy)]
struct Elf {
    wide: bool,
    big: bool,
}

const ALL: [Elf; 4] = [
    Elf { wide: true, big: false },
    Elf { wide: true, big: true },
    Elf { wide: false, big: false },
    Elf { wide: false, big: true },
];

/// Where the part is loaded.
const ADDRESS: u64 = 0x40_0000;

impl Elf {
    fn number(self, value: u64, size: usize) -> Vec<u8> {
        let bytes = value.to_le_bytes();
        let mut bytes = bytes[..size].to_vec();
        if self.big {
            bytes.reverse();
        }
        bytes
    }

    fn word(self, value: u64) -> Vec<u8> {
        self.number(value, if self.wide { 8 } else { 4 })
    }

    /// With `parts` program headers, all for the same bytes.
    fn file(self, data: &[u8], parts: usize) -> Vec<u8> {
        let (header, entry) = if self.wide { (64, 56) } else { (52, 32) };
        let start = (header + entry * parts).next_multiple_of(16);
        let mut file = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(self.wide), 1 + u8::from(self.big), 1];
        file.resize(16, 0);
        // Executable, PowerPC64 or PowerPC: both byte orders exist.
        for (value, size) in [(2, 2), (21, 2), (1, 4)] {
            file.extend(self.number(value, size));
        }
        for value in [ADDRESS, header as u64, 0] {
            file.extend(self.word(value));
        }
        for (value, size) in [(0, 4), (header, 2), (entry, 2), (parts, 2), (0, 2), (0, 2), (0, 2)] {
            file.extend(self.number(value as u64, size));
        }
        let length = data.len() as u64;
        for _ in 0..parts {
            let (kind, flags) = (self.number(1, 4), self.number(6, 4));
            let rest = [start as u64, ADDRESS, ADDRESS, length, length].map(|value| self.word(value)).concat();
            file.extend(if self.wide {
                [kind, flags, rest, self.word(16)].concat()
            } else {
                [kind, rest, flags, self.word(16)].concat()
            });
        }
        file.resize(start, 0);
        file.extend_from_slice(data);
        file
    }

    /// Build information as Go 1.17 wrote it: the addresses of two strings.
    fn old_build_info(self, version: &str, text: &str) -> Vec<u8> {
        let pointer = if self.wide { 8 } else { 4 };
        let strings = 32 + 4 * pointer as u64;
        let mut data = b"\xff Go buildinf:".to_vec();
        data.extend([pointer, u8::from(self.big)]);
        data.extend([self.word(ADDRESS + 32), self.word(ADDRESS + 32 + 2 * u64::from(pointer))].concat());
        data.resize(32, 0);
        let version_length = version.len() as u64;
        let text = framed(text);
        data.extend([self.word(ADDRESS + strings), self.word(version_length)].concat());
        data.extend([self.word(ADDRESS + strings + version_length), self.word(text.len() as u64)].concat());
        data.extend(version.as_bytes());
        data.extend(text);
        data
    }

    /// A table of functions as Go 1.20 and newer write it, with a count of functions of its own.
    fn table(self, count: u64, names: &[u8]) -> Vec<u8> {
        let mut table = self.number(0xffff_fff1, 4);
        table.extend([0, 0, 4, if self.wide { 8 } else { 4 }]);
        let start = 8 + 8 * self.word(0).len() as u64;
        let end = start + names.len() as u64;
        for value in [count, 1, 0, start, end, end, end, end] {
            table.extend(self.word(value));
        }
        table.extend_from_slice(names);
        table
    }
}

/// The text of Go's modules between its two marks.
fn framed(text: &str) -> Vec<u8> {
    [&[b'<'; 16], text.as_bytes(), &[b'>'; 16]].concat()
}

/// Build information as Go 1.18 and newer write it: the strings behind the header.
fn build_info(version: &str, text: &str) -> Vec<u8> {
    let mut data = b"\xff Go buildinf:\x00\x02".to_vec();
    data.resize(32, 0);
    for text in [version.as_bytes(), &framed(text)] {
        let mut length = text.len();
        while length >= 0x80 {
            data.push(length as u8 | 0x80);
            length >>= 7;
        }
        data.push(length as u8);
        data.extend_from_slice(text);
    }
    data
}

const TEXT: &str = "path\texample.com/m/cmd/api\nmod\texample.com/m\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:aaa=\n\
                    dep\texample.com/old\tv1.0.0\n=>\texample.com/new\tv2.0.0\th1:bbb=\nunknown\tline\n\
                    build\tGOOS=linux\nbuild\t-ldflags=\"-s -w\"\nbuild\tempty=\n";

fn one(file: &[u8]) -> Binary<'_> {
    read(file).unwrap().pop().unwrap()
}

#[test]
fn both_encodings_in_every_word_size_and_byte_order() {
    for elf in ALL {
        for data in [elf.old_build_info("go1.17.13", TEXT), build_info("go1.26.8", TEXT)] {
            let file = elf.file(&data, 1);
            let info = one(&file).build_info.unwrap();
            assert!(info.go_version.starts_with("go1."), "{}", info.go_version);
            assert_eq!(info.path, "example.com/m/cmd/api");
            assert_eq!(info.main.unwrap().version, "(devel)");
            assert_eq!(info.modules[0].sum.as_deref(), Some("h1:aaa="));
            assert_eq!(
                (info.modules[1].path.as_str(), info.modules[1].effective().path.as_str()),
                ("example.com/old", "example.com/new")
            );
            assert_eq!((info.settings["-ldflags"].as_str(), info.settings["empty"].as_str()), ("-s -w", ""));
        }
    }
}

#[test]
fn names_of_functions_without_a_section_table() {
    for elf in ALL {
        let data = [build_info("go1.26.8", TEXT), elf.table(2, b"main.main\0net/http.(*Client).Do\0\0\0")].concat();
        let file = elf.file(&data, 1);
        let Functions::Known(names) = one(&file).functions else { panic!("not found") };
        assert_eq!(names.iter().collect::<Vec<_>>(), ["main.main", "net/http.(*Client).Do"]);
    }
}

#[test]
fn what_is_not_a_table_of_functions_is_unknown() {
    let elf = ALL[0];
    for table in [
        elf.table(0, b"main.main\0"),
        elf.table(1 << 40, b"main.main\0"),
        elf.table(1, b"main.main"),
        elf.table(1, b""),
    ] {
        let file = elf.file(&[build_info("go1.26.8", TEXT), table].concat(), 1);
        assert!(matches!(one(&file).functions, Functions::Unknown(_)));
    }
}

#[test]
fn parts_that_overlap_are_searched_once() {
    // As many parts as are allowed, each of the same 16 MB without a table: searched one by one they were 64 GB.
    let data = [build_info("go1.26.8", TEXT), vec![0; 16 << 20]].concat();
    let file = ALL[0].file(&data, 4096);
    assert!(matches!(one(&file).functions, Functions::Unknown(_)));
    let refused = read(&ALL[0].file(&data, 4097)).unwrap_err();
    assert!(refused.to_string().contains("more than 4096"), "{refused}");
}

#[test]
fn damaged_build_information_is_an_error() {
    let elf = ALL[0];
    let cases: [(&str, Vec<u8>); 6] = [
        ("ends within its header", b"\xff Go buildinf:\x00\x02".to_vec()),
        ("longer than what is left", [&build_info("go1.26.8", "")[..32], &[0xff, 0xff, 0xff, 0xff, 0x7f]].concat()),
        ("does not end", [&build_info("go1.26.8", "")[..32], &[0xff; 20]].concat()),
        ("not path, version and hash", build_info("go1.26.8", "dep\tx\n")),
        ("replaces no module", build_info("go1.26.8", "=>\ta\tv1\th1:\n")),
        (
            "not UTF-8",
            build_info("go1.26.8", TEXT).iter().map(|byte| if *byte == b'x' { 0xff } else { *byte }).collect(),
        ),
    ];
    for (why, data) in cases {
        let refused = read(&elf.file(&data, 1)).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let mut wrong = elf.old_build_info("go1.17", TEXT);
    wrong[14] = 3;
    assert!(read(&elf.file(&wrong, 1)).is_err());
    let wide = build_info("go1.26.8", &"dep\ta\tv1\n".repeat(100_001));
    assert!(read(&elf.file(&wide, 1)).unwrap_err().to_string().contains("more lines"));
    let long = build_info("go1.26.8", &" ".repeat(5 << 20));
    assert!(read(&elf.file(&long, 1)).unwrap_err().to_string().contains("more than 4194304 bytes"));
}

#[test]
fn a_fat_file_is_not_endless() {
    let fat = |offset: u32, size: u32, count: u32| {
        let words = [0xcafe_babe, count, 0x0100_0007, 3, offset, size, 0];
        let mut file: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
        file.resize(64, 0);
        file
    };
    for (file, why) in [
        (fat(0, 64, 1), "holds itself"),
        (fat(0, 63, 1), "neither ELF"),
        (fat(60, 64, 1), "fat header"),
        (fat(0, 64, 0), "no executable"),
        (fat(0, 64, 42), "fat header"),
        // A class of Java, and what nobody makes.
        (fat(0, 64, 61), "neither ELF"),
        (fat(0, 64, u32::MAX), "neither ELF"),
    ] {
        let refused = read(&file).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn what_is_no_executable_is_said() {
    for bytes in [&b""[..], b"MZ", b"\x7fELF", b"#!/bin/sh\nexit 0\n", b"\xca\xfe\xba\xbe", &[0; 4096]] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn the_list_of_crates_is_bounded() {
    let squeezed = |text: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let package =
        |extra: &str| format!(r#"{{"packages":[{{"name":"a","version":"1.0.0","source":"crates.io"{extra}}}]}}"#);
    let good = squeezed(package(r#","kind":"build","root":true,"later":1"#).as_bytes());
    let found = crates::parse(&good).unwrap();
    assert_eq!((found.len(), found[0].build, found[0].root, found[0].source.as_str()), (1, true, true, "crates.io"));
    let bomb = squeezed(&vec![b' '; 9 << 20]);
    let cases = [
        (bomb, "more than 8388608 bytes"),
        (squeezed(package(r#","dependencies":[1]"#).as_bytes()), "not in it"),
        (squeezed(b"{}"), "packages"),
        (squeezed("[".repeat(100_000).as_bytes()), "list of crates"),
        (b"plain".to_vec(), "list of crates"),
    ];
    for (section, why) in cases {
        let refused = crates::parse(&section).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}
