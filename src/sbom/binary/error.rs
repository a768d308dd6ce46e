//! What can be wrong with an executable.

/// Why an executable cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// Neither ELF nor PE nor Mach-O.
    #[error("it is no executable: neither ELF nor PE nor Mach-O")]
    NotABinary,
    /// The container contradicts itself.
    #[error("its {part} cannot be read")]
    Container {
        /// Which part.
        part: &'static str,
        /// What is wrong.
        source: object::read::Error,
    },
    /// Something that Go or cargo-auditable wrote is not of its form.
    #[error("its {part} is not what it should be: {why}")]
    Content {
        /// Which part.
        part: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Something is larger than it may be.
    #[error("its {part} has more than {most} bytes")]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// The most that is read.
        most: u64,
    },
}
