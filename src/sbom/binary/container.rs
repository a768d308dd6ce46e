//! ELF, PE and Mach-O as one: the parts of an executable that are loaded, with their addresses.

use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{Architecture, FileKind, Object, ObjectSection, ObjectSegment};

use super::{BinaryError, Format};

/// The most parts that are looked at: a Go program has under a hundred, and no linker writes this many.
const MAX_PARTS: usize = 4096;

/// The most executables in a fat file: Apple never shipped more than five. A class of Java begins with the same four bytes,
/// and where the count is it has its version, from 45 on (JVM specification, §4.1).
const MAX_EXECUTABLES: u32 = 42;

/// One executable, laid out.
pub(super) struct Container<'a> {
    pub(super) format: Format,
    pub(super) arch: &'static str,
    pub(super) little_endian: bool,
    pub(super) pointer_size: u8,
    /// Sections with a name that is looked for.
    sections: Vec<(&'a [u8], &'a [u8])>,
    /// What is loaded, in the order of the file's own table.
    loaded: Vec<Loaded<'a>>,
    /// The whole executable.
    bytes: &'a [u8],
}

struct Loaded<'a> {
    address: u64,
    data: &'a [u8],
    writable: bool,
    executable: bool,
}

/// The executables in a file: one, or those of a fat one.
pub(super) fn containers(bytes: &[u8]) -> Result<Vec<Container<'_>>, BinaryError> {
    let fat = |source| BinaryError::Container { part: "fat header", source };
    let count = bytes.get(4..8).and_then(|count| Some(u32::from_be_bytes(*count.first_chunk()?)));
    let slices: Vec<&[u8]> = match FileKind::parse(bytes) {
        Ok(FileKind::MachOFat32 | FileKind::MachOFat64) if count.is_none_or(|count| count > MAX_EXECUTABLES) => {
            return Err(BinaryError::NotABinary);
        }
        Ok(FileKind::MachOFat32) => slices(MachOFatFile32::parse(bytes).map_err(fat)?.arches(), bytes)?,
        Ok(FileKind::MachOFat64) => slices(MachOFatFile64::parse(bytes).map_err(fat)?.arches(), bytes)?,
        _ => vec![bytes],
    };
    slices.into_iter().map(Container::read).collect()
}

fn slices<'a, A: FatArch>(arches: &[A], bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, BinaryError> {
    if arches.is_empty() {
        return Err(BinaryError::Content { part: "fat header", why: "it tells of no executable".to_owned() });
    }
    let fat = |source| BinaryError::Container { part: "fat header", source };
    let slice = |arch: &A| match arch.data(bytes).map_err(fat)? {
        slice if slice.len() == bytes.len() => {
            Err(BinaryError::Content { part: "fat header", why: "it holds itself".to_owned() })
        }
        slice => Ok(slice),
    };
    arches.iter().map(slice).collect()
}

impl<'a> Container<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, BinaryError> {
        let (format, bits) = match FileKind::parse(bytes) {
            Ok(FileKind::Elf32) => (Format::Elf, 32),
            Ok(FileKind::Elf64) => (Format::Elf, 64),
            Ok(FileKind::Pe32) => (Format::Pe, 32),
            Ok(FileKind::Pe64) => (Format::Pe, 64),
            Ok(FileKind::MachO32) => (Format::MachO, 32),
            Ok(FileKind::MachO64) => (Format::MachO, 64),
            _ => return Err(BinaryError::NotABinary),
        };
        let file = object::File::parse(bytes).map_err(|source| BinaryError::Container { part: "header", source })?;
        let mut container = Self {
            format,
            arch: arch(file.architecture(), file.is_little_endian()),
            little_endian: file.is_little_endian(),
            pointer_size: bits / 8,
            sections: Vec::new(),
            loaded: Vec::new(),
            bytes,
        };
        for (index, section) in file.sections().enumerate() {
            if index >= MAX_PARTS {
                return Err(too_many("sections"));
            }
            // A section that lies outside of the file is no reason to refuse what else is in it: it may be a name that
            // nobody looks for. One that is looked for is then missing, and said to be.
            if let (Ok(name), Ok(data)) = (section.name_bytes(), section.data()) {
                container.sections.push((name, data));
            }
        }
        for (index, segment) in file.segments().enumerate() {
            if index >= MAX_PARTS {
                return Err(too_many("segments"));
            }
            let data = segment.data().map_err(|source| BinaryError::Container { part: "segment", source })?;
            let permissions = segment.permissions();
            container.loaded.push(Loaded {
                address: segment.address(),
                data,
                writable: permissions.writable(),
                executable: permissions.executable(),
            });
        }
        Ok(container)
    }

    /// The bytes of the first section with one of these names.
    pub(super) fn section(&self, names: &[&str]) -> Option<&'a [u8]> {
        let found = names.iter().find_map(|name| self.sections.iter().find(|(own, _)| *own == name.as_bytes()));
        found.map(|(_, data)| *data).filter(|data| !data.is_empty())
    }

    /// The first part that a program writes to and does not execute: where the Go linker puts its build information when
    /// the format has no section for it.
    pub(super) fn first_data(&self) -> Option<&'a [u8]> {
        let data = |loaded: &&Loaded<'_>| loaded.writable && !loaded.executable && !loaded.data.is_empty();
        self.loaded.iter().find(data).map(|loaded| loaded.data)
    }

    /// What is loaded at an address, up to the end of the part that it lies in.
    pub(super) fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.loaded.iter().find_map(|loaded| {
            let offset = usize::try_from(address.checked_sub(loaded.address)?).ok()?;
            loaded.data.get(offset..).filter(|rest| !rest.is_empty())
        })
    }

    /// All that is loaded, each part with its address. Overlapping parts would make a search as long as they are many: no more bytes are given than
    /// the file has.
    pub(super) fn loaded(&self) -> impl Iterator<Item = (u64, &'a [u8])> + '_ {
        self.bounded().map(|loaded| (loaded.address, loaded.data))
    }

    fn bounded(&self) -> impl Iterator<Item = &Loaded<'a>> {
        let mut left = self.bytes.len();
        self.loaded.iter().map_while(move |loaded| {
            left = left.checked_sub(loaded.data.len())?;
            Some(loaded)
        })
    }

    /// Whether a program's data hold an address.
    pub(super) fn points_to(&self, address: u64) -> bool {
        let bytes = if self.little_endian { address.to_le_bytes() } else { address.to_be_bytes() };
        let pointer = match (self.pointer_size, self.little_endian) {
            (4, true) => &bytes[..4],
            (4, false) => &bytes[4..],
            _ => &bytes[..],
        };
        let data = self.bounded().filter(|loaded| loaded.writable && !loaded.executable);
        data.into_iter().any(|loaded| memchr::memmem::find(loaded.data, pointer).is_some())
    }

    /// Whether UPX packed it (its stub's header begins so, within the first page or two).
    pub(super) fn is_packed(&self) -> bool {
        let start = &self.bytes[..self.bytes.len().min(8192)];
        memchr::memmem::find(start, b"UPX!").is_some()
    }
}

fn too_many(part: &'static str) -> BinaryError {
    BinaryError::Content { part, why: format!("there are more than {MAX_PARTS}") }
}

/// The processor by Go's name.
fn arch(architecture: Architecture, little_endian: bool) -> &'static str {
    match (architecture, little_endian) {
        (Architecture::X86_64 | Architecture::X86_64_X32, _) => "amd64",
        (Architecture::I386, _) => "386",
        (Architecture::Aarch64, _) => "arm64",
        (Architecture::Arm, _) => "arm",
        (Architecture::Mips, true) => "mipsle",
        (Architecture::Mips, false) => "mips",
        (Architecture::Mips64, true) => "mips64le",
        (Architecture::Mips64, false) => "mips64",
        (Architecture::PowerPc64, true) => "ppc64le",
        (Architecture::PowerPc64, false) => "ppc64",
        (Architecture::Riscv64, _) => "riscv64",
        (Architecture::S390x, _) => "s390x",
        (Architecture::LoongArch64, _) => "loong64",
        _ => "unknown",
    }
}
