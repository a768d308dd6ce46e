//! `go list -deps`, asked once for all commands of a module on one target.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Listing, Module, Package, SourceError};
use crate::command::Command;
use crate::host::Host;

/// The fields that are asked for: without a list, go computes all of them.
const FIELDS: &str = "ImportPath,Dir,Name,Standard,DepOnly,Module,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,\
                      SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,Imports,ImportMap,DefaultGODEBUG,Error";

/// What to ask.
#[derive(Clone, Debug)]
pub struct Query {
    /// The go command.
    pub program: PathBuf,
    /// Where it runs: the module's or workspace's folder.
    pub dir: PathBuf,
    /// Its whole environment, target included.
    pub env: BTreeMap<String, String>,
    /// `-mod=…` and `-tags=…`.
    pub flags: Vec<String>,
    /// Package patterns.
    pub patterns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Answer {
    import_path: String,
    dir: PathBuf,
    name: String,
    standard: bool,
    dep_only: bool,
    module: Option<AnswerModule>,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    c_files: Vec<String>,
    #[serde(rename = "CXXFiles")]
    cxx_files: Vec<String>,
    m_files: Vec<String>,
    h_files: Vec<String>,
    f_files: Vec<String>,
    s_files: Vec<String>,
    swig_files: Vec<String>,
    #[serde(rename = "SwigCXXFiles")]
    swig_cxx_files: Vec<String>,
    syso_files: Vec<String>,
    embed_files: Vec<String>,
    imports: Vec<String>,
    import_map: BTreeMap<String, String>,
    #[serde(rename = "DefaultGODEBUG")]
    default_godebug: String,
    error: Option<AnswerError>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerModule {
    path: String,
    version: String,
    sum: String,
    dir: PathBuf,
    go_version: String,
    main: bool,
    replace: Option<Box<AnswerModule>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerError {
    pos: String,
    err: String,
}

/// Asks. Packages that cannot be loaded are listed with their error: they may not belong to any wanted command.
pub fn list(host: &Host, query: &Query) -> Result<Listing, SourceError> {
    let command = Command::new(&query.program, &query.dir)
        .args(["list", "-e", "-deps"])
        .args(query.flags.clone())
        .args([format!("-json={FIELDS}"), "--".to_owned()])
        .args(query.patterns.clone())
        .envs(query.env.clone());
    let finished =
        host.run(&command).map_err(|source| SourceError::List { dir: query.dir.display().to_string(), source })?;
    let answers = serde_json::Deserializer::from_slice(&finished.stdout).into_iter::<Answer>();
    let mut packages = Vec::new();
    for answer in answers {
        let answer = answer.map_err(SourceError::Answer)?;
        if !answer.standard {
            packages.push(Package::from(answer));
        }
    }
    Ok(Listing { packages })
}

impl From<Answer> for Package {
    fn from(answer: Answer) -> Self {
        let embeds = !answer.embed_files.is_empty();
        let groups = [
            answer.go_files,
            answer.cgo_files,
            answer.c_files,
            answer.cxx_files,
            answer.m_files,
            answer.h_files,
            answer.f_files,
            answer.s_files,
            answer.swig_files,
            answer.swig_cxx_files,
            answer.syso_files,
            answer.embed_files,
        ];
        // Imports are named as they are written; a vendored one is found under another path.
        let imports = answer.imports.into_iter().map(|path| answer.import_map.get(&path).cloned().unwrap_or(path));
        Self {
            main: answer.name == "main" && !answer.dep_only,
            import_path: answer.import_path,
            dir: answer.dir,
            files: groups.into_iter().flatten().collect(),
            embeds,
            module: answer.module.map(Module::from),
            imports: imports.collect(),
            godebug: answer.default_godebug,
            error: answer.error.map(|error| match error.pos.as_str() {
                "" => error.err,
                pos => format!("{pos}: {}", error.err),
            }),
        }
    }
}

impl From<AnswerModule> for Module {
    fn from(module: AnswerModule) -> Self {
        let replace = module.replace.map(|replace| *replace);
        let replaced_by = replace.as_ref().map_or(String::new(), |replace| {
            // A local replacement is known by its files; its path is where somebody's work tree lies.
            if replace.version.is_empty() { "local".into() } else { format!("{} {}", replace.path, replace.version) }
        });
        let local = module.main || replace.as_ref().is_some_and(|replace| replace.version.is_empty());
        let sum = replace.as_ref().map_or(module.sum, |replace| replace.sum.clone());
        Self {
            path: module.path,
            version: if local && module.main { String::new() } else { module.version },
            sum: if local { String::new() } else { sum },
            dir: replace.map_or(module.dir, |replace| replace.dir),
            go: module.go_version,
            replaced_by,
        }
    }
}
