//! Contents that are compressed once for all archives and layers that hold them.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use super::deflate::{Stream, Total, on_threads};
use super::{Content, Pump};
use crate::archive::{ArchiveError, Codec, Format, MemberPath};
use crate::artifact::Artifact;

/// What is known of a content that was compressed: the blocks that every gzip and every zip entry of this level has for
/// it. They can be made once and copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precompressed {
    /// Digest and size of the content.
    pub(super) artifact: Artifact,
    /// CRC-32 of the content.
    pub(super) crc: u32,
    /// Bytes of the blocks.
    pub(super) packed: u64,
    /// How it was compressed.
    pub(super) level: u8,
}

impl Precompressed {
    /// Digest and size of the content.
    pub fn artifact(&self) -> Artifact {
        self.artifact
    }

    /// Whether a content of this size is compressed apart from its neighbours, so that it can be compressed before.
    pub fn pays(codec: Codec, size: u64) -> bool {
        codec.format() != Format::TarZst && size >= super::BLOCK as u64
    }
}

/// Compresses a content of its own, named as `path` in errors, and writes the blocks.
///
/// # Errors
/// `archive.member`, `archive.member-size`, `archive.write`. After an error what was written is of no use.
pub fn precompress(
    codec: Codec,
    threads: NonZeroUsize,
    path: MemberPath,
    content: Content,
    out: &mut dyn Write,
) -> Result<Precompressed, ArchiveError> {
    if !Precompressed::pays(codec, content.size) {
        let small = io::Error::new(io::ErrorKind::InvalidInput, "it has no blocks of its own");
        return Err(ArchiveError::Write(small));
    }
    on_threads(codec.level(), threads, |workers| {
        let mut stream = Stream::start(workers, out);
        let held = Pump::new().pour(path, content, &mut stream)?;
        let Total { crc, packed, .. } = stream.finish_open().map_err(ArchiveError::Write)?;
        Ok(Precompressed { artifact: held.artifact, crc, packed, level: codec.level() })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::archive::tests::golden_input;
    use crate::archive::write::BLOCK;
    use crate::archive::{Attributes, LayerBody, LayerEntry, Member, Mode, Recipe, write_layer};

    fn content(data: &[u8]) -> Content {
        let (size, reader) = (data.len() as u64, Cursor::new(data.to_vec()));
        Content::new(size, Box::new(move || Ok(Box::new(reader))))
    }

    fn path(text: &str) -> MemberPath {
        MemberPath::new(text).unwrap()
    }

    /// What was made of a content by a codec.
    struct Ready(Precompressed, Vec<u8>);

    impl Ready {
        fn new(codec: Codec, threads: usize, data: &[u8]) -> Self {
            let (threads, mut blocks) = (NonZeroUsize::new(threads).unwrap(), Vec::new());
            let known = precompress(codec, threads, path("x"), content(data), &mut blocks).unwrap();
            Self(known, blocks)
        }

        fn with(&self, content: Content) -> Content {
            let reader = Cursor::new(self.1.clone());
            Content { precompressed: Some((self.0.clone(), Box::new(move || Ok(Box::new(reader))))), ..content }
        }
    }

    fn archive(codec: Codec, program: Content, license: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let members = vec![
            Member { path: path("api"), mode: Mode::Executable, content: program },
            Member { path: path("zz"), mode: Mode::Plain, content: content(license) },
            Member { path: path("LICENSE"), mode: Mode::Plain, content: content(license) },
        ];
        Recipe::new(codec, 7).threads(NonZeroUsize::MIN).write(members, &mut out).unwrap();
        out
    }

    fn layer(codec: Codec, program: Content) -> Result<(crate::archive::LayerWritten, Vec<u8>), ArchiveError> {
        let mut out = Vec::new();
        let (attributes, body) = (Attributes::root(0o755), LayerBody::File(program));
        let entry = LayerEntry { path: path("usr/bin/api"), attributes, mtime_unix: 7, body };
        Ok((write_layer(codec, NonZeroUsize::MIN, vec![entry], &mut out)?, out))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn archives_and_layers_are_the_same_with_it_and_without(
            size in (1usize..3, -1isize..3).prop_map(|(blocks, edge)| (blocks * BLOCK).saturating_add_signed(edge)),
            license in 0usize..2000,
            level in 1u8..=9,
            threads in 1usize..4,
        ) {
            let (data, license) = (golden_input(size), golden_input(license));
            prop_assume!(Precompressed::pays(Format::TarGz.into(), data.len() as u64));
            let ready = Ready::new(Codec::new(Format::TarGz, level).unwrap(), threads, &data);
            prop_assert_eq!(ready.0.artifact(), Artifact::of(&data));
            for format in Format::ALL {
                // Of another level or another kind it is not used.
                for level in [level, level % 9 + 1] {
                    let codec = Codec::new(format, level).unwrap();
                    let plain = archive(codec, content(&data), &license);
                    prop_assert!(archive(codec, ready.with(content(&data)), &license) == plain, "{}", codec.describe());
                    let plain = layer(codec, content(&data)).unwrap();
                    prop_assert!(layer(codec, ready.with(content(&data))).unwrap() == plain, "{}", codec.describe());
                }
            }
        }
    }

    #[test]
    fn it_is_copied_and_its_file_must_be_whole() {
        let codec = Codec::from(Format::TarGz);
        let data = golden_input(BLOCK + 100);
        let mut ready = Ready::new(codec, 1, &data);
        // The content itself is not opened where nobody measures it.
        let unopened = Content { open: Box::new(|| panic!("it is read")), ..content(&data) };
        assert!(archive(codec, ready.with(unopened), b"free") == archive(codec, content(&data), b"free"));
        ready.1.pop();
        let error = layer(codec, ready.with(content(&data))).unwrap_err();
        assert!(matches!(error, ArchiveError::Write(error) if error.kind() == io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn a_layer_whose_content_is_another_one_by_now_is_refused() {
        let codec = Codec::from(Format::TarGz);
        let data = golden_input(BLOCK + 100);
        let (ready, mut other) = (Ready::new(codec, 1, &data), data);
        other[BLOCK] ^= 1;
        let error = layer(codec, ready.with(content(&other))).unwrap_err();
        assert_eq!(crate::error::Fault::code(&error), "archive.member");
        assert!(error.to_string().contains("usr/bin/api"), "{error}");
    }

    #[test]
    fn what_has_no_blocks_of_its_own_is_refused() {
        for (codec, size) in [(Format::TarGz, BLOCK - 1), (Format::TarZst, BLOCK)] {
            let content = content(&golden_input(size));
            assert!(precompress(codec.into(), NonZeroUsize::MIN, path("x"), content, &mut io::sink()).is_err());
        }
    }
}
