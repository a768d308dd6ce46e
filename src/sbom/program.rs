//! What is in a program, as components.

use std::collections::{BTreeMap, BTreeSet};

use super::binary::{Binary, BuildInfo, Crate, Format, Module};
use super::document::{Component, Role, Sbom, module_digest};
use super::graph::Graph;
use super::license::Licenses;
use super::purl;
use crate::artifact::Artifact;

/// What is known of a program besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Its file's name, or its path in a folder or an image.
    pub name: &'a str,
    /// Its digest and size.
    pub artifact: Artifact,
    /// What its release says of it.
    pub released: Option<Released<'a>>,
    /// Which module requires which, where the source is at hand.
    pub graph: Option<&'a Graph>,
    /// Under which licences modules are, where their files are at hand.
    pub licenses: Option<&'a Licenses>,
}

/// What a release says of a program.
#[derive(Clone, Copy, Debug)]
pub struct Released<'a> {
    /// Its version, without `v`.
    pub version: &'a str,
    /// The commit that it was made from.
    pub commit: &'a str,
    /// Its licence as an SPDX expression.
    pub license: Option<&'a str>,
}

/// Settings of a build that are told. Flags of the linker and the C compiler are not among them: they hold what was
/// stamped, and paths of the machine.
const TOLD: [&str; 8] =
    ["-asan", "-buildmode", "-compiler", "-msan", "-race", "-tags", "CGO_ENABLED", "DefaultGODEBUG"];

/// Lists what is in a program: of a fat file what is in any of its executables.
pub fn program(binaries: &[Binary<'_>], program: &Program<'_>, created: u64) -> Sbom {
    let root = component("program", binaries, program);
    let mut sbom = Sbom::of(root, created);
    fill(&mut sbom, "program", binaries, program);
    sbom
}

/// Whether two package URLs name the same package in the same version, whatever qualifiers they have.
pub(super) fn same_purl(one: Option<&str>, other: Option<&str>) -> bool {
    let plain = |purl: &str| purl[..purl.find(['?', '#']).unwrap_or(purl.len())].to_owned();
    one.is_some() && one.map(plain) == other.map(plain)
}

fn fill(sbom: &mut Sbom, id: &str, binaries: &[Binary<'_>], program: &Program<'_>) {
    sbom.incomplete |= binaries.is_empty();
    for binary in binaries {
        if let Some(info) = &binary.build_info {
            go(sbom, id, info, program);
        }
        if let Some(crates) = &binary.crates {
            rust(sbom, id, crates);
        }
        sbom.incomplete |= binary.build_info.is_none() && binary.crates.is_none();
    }
}

/// The program itself.
fn component(id: &str, binaries: &[Binary<'_>], program: &Program<'_>) -> Component {
    let mut own = Component::new(id, Role::Program, program.name);
    own.digest = Some(program.artifact.digest());
    let mut tell = |name: &str, value: &str| {
        if !value.is_empty() {
            own.properties.insert(format!("sealift:{name}"), value.to_owned());
        }
    };
    tell("file", program.name);
    tell("size", &program.artifact.size().to_string());
    let words = |word: &dyn Fn(&Binary<'_>) -> &'static str| {
        binaries.iter().map(word).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    tell("arch", &words(&|binary| binary.arch));
    tell(
        "format",
        &words(&|binary| match binary.format {
            Format::Elf => "ELF",
            Format::Pe => "PE",
            Format::MachO => "Mach-O",
        }),
    );
    let info = binaries.iter().find_map(|binary| binary.build_info.as_ref());
    for (name, value) in info.iter().flat_map(|info| &info.settings) {
        if name.starts_with("GO") || name.starts_with("vcs") || TOLD.contains(&name.as_str()) {
            tell(&format!("go:{name}"), value);
        }
    }
    if let Some(info) = info.filter(|info| !info.path.is_empty()) {
        tell("go:package", &info.path);
    }
    // Known where the go command took the main module from its cache, as `go install MODULE@VERSION` does.
    tell("go:sum", info.and_then(|info| info.main.as_ref()?.sum.as_deref()).unwrap_or_default());
    if let Some(released) = program.released {
        tell("commit", released.commit);
        own.version = Some(released.version.to_owned());
        own.license = released.license.map(str::to_owned);
    }
    let root = binaries.iter().flat_map(|binary| binary.crates.iter().flatten()).find(|one| one.root);
    if let Some(main) = info.and_then(|info| info.main.as_ref()) {
        own.name.clone_from(&main.path);
        let version = program.released.map(|released| format!("v{}", released.version)).or_else(|| version(main));
        let setting = |name: &str| info.and_then(|info| info.settings.get(name)).map_or("", String::as_str);
        // A fat file is for more than one processor.
        let system = (binaries.len() == 1).then(|| (setting("GOOS"), setting("GOARCH")));
        let package = info.map_or("", |info| &info.path);
        own.purl = Some(purl::go_program(&main.path, version.as_deref(), system, package));
        own.version = own.version.or(version);
    } else if let Some(root) = root {
        own.name.clone_from(&root.name);
        own.version = own.version.or_else(|| Some(root.version.clone()));
    }
    own
}

/// The version of a module, unless it is a folder of the machine that built it.
fn version(module: &Module) -> Option<String> {
    Some(&module.version).filter(|version| !version.is_empty() && *version != "(devel)").cloned()
}

fn go(sbom: &mut Sbom, program: &str, info: &BuildInfo, known: &Program<'_>) {
    let graph = known.graph;
    let part = |module| (module, self::module(module, known.licenses));
    let parts: Vec<(&Module, Component)> = info.modules.iter().map(part).collect();
    let ids: BTreeMap<&str, &str> =
        parts.iter().map(|(module, part)| (module.path.as_str(), part.id.as_str())).collect();
    let standard = toolchain_part("stdlib", Role::Library, &info.go_version);
    let required = |path: &str, version: &str| -> Option<BTreeSet<String>> {
        let paths = graph?.required(path, version)?;
        Some(paths.iter().filter_map(|path| ids.get(path.as_str())).map(|id| (*id).to_owned()).collect())
    };
    let mut reached = BTreeSet::new();
    for (module, part) in &parts {
        if let Some(required) = required(&module.path, &module.version) {
            let required = required.into_iter().filter(|id| *id != part.id).collect::<BTreeSet<_>>();
            reached.extend(required.iter().cloned());
            sbom.depends.entry(part.id.clone()).or_default().extend(required);
        }
    }
    // What the graph does not know is in the program all the same.
    let direct = info.main.as_ref().and_then(|main| required(&main.path, &main.version));
    let is_direct = |id: &String| direct.as_ref().is_none_or(|direct| direct.contains(id)) || !reached.contains(id);
    for (_, part) in parts {
        if is_direct(&part.id) {
            sbom.add(program, part);
        } else {
            sbom.parts.entry(part.id.clone()).or_insert(part);
        }
    }
    sbom.add(program, standard);
    let toolchain = toolchain_part("toolchain", Role::Toolchain, &info.go_version);
    sbom.parts.entry(toolchain.id.clone()).or_insert(toolchain);
}

/// `stdlib` and `toolchain` are what the Go vulnerability database calls them.
fn toolchain_part(name: &str, role: Role, go_version: &str) -> Component {
    // Behind a blank stand experiments.
    let word = go_version.split(' ').next().unwrap_or(go_version);
    let plain = word.strip_prefix("go").filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let version = if plain.is_some() { word } else { go_version };
    let mut part = Component::new(format!("{name}@{version}"), role, name);
    part.version = Some(version.to_owned());
    part.purl = plain.map(|plain| purl::go(name, Some(plain)));
    // The `LICENSE` of Go's own releases; who builds another Go may say otherwise.
    let release = plain.is_some_and(|plain| plain.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.'));
    part.license = release.then(|| "BSD-3-Clause".to_owned());
    part
}

fn module(module: &Module, licenses: Option<&Licenses>) -> Component {
    let real = module.effective();
    // Of a replacement by a folder only the folder's name on the machine that built it is known.
    let local = module.replace.is_some() && version(real).is_none();
    let named = if local { module } else { real };
    let id = if local { format!("{}=>{}", module.path, real.path) } else { format!("{}@{}", real.path, real.version) };
    let mut part = Component::new(id, Role::Library, &named.path);
    part.version = version(named);
    if !local {
        part.purl = Some(purl::go(&named.path, part.version.as_deref()));
        part.license = licenses.and_then(|all| all.of(&real.path, &real.version)).map(str::to_owned);
        part.digest = real.sum.as_deref().and_then(module_digest);
        part.properties.extend(real.sum.iter().map(|sum| ("sealift:go:sum".to_owned(), sum.clone())));
    }
    if local {
        part.properties.insert("sealift:go:replaced-by-folder".to_owned(), real.path.clone());
    } else if module.replace.is_some() {
        part.properties.insert("sealift:go:replaces".to_owned(), format!("{}@{}", module.path, module.version));
    }
    part
}

fn rust(sbom: &mut Sbom, program: &str, crates: &[Crate]) {
    let ids: Vec<String> = crates
        .iter()
        .enumerate()
        // The same crate may be in a program from two sources.
        .map(|(index, one)| match (one.root, one.source.as_str()) {
            (true, _) => program.to_owned(),
            (_, "crates.io") => format!("crate:{}@{}", one.name, one.version),
            (_, source) => format!("crate:{}@{} ({source} {index})", one.name, one.version),
        })
        .collect();
    for (one, id) in crates.iter().zip(&ids) {
        let depends = one.dependencies.iter().map(|index| ids[*index].clone()).filter(|other| other != id);
        sbom.depends.entry(id.clone()).or_default().extend(depends);
        if one.root {
            continue;
        }
        let role = if one.build { Role::Toolchain } else { Role::Library };
        let mut part = Component::new(id, role, &one.name);
        part.version = Some(one.version.clone());
        // Of a crate from elsewhere the list does not tell from where, and its name may be another one's on crates.io.
        if one.source == "crates.io" {
            part.purl = Some(purl::cargo(&one.name, &one.version));
        }
        part.properties.insert("sealift:rust:source".to_owned(), one.source.clone());
        sbom.parts.entry(id.clone()).or_insert(part);
    }
}
