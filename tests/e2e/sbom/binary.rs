//! Executables that the real Go linker made, for many systems and processors; Go's own readers judge.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use sealift::sbom::binary::{self, BuildInfo, Functions, Module};

use crate::sandbox::Sandbox;

/// Every default target, and what differs most from them: byte orders, the size of an instruction, a system.
const TARGETS: [&str; 12] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm",
    "linux/386",
    "darwin/amd64",
    "darwin/arm64",
    "windows/amd64",
    "windows/arm64",
    "windows/386",
    "linux/s390x",
    "linux/mips",
    "freebsd/amd64",
];

/// Those for which everything is compiled once more with nothing inlined, so that Go's reader sees every function: one
/// with a section for the table, and one without.
const PLAIN: [&str; 2] = ["linux/amd64", "windows/386"];

/// Prints the names of the functions that stand alone in programs that are not stripped, as Go's own library reads them.
const ORACLE: &str = r##"package main

import (
	"debug/elf"
	"debug/gosym"
	"debug/macho"
	"debug/pe"
	"fmt"
	"os"
)

func table(path string) []byte {
	if f, err := elf.Open(path); err == nil {
		data, err := f.Section(".gopclntab").Data()
		check(err)
		return data
	}
	if f, err := macho.Open(path); err == nil {
		data, err := f.Section("__gopclntab").Data()
		check(err)
		return data
	}
	f, err := pe.Open(path)
	check(err)
	for _, s := range f.Symbols {
		if s.Name == "runtime.pclntab" {
			data, err := f.Sections[s.SectionNumber-1].Data()
			check(err)
			return data[s.Value:]
		}
	}
	panic("no table in " + path)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	t, err := gosym.NewTable(nil, gosym.NewLineTable(table(os.Args[1]), 0))
	check(err)
	for _, f := range t.Funcs {
		fmt.Println(f.Name)
	}
}
"##;

fn build(sandbox: &Sandbox, target: &str, flags: &[&str]) -> PathBuf {
    let (os, arch) = target.split_once('/').unwrap();
    let name = format!("{os}_{arch}_{}", flags.len());
    let out = sandbox.path(&name);
    let mut command = Command::new("go");
    command.args(["build", "-trimpath", "-o", &name]).args(flags).arg(".").current_dir(sandbox.project());
    command.env_clear().envs(&sandbox.env).env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
    let output = command.env("GOOS", os).env("GOARCH", arch).output().unwrap();
    assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
    out
}

fn names(bytes: &[u8]) -> BTreeSet<&str> {
    let Functions::Known(names) = binary::read(bytes).unwrap().pop().unwrap().functions else { panic!("no functions") };
    names.iter().collect()
}

/// What `go version -m` prints, as we would print it.
fn printed(path: &Path, info: &BuildInfo) -> String {
    let mut text = format!("{}: {}\n\tpath\t{}\n", path.display(), info.go_version, info.path);
    let mut module = |word: &str, module: &Module| {
        let sum = |module: &Module| module.sum.clone().unwrap_or_default();
        let line =
            |word: &str, module: &Module, sum: &str| format!("\t{word}\t{}\t{}\t{sum}\n", module.path, module.version);
        match &module.replace {
            None => text += &line(word, module, &sum(module)),
            Some(other) => text += &(line(word, module, "").replace("\t\n", "\n") + &line("=>", other, &sum(other))),
        }
    };
    info.main.iter().for_each(|main| module("mod", main));
    info.modules.iter().for_each(|dep| module("dep", dep));
    text
}

/// As Go prints it, without the settings, whose order is the linker's.
fn go_says(path: &Path) -> (String, BTreeSet<String>) {
    let output = Command::new("go").args(["version", "-m"]).arg(path).env("GOTOOLCHAIN", "local").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !text.is_empty(), "{}", path.display());
    let is_setting = |line: &&str| line.starts_with("\tbuild\t");
    let settings = text.lines().filter(is_setting).map(|line| line["\tbuild\t".len()..].to_owned()).collect();
    (text.lines().filter(|line| !is_setting(line)).map(|line| format!("{line}\n")).collect(), settings)
}

#[test]
fn every_platform_is_read_as_go_reads_it() {
    let sandbox = Sandbox::service();
    sandbox.write("oracle/main.go", ORACLE);
    sandbox.go(&["build", "-o", "oracle.exe", "./oracle"]);
    for target in TARGETS {
        let (stripped, whole) = (build(&sandbox, target, &["-ldflags=-s -w"]), build(&sandbox, target, &[]));
        let (stripped_bytes, whole_bytes) = (std::fs::read(&stripped).unwrap(), std::fs::read(&whole).unwrap());
        assert!(stripped_bytes.len() < whole_bytes.len());

        let mut found = binary::read(&stripped_bytes).unwrap();
        let one = found.pop().unwrap();
        assert!(found.is_empty() && one.arch == target.split_once('/').unwrap().1, "{target}: {}", one.arch);
        let info = one.build_info.unwrap();
        let (modules, settings) = go_says(&stripped);
        assert_eq!(printed(&stripped, &info), modules, "{target}");
        let unquoted = settings.iter().filter(|setting| !setting.contains('"'));
        for setting in unquoted {
            let (name, value) = setting.split_once('=').unwrap();
            assert_eq!(info.settings.get(name).map(String::as_str), Some(value), "{target}");
        }
        assert_eq!(info.settings.len(), settings.len(), "{target}");

        assert_eq!(names(&stripped_bytes), names(&whole_bytes), "{target}: stripping hides no function");
        // With inlining there are more names than functions that stand alone, and all of these are among them.
        let ours = names(&whole_bytes);
        let standing = standing(&sandbox, &whole);
        assert!(standing.len() > 1000 && standing.len() < ours.len(), "{target}: {} of {}", standing.len(), ours.len());
        let missing: Vec<&String> = standing.iter().filter(|name| !ours.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{target}: {missing:?}");
        if PLAIN.contains(&target) {
            let plain = build(&sandbox, target, &["-gcflags=all=-l", "-ldflags=-w"]);
            let bytes = std::fs::read(&plain).unwrap();
            let ours: BTreeSet<String> = names(&bytes).into_iter().map(str::to_owned).collect();
            assert_eq!(ours, self::standing(&sandbox, &plain), "{target}");
        }
        std::fs::remove_file(stripped).unwrap();
        std::fs::remove_file(whole).unwrap();
    }
}

/// The functions that Go's own library sees.
fn standing(sandbox: &Sandbox, program: &Path) -> BTreeSet<String> {
    let output = Command::new(sandbox.path("oracle.exe")).arg(program).output().unwrap();
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn modules_of_large_programs_are_those_that_go_tells() {
    let path = std::env::var("PATH").unwrap();
    for name in ["crane", "distribution"] {
        let program = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file());
        let program = program.unwrap_or_else(|| panic!("{name} is not on PATH: cargo xtask test"));
        let bytes = std::fs::read(&program).unwrap();
        let info = binary::read(&bytes).unwrap().pop().unwrap().build_info.unwrap();
        assert_eq!(printed(&program, &info), go_says(&program).0, "{name}");
        assert!(!info.modules.is_empty(), "{name}");
    }
}

/// Reads everything that there is to read; what it gives does not matter.
fn exhaust(bytes: &[u8]) -> usize {
    let Ok(binaries) = binary::read(bytes) else { return 0 };
    let count = |functions: &Functions<'_>| match functions {
        Functions::Known(names) => names.iter().count(),
        Functions::Unknown(_) => 0,
    };
    binaries.iter().map(|binary| count(&binary.functions)).sum()
}

#[test]
fn a_damaged_program_is_an_error_and_never_a_panic() {
    let sandbox = Sandbox::with(&[("main.go", "package main\n\nfunc main() { println(\"hello\") }\n")]);
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut random = || random.next_u64();
    for target in ["linux/amd64", "darwin/arm64", "windows/386", "linux/mips"] {
        let whole = std::fs::read(build(&sandbox, target, &["-ldflags=-s -w"])).unwrap();
        assert!(exhaust(&whole) > 500, "{target}");
        // Cut at every hundredth of its length, and everywhere in its headers.
        for length in (0..100).map(|part| whole.len() * part / 100).chain(0..1200) {
            exhaust(&whole[..length]);
        }
        // What is looked for: headers, build information, the table of functions.
        let at = |needle: &[u8]| memchr::memmem::find(&whole, needle);
        let information = at(b"\xff Go buildinf:").unwrap();
        let magic: &[u8] = if target == "linux/mips" { b"\xff\xff\xff\xf1\0\0" } else { b"\xf1\xff\xff\xff\0\0" };
        let places = [(0, 1024), (information, 96), (at(magic).unwrap(), 96)];
        let mut survived = 0;
        for round in 0..3000 {
            let mut damaged = whole[..whole.len()].to_vec();
            let (start, length) = places[round % places.len()];
            for _ in 0..=random() % 4 {
                let at = start + usize::try_from(random()).unwrap() % length;
                damaged[at] = match random() % 3 {
                    0 => 0xff,
                    1 => 0,
                    _ => random().to_le_bytes()[0],
                };
            }
            survived += usize::from(exhaust(&damaged) > 0);
        }
        assert!((1..3000).contains(&survived), "{target}: {survived} of 3000 were still read");
    }
}
