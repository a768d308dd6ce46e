//! Which archive, compressed by what and how much.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::ArchiveError;
use super::write::BLOCK;
use crate::error::nearest;

/// An archive format with its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Format {
    /// POSIX tar (ustar, pax where needed) in one gzip member.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// The same in one Zstandard frame.
    #[serde(rename = "tar.zst")]
    TarZst,
    /// ZIP with deflate.
    #[serde(rename = "zip")]
    Zip,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 3] = [Format::TarGz, Format::TarZst, Format::Zip];

    /// The file name's ending, without a leading dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::TarGz => "tar.gz",
            Format::TarZst => "tar.zst",
            Format::Zip => "zip",
        }
    }

    /// The media type of the file (RFC 6713, RFC 8878; IANA `application/zip`).
    pub fn media_type(self) -> &'static str {
        match self {
            Format::TarGz => "application/gzip",
            Format::TarZst => "application/zstd",
            Format::Zip => "application/zip",
        }
    }

    /// The levels its compressor takes.
    fn levels(self) -> RangeInclusive<u8> {
        match self {
            Format::TarGz | Format::Zip => 1..=9,
            Format::TarZst => 1..=19,
        }
    }

    /// The level used when nobody asks for another.
    fn default_level(self) -> u8 {
        match self {
            // Over seven Go programs, 48.8 MB, that gzip -6 makes 20.00 MB: libdeflate makes 20.34 MB at 4, 19.96 MB
            // at 5 with 77 MB/s, 19.84 MB at 6 with 66 MB/s; zlib-rs made 20.26 MB at 7 with 36 MB/s.
            Format::TarGz | Format::Zip => 5,
            // Over a Go toolchain's programs: 7 takes 0.75 s and 20 MiB for 15.90 MB, 9 takes 1.1 s for 15.69 MB, 10
            // takes 1.4 s and half as much memory again for 15.62 MB, 15 takes 8.5 s for 15.53 MB.
            Format::TarZst => 9,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for Format {
    type Err = ArchiveError;

    fn from_str(text: &str) -> Result<Self, ArchiveError> {
        Self::ALL.into_iter().find(|format| format.extension() == text).ok_or_else(|| ArchiveError::UnknownFormat {
            text: ArchiveError::shown(text.as_bytes()),
            near: nearest(text, Self::ALL.map(Self::extension)),
        })
    }
}

/// A format with a compression level: with the members and their time, all that decides an archive's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Codec {
    format: Format,
    level: u8,
}

/// The versions that decide bytes. Cargo.toml pins them; a test compares them with Cargo.lock.
pub(super) const LIBDEFLATE: &str = "1.26.1";
pub(super) const ZSTD: &str = "0.14.3";
pub(super) const LIBZSTD: &str = "1.5.7";

impl Codec {
    /// Chooses a level: 1 to 9 for deflate, 1 to 19 for Zstandard.
    ///
    /// # Errors
    /// `archive.level` for any other level.
    pub fn new(format: Format, level: u8) -> Result<Self, ArchiveError> {
        let levels = format.levels();
        if levels.contains(&level) {
            Ok(Self { format, level })
        } else {
            Err(ArchiveError::Level { format, level, least: *levels.start(), most: *levels.end() })
        }
    }

    /// The format.
    pub fn format(self) -> Format {
        self.format
    }

    /// The level.
    pub fn level(self) -> u8 {
        self.level
    }

    /// Names everything of this codec that decides bytes, as part of a cache key: it changes whenever they could.
    pub fn describe(self) -> String {
        let level = self.level;
        match self.format {
            Format::TarGz => format!("tar.gz layout=3 libdeflate={LIBDEFLATE} level={level} block={BLOCK}"),
            Format::TarZst => format!("tar.zst layout=1 zstd={ZSTD} libzstd={LIBZSTD} level={level} block={BLOCK}"),
            Format::Zip => format!("zip layout=3 libdeflate={LIBDEFLATE} level={level} block={BLOCK}"),
        }
    }
}

impl From<Format> for Codec {
    fn from(format: Format) -> Self {
        Self { format, level: format.default_level() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn the_described_versions_are_the_locked_ones() {
        let lock = include_str!("../../Cargo.lock");
        let locked = |name: &str, version: &str| {
            let package = format!("name = \"{name}\"\nversion = \"{version}");
            assert!(lock.contains(&package), "Cargo.lock has no {name} {version}");
            assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "{name} is there more than once");
        };
        locked("libdeflater", &format!("{LIBDEFLATE}\""));
        locked("libdeflate-sys", &format!("{LIBDEFLATE}\""));
        locked("zstd", &format!("{ZSTD}\""));
        assert_eq!(zstd::zstd_safe::version_string(), LIBZSTD);
    }

    #[test]
    fn formats_print_and_parse() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
            assert!(Codec::new(format, 0).is_err() && Codec::new(format, 20).is_err());
        }
        let error = "tar.gx".parse::<Format>().unwrap_err();
        assert_eq!((error.code(), error.hint().unwrap().contains("tar.gz")), ("archive.format", true));
    }

    #[test]
    fn every_codec_has_a_description_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for format in Format::ALL {
            for level in format.levels() {
                assert!(seen.insert(Codec::new(format, level).unwrap().describe()));
            }
        }
    }
}
