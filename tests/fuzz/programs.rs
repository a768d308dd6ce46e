//! Executables and what Go's linker writes into them.

use sealift::artifact::Artifact;
use sealift::product::SbomFormat;
use sealift::sbom::binary::{self, Binary, Functions, Symbol};
use sealift::sbom::{Program, program as list, write};
use sealift::scan::Subject;

use crate::go;

pub const WORDS: &[&[u8]] = &[
    b"\xff Go buildinf:\x00\x02",
    b"\xff Go buildinf:\x08\x00",
    b".go.buildinfo\0",
    b"__go_buildinfo\0",
    b".gopclntab\0",
    b"__gopclntab\0",
    b".dep-v0\0",
    b"\xf1\xff\xff\xff\0\0\x01\x08",
    b"\xf0\xff\xff\xff\0\0\x01\x08",
    b"\xfa\xff\xff\xff\0\0\x01\x08",
    b"\nmod\t",
    b"\ndep\t",
    b"\n=>\t",
    b"\nbuild\t",
    b"UPX!",
    b"PE\0\0",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
    b"\xcf\xfa\xed\xfe",
];

/// A whole file: whatever is in it is listed, named and written, as JSON.
pub fn program(bytes: &[u8]) {
    let Ok(binaries) = binary::read(bytes) else { return };
    let artifact = Artifact::of(bytes);
    for binary in &binaries {
        names(binary, bytes.len());
        drop(Subject::of("program".to_owned(), (artifact.digest(), None), binary));
    }
    let known = Program { name: "program", artifact, released: None, graph: None, licenses: None };
    let sbom = list(&binaries, &known, 0);
    for format in [SbomFormat::CycloneDx, SbomFormat::Spdx] {
        assert!(serde_json::from_slice::<serde_json::Value>(&write(&sbom, format)).is_ok());
    }
}

/// Goes through the names of functions: there are no more bytes of them than the file has.
fn names(binary: &Binary<'_>, length: usize) -> usize {
    let Functions::Known(names) = &binary.functions else { return 0 };
    let (mut count, mut bytes) = (0, 0);
    for name in names.iter() {
        (count, bytes) = (count + 1, bytes + name.len());
        drop(Symbol::of(name));
    }
    assert!(bytes <= length, "{bytes} bytes of names in a file of {length}");
    count
}

/// Build information within a file that is otherwise right.
pub fn build_info(input: &[u8]) {
    program(&go::in_an_executable(input));
}

/// A table of functions within a file that is otherwise right.
pub fn pclntab(input: &[u8]) {
    program(&go::with_a_table(input));
}

/// What is read from a file, in a line.
#[cfg(test)]
pub fn told(bytes: &[u8]) -> String {
    let binaries = match binary::read(bytes) {
        Ok(binaries) => binaries,
        Err(error) => return error.to_string(),
    };
    let told = binaries.iter().map(|binary| {
        let info = binary.build_info.clone().unwrap_or_default();
        format!("{} {} modules {} functions", info.go_version, info.modules.len(), names(binary, bytes.len()))
    });
    told.collect::<Vec<_>>().join(", ")
}
