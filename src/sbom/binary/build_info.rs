//! Go's build information: what `go version -m` shows (Go's `debug/buildinfo` and `runtime/debug.ParseBuildInfo`).

use super::container::Container;
use super::go_string::unquote;
use super::{BinaryError, Settings};

const PART: &str = "build information";

/// What the header begins with.
const MAGIC: &[u8] = b"\xff Go buildinf:";

/// The header's length, and what its address is a multiple of.
const HEADER: usize = 32;
const ALIGN: usize = 16;

/// The most that the text with the modules may have: about 30,000 modules, ten times as many as any program known.
const MOST: usize = 4 << 20;

/// The most modules and settings.
const MOST_LINES: usize = 100_000;

/// What the Go linker wrote into a binary (Go's `runtime/debug.BuildInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The toolchain, for example `go1.26.8`, with experiments behind a blank.
    pub go_version: String,
    /// The import path of the main package; empty without modules.
    pub path: String,
    /// The main module; `None` without modules.
    pub main: Option<Module>,
    /// The modules whose packages are in the binary, besides the main one.
    pub modules: Vec<Module>,
    /// How it was built: `GOOS`, `GOARCH`, `-tags`, `vcs.revision`, …
    pub settings: Settings,
}

/// A module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version: `v1.2.3`, a pseudo-version, or `(devel)`, also for a folder in another's place.
    pub version: String,
    /// The hash in `go.sum`, for example `h1:…=`.
    pub sum: Option<String>,
    /// What stands in its place.
    pub replace: Option<Box<Module>>,
}

impl Module {
    /// The module whose code is really in the binary.
    pub fn effective(&self) -> &Module {
        self.replace.as_deref().unwrap_or(self)
    }
}

/// Finds and reads the build information; `None` when no Go linker made the program. Errors: it is damaged.
pub(super) fn build_info(container: &Container<'_>) -> Result<Option<BuildInfo>, BinaryError> {
    let data = match container.section(&[".go.buildinfo", "__go_buildinfo"]) {
        Some(section) => section,
        None => match container.first_data() {
            Some(data) => data,
            None => return Ok(None),
        },
    };
    let starts = memchr::memmem::find_iter(data, MAGIC);
    let Some(start) = starts.into_iter().find(|at| at % ALIGN == 0) else { return Ok(None) };
    let blob = &data[start..];
    let header: &[u8; HEADER] = blob.first_chunk().ok_or_else(|| damaged("it ends within its header"))?;
    // Bit 1 of the flags: the texts follow the header, as Go 1.18 and newer write it. Else it has their addresses.
    let (version, text) = if header[15] & 2 != 0 {
        let (version, rest) = counted(&blob[HEADER..])?;
        (version, counted(rest)?.0)
    } else {
        let pointers = Pointers { size: header[14], big_endian: header[15] & 1 != 0, container };
        pointers.both(&header[16..])?
    };
    if version.is_empty() {
        return Ok(None);
    }
    let version = utf8(version)?.to_owned();
    // The text stands between two marks of 16 bytes, with a line's end before the second.
    let text = match text.len() {
        length if length >= 33 && text[length - 17] == b'\n' => utf8(&text[16..length - 16])?,
        _ => "",
    };
    let mut info = BuildInfo { go_version: version, ..BuildInfo::default() };
    if text.lines().count() > MOST_LINES {
        return Err(damaged("it has more lines than a program has modules"));
    }
    text.lines().try_for_each(|line| info.line(line))?;
    Ok(Some(info))
}

/// A text behind its length (`encoding/binary.Uvarint`), and what follows.
fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), BinaryError> {
    let mut length = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let rest = &bytes[index + 1..];
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return match rest.split_at_checked(length) {
                Some((text, rest)) => Ok((bounded(text)?, rest)),
                None => Err(damaged("a text in it is longer than what is left")),
            };
        }
    }
    Err(damaged("a length in it does not end"))
}

/// Texts by address, as Go 1.17 and older have them.
struct Pointers<'c, 'a> {
    size: u8,
    big_endian: bool,
    container: &'c Container<'a>,
}

impl<'a> Pointers<'_, 'a> {
    fn both(&self, header: &[u8]) -> Result<(&'a [u8], &'a [u8]), BinaryError> {
        if !matches!(self.size, 4 | 8) {
            return Err(damaged("its pointers have neither 4 nor 8 bytes"));
        }
        let (version, text) = header.split_at(self.size.into());
        // A program without modules has no second text.
        Ok((self.text(version)?, self.text(text).unwrap_or_default()))
    }

    /// A pointer to a Go string: an address and a length.
    fn text(&self, pointer: &[u8]) -> Result<&'a [u8], BinaryError> {
        let outside = || damaged("it leads to where the program has nothing");
        let string = self.container.at(self.number(pointer).ok_or_else(outside)?).ok_or_else(outside)?;
        let length = string.get(usize::from(self.size)..).and_then(|rest| self.number(rest)).ok_or_else(outside)?;
        if length == 0 {
            return Ok(&[]);
        }
        let data = self.container.at(self.number(string).ok_or_else(outside)?).ok_or_else(outside)?;
        let length = usize::try_from(length).map_err(|_| outside())?;
        bounded(data.get(..length).ok_or_else(outside)?)
    }

    fn number(&self, bytes: &[u8]) -> Option<u64> {
        Some(match (self.size, self.big_endian) {
            (4, false) => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            (4, true) => u32::from_be_bytes(*bytes.first_chunk()?).into(),
            (_, false) => u64::from_le_bytes(*bytes.first_chunk()?),
            (_, true) => u64::from_be_bytes(*bytes.first_chunk()?),
        })
    }
}

impl BuildInfo {
    fn line(&mut self, line: &str) -> Result<(), BinaryError> {
        let Some((kind, rest)) = line.split_once('\t') else { return Ok(()) };
        match kind {
            "path" => rest.clone_into(&mut self.path),
            "mod" => self.main = Some(module(rest)?),
            "dep" => self.modules.push(module(rest)?),
            "=>" => {
                let replaced = self.modules.last_mut().or(self.main.as_mut());
                let replaced = replaced.filter(|module| module.replace.is_none());
                replaced.ok_or_else(|| damaged("it replaces no module"))?.replace = Some(Box::new(module(rest)?));
            }
            "build" => {
                let (name, value) = setting(rest).ok_or_else(|| damaged("a setting in it is no name and value"))?;
                self.settings.insert(name, value);
            }
            _ => {}
        }
        Ok(())
    }
}

fn module(text: &str) -> Result<Module, BinaryError> {
    let mut columns = text.split('\t');
    let (path, version, sum) = (columns.next(), columns.next(), columns.next());
    match (path, version, columns.next()) {
        (Some(path), Some(version), None) if !path.is_empty() => Ok(Module {
            path: path.to_owned(),
            version: version.to_owned(),
            sum: sum.filter(|sum| !sum.is_empty()).map(str::to_owned),
            replace: None,
        }),
        _ => Err(damaged("a module in it is not path, version and hash")),
    }
}

/// A name and a value, each quoted as Go does it where it has blanks or quotes in it.
fn setting(text: &str) -> Option<(String, String)> {
    let (name, rest) = if text.starts_with(['"', '`']) { unquote(text)? } else { bare(text, '=') };
    let value = rest.strip_prefix('=')?;
    if !value.starts_with(['"', '`']) {
        return Some((name, value.to_owned()));
    }
    let (value, rest) = unquote(value)?;
    rest.is_empty().then_some((name, value))
}

fn bare(text: &str, end: char) -> (String, &str) {
    let (name, rest) = text.split_at(text.find(end).unwrap_or(text.len()));
    (name.to_owned(), rest)
}

fn bounded(text: &[u8]) -> Result<&[u8], BinaryError> {
    if text.len() > MOST { Err(BinaryError::TooLarge { part: PART, most: MOST as u64 }) } else { Ok(text) }
}

fn utf8(bytes: &[u8]) -> Result<&str, BinaryError> {
    std::str::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8 text"))
}

fn damaged(why: &str) -> BinaryError {
    BinaryError::Content { part: PART, why: why.to_owned() }
}
