//! The names of the functions in a Go program, from the table by which its runtime knows them (`pclntab`).
//!
//! Since Go 1.16 the table has a list of names of its own, to which the linker gives every function that it links and
//! every function that was inlined into one of these (`cmd/link/internal/ld/pcln.go`, `walkFuncs`). The list is all that
//! is needed: neither the symbol table nor the inline trees, whose base address stands only in the symbol table.

use super::container::Container;
use super::{BinaryError, Functions, Names};

const PART: &str = "table of functions";

/// The words that the header begins with (`internal/abi.PCLnTabMagic`), newest first, each with the word of the header
/// that tells where the names are; the next word tells where they end.
const MAGICS: [(u32, usize); 3] = [(0xffff_fff1, 3), (0xffff_fff0, 3), (0xffff_fffa, 2)];

/// What Go wrote before 1.16: names and the rest in one.
const OLD: u32 = 0xffff_fffb;

/// Finds the names. Errors: a table whose parts do not fit into it.
pub(super) fn functions<'a>(container: &Container<'a>) -> Result<Functions<'a>, BinaryError> {
    let names = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];
    if let Some(table) = container.section(&names) {
        let Some(first) = word32(table, container.little_endian) else {
            return Err(damaged("it is too short for its header"));
        };
        return match MAGICS.iter().find(|(magic, _)| *magic == first) {
            Some((_, word)) => read(container, table, *word).map(Functions::Known),
            None if first == OLD => Ok(Functions::Unknown("it was linked by Go 1.15 or older")),
            None => Ok(Functions::Unknown("its table of functions is of a form that is not known")),
        };
    }
    // PE has no section for it, and a program's sections may be cut off: the header tells itself from all else, but for the
    // header of a program that is embedded in this one. The runtime finds its own by an address in its data.
    let mut tables: Vec<(u64, Names<'a>)> = Vec::new();
    for (magic, word) in MAGICS {
        let start = header_start(magic, container);
        for (address, part) in container.loaded() {
            for at in memchr::memmem::find_iter(part, &start) {
                let Ok(names) = read(container, &part[at..], word) else { continue };
                if tables.len() == MOST_TABLES {
                    return Ok(Functions::Unknown("it has more tables of functions than a program has"));
                }
                tables.push((address.wrapping_add(at as u64), names));
            }
        }
    }
    let mut own = tables.iter().filter(|(address, _)| container.points_to(*address)).map(|(_, names)| *names);
    match (&tables[..], own.next(), own.next()) {
        ([], ..) => Ok(Functions::Unknown("it has no table of functions that is known")),
        (_, Some(names), None) => Ok(Functions::Known(names)),
        ([(_, names)], ..) => Ok(Functions::Known(*names)),
        _ => Ok(Functions::Unknown("it has several tables of functions, and does not tell which is its own")),
    }
}

/// The most tables that are looked at: a program has its own, and those of programs that it carries.
const MOST_TABLES: usize = 16;

/// The first eight bytes of a header: magic, two zeros, the smallest instruction's and a pointer's size.
fn header_start(magic: u32, container: &Container<'_>) -> [u8; 8] {
    let quantum = match container.arch {
        "386" | "amd64" => 1,
        "s390x" => 2,
        _ => 4,
    };
    let [a, b, c, d] = if container.little_endian { magic.to_le_bytes() } else { magic.to_be_bytes() };
    [a, b, c, d, 0, 0, quantum, container.pointer_size]
}

/// Reads the header of a table and gives the part with the names.
fn read<'a>(container: &Container<'a>, table: &'a [u8], names_word: usize) -> Result<Names<'a>, BinaryError> {
    let word = |index: usize| word(table, 8 + index * usize::from(container.pointer_size), container);
    if table.get(7) != Some(&container.pointer_size) {
        return Err(damaged("its pointers have another size than the program's"));
    }
    let count = word(0).filter(|count| *count > 0).ok_or_else(|| damaged("it counts no function"))?;
    let (start, end) = (word(names_word), word(names_word + 1));
    let names = start.zip(end).and_then(|(start, end)| table.get(start..end));
    let names = names.ok_or_else(|| damaged("its names are not in it"))?;
    // Each function has a name with a zero byte behind it, and they begin at once.
    if names.len() < 2 || count > names.len() / 2 || names[0] == 0 || names.last() != Some(&0) {
        return Err(damaged("its names are not as many as its functions"));
    }
    Ok(Names(names))
}

fn damaged(why: &str) -> BinaryError {
    BinaryError::Content { part: PART, why: why.to_owned() }
}

/// A pointer-sized number; `None` outside of the bytes, or where it counts more than this machine can.
fn word(bytes: &[u8], at: usize, container: &Container<'_>) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let number = match (container.pointer_size, container.little_endian) {
        (4, true) => u32::from_le_bytes(*rest.first_chunk()?).into(),
        (4, false) => u32::from_be_bytes(*rest.first_chunk()?).into(),
        (_, true) => u64::from_le_bytes(*rest.first_chunk()?),
        (_, false) => u64::from_be_bytes(*rest.first_chunk()?),
    };
    usize::try_from(number).ok()
}

fn word32(bytes: &[u8], little_endian: bool) -> Option<u32> {
    let chunk = *bytes.first_chunk()?;
    Some(if little_endian { u32::from_le_bytes(chunk) } else { u32::from_be_bytes(chunk) })
}
