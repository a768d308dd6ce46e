//! Small executables of every container, written by hand: what a linker writes, without its megabytes.

use crate::go;

/// Where the first part of each is loaded.
pub const ADDRESS: u64 = 0x40_0000;

/// Numbers as a processor writes them.
#[derive(Clone, Copy)]
pub struct Machine {
    /// Whether a word has 64 bits.
    pub wide: bool,
    /// Whether the highest byte comes first.
    pub big: bool,
}

/// What most programs run on.
pub const AMD64: Machine = Machine { wide: true, big: false };

/// Every word size and byte order.
pub const MACHINES: [Machine; 4] =
    [AMD64, Machine { wide: true, big: true }, Machine { wide: false, big: false }, Machine { wide: false, big: true }];

impl Machine {
    /// A number of a size in bytes.
    pub fn number(self, value: u64, size: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..size].to_vec();
        if self.big {
            bytes.reverse();
        }
        bytes
    }

    /// Numbers, each with its size.
    pub fn numbers<const N: usize>(self, numbers: [(u64, usize); N]) -> Vec<u8> {
        numbers.iter().flat_map(|(value, size)| self.number(*value, *size)).collect()
    }

    /// A pointer's size in bytes.
    pub fn pointer(self) -> usize {
        if self.wide { 8 } else { 4 }
    }
}

/// A part of a program: its section's name, and its bytes.
pub type Part<'a> = (&'a str, &'a [u8]);

/// An ELF file: one loaded part that holds all sections, and a table of these.
pub fn elf(machine: Machine, parts: &[Part<'_>]) -> Vec<u8> {
    let word = machine.pointer();
    let (header, program, section) = if machine.wide { (64_u64, 56_u64, 64_u64) } else { (52, 32, 40) };
    let mut names = vec![0];
    let mut data = Vec::new();
    let start = (header + program).next_multiple_of(16);
    let mut placed = Vec::new();
    for (name, bytes) in parts {
        data.resize(data.len().next_multiple_of(16), 0);
        placed.push((names.len() as u64, 1, start + data.len() as u64, bytes.len() as u64));
        names.extend(name.as_bytes());
        names.push(0);
        data.extend_from_slice(bytes);
    }
    let length = data.len() as u64;
    placed.push((names.len() as u64, 3, start + length, names.len() as u64 + 10));
    names.extend(b".shstrtab\0");
    let table = start + length + names.len() as u64;
    let count = placed.len() as u64 + 1;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(machine.wide), 1 + u8::from(machine.big), 1];
    file.resize(16, 0);
    // Executable; x86-64, or MIPS, which exists in every size and order.
    let processor = if machine.wide && !machine.big { 62 } else { 8 };
    file.extend(machine.numbers([(2, 2), (processor, 2), (1, 4), (ADDRESS, word), (header, word), (table, word)]));
    file.extend(machine.numbers([(0, 4), (header, 2), (program, 2), (1, 2), (section, 2), (count, 2), (count - 1, 2)]));
    let places = machine.numbers([(start, word), (ADDRESS, word), (ADDRESS, word), (length, word), (length, word)]);
    let (kind, flags) = (machine.number(1, 4), machine.number(6, 4));
    file.extend(if machine.wide { [kind, flags, places].concat() } else { [kind, places, flags].concat() });
    file.extend(machine.number(16, word));
    file.resize(usize::try_from(start).expect("short"), 0);
    file.extend([data, names].concat());
    file.extend(vec![0; usize::try_from(section).expect("short")]);
    for (name, kind, offset, size) in placed {
        file.extend(machine.numbers([(name, 4), (kind, 4), (3, word), (ADDRESS + offset - start, word)]));
        file.extend(machine.numbers([(offset, word), (size, word), (0, 4), (0, 4), (16, word), (0, word)]));
    }
    file
}

/// A PE file of 64 or 32 bits.
fn pe(wide: bool, parts: &[Part<'_>]) -> Vec<u8> {
    let machine = Machine { wide, big: false };
    let optional = if wide { 112 } else { 96 } + 16 * 8;
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(machine.number(64, 4));
    file.extend(b"PE\0\0");
    let processor = if wide { 0x8664 } else { 0x14c };
    let count = parts.len() as u64;
    file.extend(machine.numbers([(processor, 2), (count, 2), (0, 4), (0, 4), (0, 4), (optional, 2), (0x22e, 2)]));
    file.extend(machine.numbers([(if wide { 0x20b } else { 0x10b }, 2), (0x0e, 2), (0, 4), (0, 4), (0, 4)]));
    // Entry, code and, in 32 bits, data; then where it is loaded, alignments, versions, sizes and the subsystem.
    file.extend(machine.numbers([(0x1000, 4), (0x1000, 4)]));
    file.extend(if wide { machine.number(ADDRESS, 8) } else { machine.numbers([(0x2000, 4), (ADDRESS, 4)]) });
    file.extend(machine.numbers([(0x1000, 4), (0x200, 4), (6, 4), (0, 4), (6, 4), (0, 4)]));
    file.extend(machine.numbers([(0x1_0000, 4), (0x400, 4), (0, 4), (3, 2), (0, 2)]));
    let word = machine.pointer();
    file.extend(machine.numbers([(1 << 20, word), (1 << 12, word), (1 << 20, word), (1 << 12, word), (0, 4), (16, 4)]));
    file.extend([0; 16 * 8]);
    let (mut offset, mut address) = (0x400_u64, 0x1000_u64);
    let mut data = Vec::new();
    for (name, bytes) in parts {
        let size = bytes.len() as u64;
        let mut field = name.as_bytes()[..name.len().min(8)].to_vec();
        field.resize(8, 0);
        file.extend(field);
        // Initialised data that is read and written.
        file.extend(machine.numbers([(size, 4), (address, 4), (size, 4), (offset, 4), (0, 4), (0, 4), (0, 4)]));
        file.extend(machine.number(0xc000_0040, 4));
        data.extend_from_slice(bytes);
        (offset, address) = (offset + size, (address + size).next_multiple_of(0x1000));
    }
    file.resize(0x400, 0);
    [file, data].concat()
}

/// A Mach-O file of 64 bits: one segment with all sections.
fn mach_o(big: bool, parts: &[Part<'_>]) -> Vec<u8> {
    let machine = Machine { wide: true, big };
    let command = 72 + 80 * parts.len() as u64;
    let start = (32 + command).next_multiple_of(16);
    let length = parts.iter().map(|(_, bytes)| (bytes.len() as u64).next_multiple_of(16)).sum::<u64>();
    let named = |name: &str| {
        let mut field = name.as_bytes().to_vec();
        field.resize(16, 0);
        field
    };
    // x86-64, or PowerPC of 64 bits.
    let processor = if big { 0x0100_0012 } else { 0x0100_0007 };
    let mut file =
        machine.numbers([(0xfeed_facf, 4), (processor, 4), (3, 4), (2, 4), (1, 4), (command, 4), (1, 4), (0, 4)]);
    file.extend(machine.numbers([(0x19, 4), (command, 4)]));
    file.extend(named("__DATA"));
    file.extend(machine.numbers([(ADDRESS, 8), (length, 8), (start, 8), (length, 8), (3, 4), (3, 4)]));
    file.extend(machine.numbers([(parts.len() as u64, 4), (0, 4)]));
    let mut data = Vec::new();
    for (name, bytes) in parts {
        let at = data.len() as u64;
        file.extend([named(name), named("__DATA")].concat());
        file.extend(machine.numbers([(ADDRESS + at, 8), (bytes.len() as u64, 8), (start + at, 4), (4, 4)]));
        file.extend(machine.numbers([(0, 4), (0, 4), (0, 4), (0, 4), (0, 4), (0, 4)]));
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(16), 0);
    }
    file.resize(usize::try_from(start).expect("short"), 0);
    [file, data].concat()
}

/// Several Mach-O files in one.
fn fat(files: &[Vec<u8>]) -> Vec<u8> {
    let machine = Machine { wide: false, big: true };
    let mut file = machine.numbers([(0xcafe_babe, 4), (files.len() as u64, 4)]);
    let mut offset = 8 + 20 * files.len() as u64;
    for one in files {
        let length = one.len() as u64;
        file.extend(machine.numbers([(0x0100_0007, 4), (3, 4), (offset, 4), (length, 4), (0, 4)]));
        offset += length;
    }
    [file, files.concat()].concat()
}

pub fn elves() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for machine in MACHINES {
        let (info, table) = (go::build_info("go1.26.8", go::TEXT), go::table(machine, go::NAMES));
        files.push(elf(machine, &[(".go.buildinfo", &info), (".gopclntab", &table)]));
        // As the linker leaves it when the section table was stripped off by name.
        files.push(elf(machine, &[(".data", &[info, table].concat())]));
    }
    files.push(elf(AMD64, &[(".dep-v0", &go::squeezed_crates()), (".text", b"UPX!")]));
    files
}

pub fn pes() -> Vec<Vec<u8>> {
    let files = [true, false].map(|wide| {
        let (info, table) = (go::build_info("go1.26.8", go::TEXT), go::table(Machine { wide, big: false }, go::NAMES));
        [pe(wide, &[(".data", &[&info[..], &table].concat())]), pe(wide, &[(".text", &table), (".data", &info)])]
    });
    files.into_iter().flatten().collect()
}

pub fn mach_os() -> Vec<Vec<u8>> {
    let files = [false, true].map(|big| {
        let (info, table) = (go::build_info("go1.26.8", go::TEXT), go::table(Machine { wide: true, big }, go::NAMES));
        mach_o(big, &[("__go_buildinfo", &info), ("__gopclntab", &table)])
    });
    [files.to_vec(), vec![fat(&files), fat(&files[..1])]].concat()
}
