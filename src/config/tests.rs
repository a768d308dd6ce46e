//! The whole reader, against files that are right and files that are wrong.
#![allow(clippy::disallowed_methods, reason = "a test makes and looks at the files itself")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use proptest::strategy::{Strategy, ValueTree};
use serde_json::{Value, json};

use super::keys::{Key, ROOT, Shape, Table, Text, tables};
use super::*;
use crate::error::{Fault, Kind};
use crate::host::env::Env;

fn host(dir: &Path) -> Host {
    Host::with_env(Env::of(dir.to_owned(), [("HOME", "/home/somebody")]))
}

fn fallback() -> Fallback {
    let source = Some("https://example.com/found".to_owned());
    Fallback { name: "found".into(), name_from: "go.mod", source, source_from: "git remote" }
}

/// Reads a text as `sealift.toml` of a project in `/project`.
fn read(text: &str) -> Result<File, ConfigError> {
    let contents = written::read(FILE_NAME, text).map_err(ConfigError::Invalid)?;
    Ok(File { root: PathBuf::from("/project"), name: FILE_NAME.into(), text: text.to_owned(), contents })
}

fn loaded_with(text: &str, overrides: &Overrides) -> Result<Loaded, ConfigError> {
    read(text)?.resolve(&host(Path::new("/project")), &fallback, overrides)
}

fn loaded(text: &str) -> Result<Loaded, ConfigError> {
    loaded_with(text, &Overrides::default())
}

fn fixtures(kind: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(kind);
    let mut files: Vec<(String, String)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_bad_file_is_refused_at_its_place_with_its_hint() {
    let files = fixtures("bad");
    assert!(files.len() >= 30, "only {} files", files.len());
    let mut differ = String::new();
    for (name, text) in files {
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
        assert!(!expected.is_empty(), "{name} expects nothing");
        let problems = match loaded(&text) {
            Err(ConfigError::Invalid(problems)) => problems,
            other => panic!("{name}: {:?}", other.map(|_| "accepted")),
        };
        let found: Vec<&Problem> = problems.iter().collect();
        let fits = |problem: &Problem, expected: &str| {
            let mut words = expected.splitn(3, ' ');
            let place = format!("{}:{}", problem.place.line, problem.place.column);
            words.next() == Some(problem.code)
                && words.next() == Some(&place)
                && problem.hint.as_deref().unwrap_or("").contains(words.next().unwrap_or(""))
        };
        if found.len() != expected.len()
            || !found.iter().zip(&expected).all(|(problem, expected)| fits(problem, expected))
        {
            writeln!(differ, "{name} expects {expected:#?} and is refused with").unwrap();
            for problem in found {
                let Problem { code, place, message, hint } = problem;
                writeln!(differ, "  {code} {}:{} {hint:?} {message}", place.line, place.column).unwrap();
            }
        }
    }
    assert!(differ.is_empty(), "{differ}");
}

#[test]
fn every_good_file_resolves_to_what_stands_beside_it() {
    for (name, text) in fixtures("good") {
        let Loaded { config, origins, .. } = loaded(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut rows = String::new();
        for Row { key, value, origin } in origins.rows(&config) {
            writeln!(rows, "{key} = {value}  # {origin}").unwrap();
        }
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/good").join(&name);
        let expected = std::fs::read_to_string(beside.with_extension("expected")).unwrap_or_default();
        assert!(rows == expected.replace("\r\n", "\n"), "{name} resolves to\n{rows}");
    }
}

/// A document with one key of one table set to a value, and what else that table needs.
fn document(header: &str, key: &Key, value: &str) -> String {
    let header = header.replace("PATTERN", "linux/*");
    let line = format!("{} = {value}\n", key.name);
    match header.strip_prefix("service") {
        // A prebuilt service needs more than its kind, and a service's name must not be the example's own.
        Some("") if key.name == "kind" => format!("[[service]]\nname = \"x\"\npath = \"x\"\n{line}"),
        Some("") if key.name == "name" => format!("[[service]]\n{line}"),
        Some("") => format!("[[service]]\nname = \"x\"\n{line}"),
        Some(_) => format!("[[service]]\nname = \"x\"\n[{header}]\n{line}"),
        None if header == "registry" => match key.name {
            "host" => format!("[[registry]]\n{line}"),
            "client-cert" => format!("[[registry]]\nhost = \"x\"\nclient-key = \"x\"\n{line}"),
            "client-key" => format!("[[registry]]\nhost = \"x\"\nclient-cert = \"x\"\n{line}"),
            _ => format!("[[registry]]\nhost = \"x\"\n{line}"),
        },
        None => format!("[{header}]\n{line}"),
    }
}

/// Every key that holds a value, with the header of its table.
fn leaves() -> Vec<(String, &'static Key)> {
    let leaf = |(header, table): (String, &'static Table)| {
        table.keys.iter().filter(|key| key.table().is_none()).map(move |key| (header.clone(), key)).collect::<Vec<_>>()
    };
    tables().into_iter().flat_map(leaf).collect()
}

fn everything(text: &str) -> Value {
    let config = loaded(text).unwrap_or_else(|error| panic!("{text}\n{error:?}")).config;
    serde_json::to_value(config).unwrap()
}

#[test]
fn every_key_of_the_table_changes_the_configuration() {
    for (header, key) in leaves() {
        let with = document(&header, key, key.example);
        let without = match (header.as_str(), key.name) {
            // What is required, and what comes with another key, does not go alone.
            ("registry", "host") => String::new(),
            ("registry", "client-cert" | "client-key") => "[[registry]]\nhost = \"x\"\n".to_owned(),
            _ => with.replace(&format!("{} = {}\n", key.name, key.example), ""),
        };
        assert!(with != without, "{with}");
        assert!(everything(&with) != everything(&without), "[{header}] {} changes nothing", key.name);
    }
}

#[test]
fn what_is_documented_as_the_default_is_the_default() {
    let literal = |key: &&(String, &'static Key)| key.1.default.parse::<toml_edit::Value>().is_ok();
    let keys: Vec<(String, &'static Key)> = leaves().into_iter().filter(|key| literal(&key)).collect();
    assert!(keys.len() >= 18, "only {}", keys.len());
    for (header, key) in keys {
        let with = document(&header, key, key.default);
        let without = with.replace(&format!("{} = {}\n", key.name, key.default), "");
        assert_eq!(everything(&with), everything(&without), "[{header}] {}", key.name);
    }
}

#[test]
fn every_key_refuses_another_type_at_its_place() {
    for (header, key) in leaves() {
        let text = document(&header, key, "1979-05-27");
        let error = loaded(&text).map(|_| ()).unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((error.code(), error.kind()), ("config.type", Kind::Config), "{text}");
        assert!(place.text.starts_with(key.name), "{text}{place}");
        assert_eq!(place.column, key.name.len() + 4, "{text}{place}");
        assert_eq!(place.length, "1979-05-27".len(), "{text}{place}");
    }
}

#[test]
fn every_key_is_described_once_and_in_one_line() {
    for (header, table) in tables() {
        let names: std::collections::BTreeSet<&str> = table.keys.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), table.keys.len(), "[{header}]");
        for key in table.keys {
            assert!(!key.text.is_empty() && !key.text.contains('\n'), "[{header}] {}", key.name);
            assert!(key.table().is_some() || !key.default.is_empty(), "[{header}] {}", key.name);
        }
    }
}

/// What an editor is told to be right is right: texts that a pattern of the schema describes are accepted. Paths,
/// flags and templates have rules beyond any expression, so their patterns only guide.
#[test]
fn texts_that_the_schema_describes_are_accepted() {
    let exact = [Text::GoVersion, Text::TagPrefix, Text::Tag, Text::Line];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for (header, key) in leaves() {
        let (kind, list) = match key.shape {
            Shape::Text(kind) => (kind, false),
            Shape::List(kind) => (kind, true),
            _ => continue,
        };
        let Some(pattern) = kind.pattern().filter(|_| exact.contains(&kind)) else { continue };
        let pattern = pattern.trim_start_matches('^').trim_end_matches('$').replace("\\u0000-\\u001f", "\\x00-\\x1f");
        let strategy = proptest::string::string_regex(&pattern).unwrap();
        let mut tried = 0;
        while tried < 40 {
            let text = strategy.new_tree(&mut runner).unwrap().current();
            let awkward = text.contains("..") || text.contains("//") || text.contains("/.") || text.contains(".lock/");
            if (kind == Text::TagPrefix && awkward) || text.chars().any(char::is_control) {
                continue;
            }
            tried += 1;
            let value = toml_edit::Value::from(text.as_str()).to_string();
            let value = if list { format!("[{value}]") } else { value };
            let document = document(&header, key, &value);
            assert!(loaded(&document).is_ok(), "{document}");
        }
    }
}

/// Checks a value against the keywords that our schema uses; an unknown keyword is a bug of this checker.
fn accepts(schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$id" | "title" | "description" | "pattern" | "propertyNames" => true,
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            other => panic!("type {other}"),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "anyOf" => rule.as_array().unwrap().iter().any(|rule| accepts(rule, value)),
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "uniqueItems" => {
            value.as_array().is_none_or(|items| (1..items.len()).all(|at| !items[..at].contains(&items[at])))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| accepts(rule, item))),
        "properties" => value.as_object().is_none_or(|object| {
            object.iter().all(|(name, value)| rule.get(name).is_none_or(|rule| accepts(rule, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|object| {
            let known = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
            object.iter().all(|(name, value)| known(name) || (rule.is_object() && accepts(rule, value)))
        }),
        other => panic!("keyword {other}"),
    })
}

fn to_json(item: &toml_edit::Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(name, item)| (name.to_owned(), to_json(item))).collect();
    }
    if let Some(tables) = item.as_array_of_tables() {
        return tables.iter().map(|table| to_json(&toml_edit::Item::Table(table.clone()))).collect();
    }
    match item.as_value().unwrap() {
        toml_edit::Value::String(text) => json!(text.value()),
        toml_edit::Value::Integer(number) => json!(number.value()),
        toml_edit::Value::Boolean(value) => json!(value.value()),
        toml_edit::Value::Array(array) => {
            array.iter().map(|value| to_json(&toml_edit::Item::Value(value.clone()))).collect()
        }
        _ => Value::Null,
    }
}

fn as_json(text: &str) -> Option<Value> {
    toml_edit::Document::parse(text).ok().map(|document| to_json(document.as_item()))
}

#[test]
fn the_schema_agrees_with_the_reader() {
    let schema = schema();
    for (name, text) in fixtures("good") {
        assert!(accepts(&schema, &as_json(&text).unwrap()), "{name}");
    }
    for (header, key) in leaves() {
        let text = document(&header, key, key.example);
        assert!(accepts(&schema, &as_json(&text).unwrap()), "{text}");
        let text = document(&header, key, "1979-05-27");
        assert!(!accepts(&schema, &as_json(&text).unwrap()), "{text}");
    }
    let mut refused = 0;
    for (name, text) in fixtures("bad") {
        let Some(document) = as_json(&text) else { continue };
        if text.contains("# expect: config.unknown-key") || text.contains("# expect: config.type") {
            assert!(!accepts(&schema, &document), "{name}");
            refused += 1;
        }
    }
    assert!(refused >= 15, "only {refused}");
}

#[test]
fn the_reference_has_every_key_and_well_formed_rows() {
    let reference = reference();
    for (header, key) in leaves().into_iter().filter(|(header, _)| !header.starts_with("service.")) {
        let several = ["service", "registry"].contains(&header.as_str());
        let title = if several { format!("[[{header}]]") } else { format!("[{header}]") };
        let section = reference.split("### ").find(|section| section.starts_with(&format!("`{title}`"))).unwrap();
        let row = section.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name)));
        assert!(row.is_some_and(|row| row.contains(key.text)), "[{header}] {}", key.name);
    }
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(reference.lines().filter(|line| line.starts_with('|')).all(|line| cells(line) == 6));
    assert_eq!(ROOT.keys.len(), 12);
}

#[test]
fn the_command_line_comes_first_and_is_named_as_the_origin() {
    let text = "[[service]]\nname = \"api\"\nbuild.targets = [\"linux/386\"]\n[[service]]\nname = \"web\"\n";
    let overrides = Overrides {
        targets: Some(vec!["linux/arm64".parse().unwrap()]),
        services: vec!["api".into()],
        key: Some("/k".into()),
    };
    let Loaded { config, origins, .. } = loaded_with(text, &overrides).unwrap();
    let names: Vec<&str> = config.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["api"]);
    assert_eq!(config.services[0].settings.build.targets[0].text(), "linux/arm64");
    assert_eq!(origins.of("build.targets"), Origin::CommandLine);
    assert_eq!(origins.of("service.api.build.targets"), Origin::Default);
    assert_eq!(origins.of("attest.key").to_string(), "command line");
    let wrong = Overrides { services: vec!["wbe".into()], ..Overrides::default() };
    let error = loaded_with(text, &wrong).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("config.no-service", Kind::Usage));
    assert_eq!(error.hint().as_deref(), Some("did you mean web?"));
}

#[test]
fn the_cache_is_the_variables_then_the_files_then_the_users() {
    let at = |text: &str, vars: &[(&str, &str)]| {
        let host = Host::with_env(Env::of(PathBuf::from("/start"), vars.iter().copied()));
        let loaded = read(text).unwrap().resolve(&host, &fallback, &Overrides::default());
        loaded.map(|loaded| (loaded.config.cache, loaded.origins.of("cache.dir").to_string()))
    };
    let file = "[cache]\ndir = \"c\"\n";
    let both = [("SEALIFT_CACHE", "/v"), ("HOME", "/home/somebody")];
    assert_eq!(at(file, &both).unwrap(), ("/v".into(), "environment SEALIFT_CACHE".into()));
    assert_eq!(at(file, &[("SEALIFT_CACHE", "v")]).unwrap().0, PathBuf::from("/start/v"));
    assert_eq!(at(file, &[]).unwrap(), ("/project/c".into(), "sealift.toml:2:1".into()));
    let home = [("XDG_CACHE_HOME", "/x"), ("LocalAppData", "/x"), ("HOME", "/x")];
    let (cache, origin) = at("", &home).unwrap();
    assert!(cache.ends_with("sealift") && origin == "default");
    assert_eq!(at("", &[]).unwrap_err().code(), "config.no-cache");
    assert_eq!(at("", &[("SEALIFT_CACHE", "/a\nb")]).unwrap_err().code(), "config.cache-variable");
}

#[test]
fn a_found_name_that_names_no_file_is_refused() {
    let odd = || Fallback { name: "a/b".into(), ..fallback() };
    let error = read("").unwrap().resolve(&host(Path::new("/p")), &odd, &Overrides::default()).unwrap_err();
    assert_eq!(error.code(), "config.project-name");
    assert!(error.to_string().contains("go.mod"), "{error}");
}

#[test]
fn the_file_is_found_up_to_the_top_of_the_repository_and_no_further() {
    let temp = tempfile::tempdir().unwrap();
    let at = |path: &str| temp.path().join(path);
    std::fs::create_dir_all(at("repo/sub/deep")).unwrap();
    std::fs::write(at(FILE_NAME), "[project]\nname = \"stranger\"\n").unwrap();
    let find = |dir: &str, explicit: Option<&str>| {
        load(&host(&at(dir)), Path::new("."), explicit.map(Path::new))
            .map(|file| (file.root().to_owned(), file.name().map(str::to_owned)))
    };
    // Without a repository the parents do not count, whoever owns them.
    assert_eq!(find("repo/sub", None).unwrap().1, None);
    std::fs::write(at("repo/.git"), "gitdir: elsewhere\n").unwrap();
    let (root, name) = find("repo/sub/deep", None).unwrap();
    assert_eq!((root.as_path(), name), (at("repo").as_path(), None));
    std::fs::write(at("repo/sealift.toml"), "[project]\nname = \"ours\"\n").unwrap();
    let (root, name) = find("repo/sub/deep", None).unwrap();
    assert_eq!((root.as_path(), name.as_deref()), (at("repo").as_path(), Some("../../sealift.toml")));
    assert_eq!(find("repo", None).unwrap().1.as_deref(), Some("sealift.toml"));
    assert_eq!(find("repo/sub", Some("../../sealift.toml")).unwrap().0, temp.path().join("repo/sub/./../.."));
    assert_eq!(find("repo", Some("other.toml")).unwrap_err().code(), "config.missing-file");
    assert_eq!(find("repo", Some("sub")).unwrap_err().code(), "config.not-a-file");
}

#[test]
fn a_hostile_file_costs_little() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join(FILE_NAME);
    let check = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        let host = host(temp.path());
        load(&host, temp.path(), None).and_then(|file| file.resolve(&host, &fallback, &Overrides::default()))
    };
    let code = |text: &[u8]| check(text).map_or_else(|error| error.code(), |_| "accepted");
    assert_eq!(code(&vec![b'#'; (1 << 20) + 1]), "file.too-large");
    assert_eq!(code(b"a = \xff"), "file.not-text");
    assert_eq!(code(format!("a = {}", "[".repeat(500_000)).as_bytes()), "config.syntax");
    assert_eq!(code("[[service]]\n".repeat(80_000).as_bytes()), "config.value");
    assert_eq!(code(format!("[build]\ntags = [{}]", "\"a\",".repeat(200_000)).as_bytes()), "config.value");
    let names: String = (0..50_000).map(|n| format!("A{n} = \"\"\n")).collect();
    assert_eq!(code(format!("[build.env]\n{names}").as_bytes()), "config.value");
    let many: String = (0..60_000).map(|n| format!("k{n} = 1\n")).collect();
    let error = check(many.as_bytes()).map(|_| ()).unwrap_err();
    assert!(error.detail().unwrap().ends_with("and 59950 more"));
    assert_eq!(code(format!("{} = 1", "t".repeat(1_000_000)).as_bytes()), "config.unknown-key");
    let long = format!("[build]\ntargets = [\"{}\"]", "linux/".repeat(100_000));
    assert_eq!(code(long.as_bytes()), "config.target");
}

#[test]
fn rules_for_targets_decide_in_their_order() {
    let text = "[build]\ntags = [\"all\"]\nenv = { A = \"1\", B = \"1\" }\n\
        [build.target.\"linux/*\"]\ntags = [\"linux\"]\nenv = { A = \"2\" }\n\
        [build.target.\"*/arm64\"]\ncgo = true\n\
        [package]\nformats = { \"linux/arm64\" = [\"zip\"] }\n";
    let settings = loaded(text).unwrap().config.defaults;
    let compile = |target: &str| settings.build.for_target(&target.parse().unwrap());
    let arm = compile("linux/arm64");
    assert_eq!(
        (arm.tags, arm.cgo, arm.env["A"].as_str(), arm.env["B"].as_str()),
        (vec!["linux".into()], true, "2", "1")
    );
    let darwin = compile("darwin/arm64");
    assert_eq!((darwin.tags, darwin.cgo, darwin.env["A"].as_str()), (vec!["all".into()], true, "1"));
    let formats = |target: &str| settings.package.formats_for(&target.parse().unwrap())[0].to_string();
    let chosen = ["linux/arm64", "linux/amd64", "windows/amd64"].map(formats);
    assert_eq!(chosen, ["zip", "tar.gz", "zip"]);
}
