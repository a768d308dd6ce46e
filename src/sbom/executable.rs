//! Executables among other files: told by how they begin, and taken out of what they are packed in.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::host::staging::Staged;

/// The first bytes of a file, as many as tell what it is.
pub fn head(from: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    from.take(4).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether a file begins as an executable: ELF, PE, Mach-O of either byte order, or a fat Mach-O.
pub fn is_executable(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
        || start.starts_with(b"MZ")
        || [0xfeed_face_u32, 0xfeed_facf, 0xcefa_edfe, 0xcffa_edfe, 0xcafe_babe, 0xcafe_babf]
            .iter()
            .any(|magic| start == magic.to_be_bytes())
}

/// Writes what was read of a file, and the rest of it, into the folder of the run; nothing is executed.
pub fn take_out(stage: &Path, start: &[u8], rest: &mut dyn Read) -> io::Result<PathBuf> {
    let mut out = Staged::create(stage, 0o600).map_err(io::Error::other)?;
    io::copy(&mut start.chain(rest), &mut out)?;
    let settled = out.measured();
    let path = stage.join(format!("program-{}", settled.artifact().digest().hex()));
    settled.commit_volatile(&path).map_err(io::Error::other)?;
    Ok(path)
}
