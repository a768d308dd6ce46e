//! Known vulnerabilities, found in programs that the real go command linked.

mod documents;
mod each;
mod fix;
mod places;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

// What the functions do depends on the run: a call whose result is known when it is compiled leaves nothing behind.
const MAIN: &str = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\t\"example.com/parse\"\n\t\"example.com/quiet\"\n)\n\n\
                    func main() { fmt.Println(parse.Parse(os.Args[0]), quiet.Hush(len(os.Args))) }\n";
const PARSE: &str = "package parse\n\nfunc Parse(text string) (sum int) {\n\tfor _, c := range text {\n\t\tsum += int(c)\n\t}\n\
                     \treturn sum\n}\n\nfunc Unused(text string) int { return 2 * Parse(text) }\n";
const QUIET: &str = "package quiet\n\nfunc Hush(n int) (sum int) {\n\tfor i := 0; i < n; i++ {\n\t\tsum += i * i\n\t}\n\
                     \treturn sum\n}\n";

/// A project with two modules in `vendor/`, so that they have versions without a network.
fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("main.go", MAIN),
        ("vendor/example.com/parse/parse.go", PARSE),
        ("vendor/example.com/quiet/quiet.go", QUIET),
        (
            "vendor/modules.txt",
            "# example.com/parse v1.2.0\n## explicit; go 1.20\nexample.com/parse\n\
             # example.com/quiet v0.5.0\n## explicit; go 1.20\nexample.com/quiet\n",
        ),
    ]);
    let go = sandbox.read("go.mod");
    sandbox.write("go.mod", &format!("{go}\nrequire (\n\texample.com/parse v1.2.0\n\texample.com/quiet v0.5.0\n)\n"));
    sandbox.commit("modules");
    database(&sandbox, &records());
    sandbox
}

/// The project's program as `app`.
fn built() -> Sandbox {
    let sandbox = project();
    sandbox.go(&["build", "-o", "app", "."]);
    sandbox
}

fn record(id: &str, module: &str, events: &Value, imports: &Value) -> Value {
    json!({
        "schema_version": "1.3.1", "id": id, "modified": now(), "summary": format!("About {id}"),
        "aliases": [id.replace("GO", "CVE")],
        "affected": [{
            "package": { "name": module, "ecosystem": "Go" },
            "ranges": [{ "type": "SEMVER", "events": events }],
            "ecosystem_specific": { "imports": imports },
        }],
    })
}

fn records() -> Vec<Value> {
    let parse = |symbol: &str| json!([{ "path": "example.com/parse", "symbols": [symbol] }]);
    let zero = |fixed: &str| json!([{ "introduced": "0" }, { "fixed": fixed }]);
    let mut scored = record("GO-2030-0001", "example.com/parse", &zero("1.2.5"), &parse("Parse"));
    scored["severity"] = json!([{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N" }]);
    let mut withdrawn = record("GO-2030-0004", "example.com/parse", &zero("1.2.5"), &parse("Parse"));
    withdrawn["withdrawn"] = json!("2024-01-01T00:00:00Z");
    let mut everywhere = record("GO-2030-0005", "example.com/quiet", &json!([]), &json!([]));
    everywhere["affected"][0].as_object_mut().unwrap().remove("ranges");
    let on_windows = json!([{ "path": "example.com/parse", "symbols": ["Parse"], "goos": ["windows"] }]);
    vec![
        scored,
        record("GO-2030-0002", "example.com/parse", &zero("1.3.0"), &parse("Unused")),
        record("GO-2030-0003", "example.com/parse", &zero("1.2.7"), &on_windows),
        withdrawn,
        everywhere,
        record("GO-2030-0006", "stdlib", &zero("1.99.0"), &json!([{ "path": "fmt", "symbols": ["Println"] }])),
        record("GO-2030-0007", "example.com/parse", &json!([{ "introduced": "1.2.1" }]), &parse("Parse")),
    ]
}

fn now() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Writes a database in the layout of the Go vulnerability database to `db/`.
fn database(sandbox: &Sandbox, records: &[Value]) {
    let mut modules: std::collections::BTreeMap<&str, Vec<Value>> = std::collections::BTreeMap::new();
    for record in records {
        let module = record["affected"][0]["package"]["name"].as_str().unwrap();
        modules.entry(module).or_default().push(json!({ "id": record["id"], "modified": record["modified"] }));
        sandbox.write(&format!("db/ID/{}.json", record["id"].as_str().unwrap()), &record.to_string());
    }
    let modules: Vec<Value> = modules.iter().map(|(path, vulns)| json!({ "path": path, "vulns": vulns })).collect();
    sandbox.write("db/index/modules.json", &json!(modules).to_string());
    sandbox.write("db/index/db.json", &json!({ "modified": now() }).to_string());
}

/// What `--json` says of the findings of the only program: identifier, presence, functions, fix.
fn findings(sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, String, Vec<String>, String)> {
    let run = sandbox.ok(&[&["scan", "--json", "--fail", "none"], arguments].concat());
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let programs = last["product"]["programs"].as_array().unwrap();
    assert_eq!(programs.len(), 1, "{last}");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let functions = |finding: &Value| {
        finding["symbols"].as_array().unwrap().iter().map(|one| text(&one["name"])).collect::<Vec<_>>()
    };
    let found = programs[0]["findings"].as_array().unwrap().iter();
    found.map(|one| (text(&one["id"]), text(&one["presence"]), functions(one), text(&one["fixed"]))).collect()
}

fn expected() -> Vec<(String, String, Vec<String>, String)> {
    [
        ("GO-2030-0001", "present", vec!["Parse"], "v1.2.5"),
        ("GO-2030-0002", "absent", vec![], "v1.3.0"),
        ("GO-2030-0005", "present", vec!["Hush"], "-"),
        ("GO-2030-0006", "present", vec!["Println"], "go1.99.0"),
    ]
    .map(|(id, presence, functions, fixed): (&str, &str, Vec<&str>, &str)| {
        (id.into(), presence.into(), functions.into_iter().map(str::to_owned).collect(), fixed.into())
    })
    .to_vec()
}

#[test]
fn functions_decide_on_every_platform_stripped_or_not() {
    let sandbox = built();
    assert_eq!(findings(&sandbox, &["app", "--database", "db"]), expected());
    sandbox.go(&["build", "-ldflags", "-s -w", "-o", "stripped", "."]);
    assert_eq!(findings(&sandbox, &["stripped", "--database", "db"]), expected());
    let sandbox = sandbox.env("GOOS", "windows").env("GOARCH", "arm64");
    sandbox.go(&["build", "-o", "app.exe", "."]);
    let mut wanted = expected();
    wanted.insert(2, ("GO-2030-0003".into(), "present".into(), vec!["Parse".into()], "v1.2.7".into()));
    assert_eq!(findings(&sandbox, &["app.exe", "--database", "db"]), wanted);
    let run = sandbox.ok(&["scan", "app", "--database", "db", "--json"]);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["product"]["programs"][0]["withdrawn"], json!(["GO-2030-0004"]));
}

#[test]
fn a_zip_and_loose_records_say_the_same_as_a_folder() {
    let sandbox = built();
    let zip = |folder: &str, to: &str| {
        let path = sandbox.path(folder);
        let script = "import os,sys,zipfile\nwith zipfile.ZipFile(sys.argv[2],'w',zipfile.ZIP_DEFLATED) as z:\n for d,_,n in \
                      os.walk(sys.argv[1]):\n  for f in n:\n   p=os.path.join(d,f); z.write(p,os.path.relpath(p,sys.argv[1]))\n";
        let status =
            std::process::Command::new("python3").args(["-c", script]).arg(path).arg(sandbox.path(to)).status();
        assert!(status.unwrap().success());
    };
    zip("db", "db.zip");
    assert_eq!(findings(&sandbox, &["app", "--database", "db.zip"]), expected());
    // Without an index, as RustSec's export is.
    zip("db/ID", "loose.zip");
    assert_eq!(findings(&sandbox, &["app", "--database", "loose.zip"]), expected());
    assert_eq!(findings(&sandbox, &["app", "--database", "db/ID"]), expected());
    assert_eq!(findings(&sandbox, &["app", "--database", "db", "--database", "loose.zip"]), expected());
    let whole = std::fs::read(sandbox.path("db.zip")).unwrap();
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(sandbox.path("torn.zip"), &whole[..length]).unwrap();
        let run = sandbox.run(&["scan", "app", "--database", "torn.zip"]);
        assert_eq!(run.exit, 11, "{length}: {}", run.stderr);
    }
}

#[test]
fn the_gate_closes_whatever_the_output() {
    let sandbox = built();
    let scan = |arguments: &[&str]| sandbox.run(&[&["scan", "app", "--database", "db"], arguments].concat());
    let run = scan(&["--fail", "symbol"]).fails(10, "scan.gate", &["3 known vulnerabilities", "GO-2030-0001"]);
    assert!(run.stderr.contains("go get example.com/parse@v1.2.5 toolchain@go1.99.0"), "{}", run.stderr);
    assert!(!run.stderr.contains("GO-2030-0002  example.com/parse  v1.2.0   v1.3.0    -         closes"));
    scan(&["--fail", "module"]).fails(10, "scan.gate", &["4 known vulnerabilities", "parse@v1.3.0"]).quietly();
    // Those without a score count, that with 5.4 does not.
    scan(&["--fail", "symbol", "--minimum-cvss", "5.5"]).fails(10, "scan.gate", &["2 known"]).quietly();
    scan(&["--fail", "symbol", "--minimum-cvss", "5.4"]).fails(10, "scan.gate", &["3 known"]).quietly();
    scan(&["--minimum-cvss", "11"]).fails(2, "usage.arguments", &["11"]).quietly();
    let run = scan(&["--fail", "symbol", "--json", "--quiet"]);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let report = lines.iter().find(|line| line["type"] == "report").unwrap();
    assert_eq!((run.exit, &report["data"]["closed"]), (10, &json!(true)));
    assert_eq!(lines.last().unwrap()["code"], "scan.gate");
    let documents = ["--sarif", "a.sarif", "--markdown", "a.md", "--openvex", "a.json"];
    assert_eq!(scan(&[&["--fail", "symbol"], &documents[..]].concat()).exit, 10);
    let sarif = sandbox.json("a.sarif");
    let levels: Vec<(&str, &str)> = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["ruleId"].as_str().unwrap(), one["level"].as_str().unwrap()))
        .collect();
    assert_eq!(
        levels,
        [("GO-2030-0001", "error"), ("GO-2030-0002", "note"), ("GO-2030-0005", "error"), ("GO-2030-0006", "error"),]
    );
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["security-severity"], "5.4");
    let markdown = sandbox.read("a.md");
    assert!(markdown.contains("**closed**: 3 of 4") && markdown.contains("| GO-2030-0001&#58; About"), "{markdown}");
    let vex = sandbox.json("a.json");
    let states: Vec<&str> =
        vex["statements"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["affected", "not_affected", "affected", "affected"]);
    assert_eq!(vex["statements"][1]["justification"], "vulnerable_code_not_present");
}

fn vex(id: &str, product: &str, more: &Value) -> String {
    let mut statement = json!({
        "vulnerability": { "name": id }, "products": [{ "@id": product }], "status": "not_affected",
        "justification": "vulnerable_code_cannot_be_controlled_by_adversary", "expires": "2999-01-01T00:00:00Z",
    });
    for (key, value) in more.as_object().unwrap() {
        statement[key] = value.clone();
    }
    let author = if more.get("supplier").is_some() { "" } else { "ann@example.com" };
    let statements = json!([statement]);
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": author, "timestamp": "2026-01-01T00:00:00Z",
        "version": 1, "statements": statements })
    .to_string()
}

#[test]
fn a_statement_excuses_until_it_expires_and_only_what_it_is_about() {
    let sandbox = project();
    // One finding, so that a statement about it opens the gate.
    database(&sandbox, &records()[..2]);
    sandbox.go(&["build", "-o", "app", "."]);
    let scan = |document: &str| {
        sandbox.write("vex.json", document);
        sandbox.run(&["scan", "app", "--database", "db", "--fail", "symbol", "--vex", "vex.json"])
    };
    let ours = "pkg:golang/example.com/m";
    let run = scan(&vex("CVE-2030-0001", ours, &json!({})));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert!(run.stderr.contains("excused by ann@example.com until 2999-01-01"), "{}", run.stderr);
    let part = |name: &str| json!({ "products": [{ "@id": ours, "subcomponents": [{ "@id": name }] }] });
    assert_eq!(scan(&vex("GO-2030-0001", ours, &part("pkg:golang/example.com/parse@v1.2.0"))).exit, 0);
    let lapsed = |document: &str, word: &str| scan(document).fails(10, "scan.gate", &[word]).quietly();
    lapsed(&vex("GO-2030-0001", ours, &json!({ "expires": "2026-01-01T00:00:00Z" })), "expired on 2026-01-01");
    lapsed(&vex("GO-2030-0001", ours, &part("pkg:golang/example.com/parse@v1.1.0")), "take it out");
    lapsed(&vex("GO-1999-0001", ours, &json!({})), "take it out");
    // What is under investigation excuses nothing.
    scan(&vex("GO-2030-0001", ours, &json!({ "status": "under_investigation" }))).fails(10, "scan.gate", &[]).quietly();
    scan(&vex("GO-2030-0001", "pkg:golang/example.com/other", &json!({})))
        .fails(11, "scan.vex-product", &["example.com/other", "example.com/m"])
        .quietly();
    for (more, lacks) in [
        (json!({ "supplier": " " }), "nobody"),
        (json!({ "expires": null }), "has no end"),
        (json!({ "justification": null }), "no reason"),
    ] {
        scan(&vex("GO-2030-0001", ours, &more)).fails(11, "scan.vex-incomplete", &[lacks]).quietly();
    }
    for document in ["", "{}", "[]", "{\"@context\":\"https://example.com\",\"statements\":[]}"] {
        scan(document).fails(11, "scan.vex-form", &["vex.json"]).quietly();
    }
}

#[test]
fn a_database_that_cannot_be_believed_closes_the_gate() {
    let sandbox = built();
    let scan = |place: &str| sandbox.run(&["scan", "app", "--fail", "symbol", "--database", place]);
    scan("nowhere").fails(11, "scan.database-missing", &["nowhere"]).quietly();
    sandbox.write("empty/readme", "");
    scan("empty").fails(11, "scan.not-a-database", &["empty"]).quietly();
    let record = sandbox.read("db/ID/GO-2030-0001.json");
    let damage = |path: &str, text: Option<&str>, code: &str| {
        let whole = sandbox.read(path);
        match text {
            Some(text) => sandbox.write(path, text),
            None => std::fs::remove_file(sandbox.path(path)).unwrap(),
        }
        scan("db").fails(11, code, &[]).quietly();
        sandbox.write(path, &whole);
    };
    damage("db/ID/GO-2030-0001.json", None, "scan.database-incomplete");
    damage("db/index/modules.json", None, "scan.database-incomplete");
    damage("db/index/db.json", None, "scan.database-incomplete");
    damage("db/index/modules.json", Some("[{\"path\":\"a\""), "scan.database-broken");
    damage(
        "db/index/modules.json",
        Some("[{\"path\":\"stdlib\",\"vulns\":[{\"id\":\"../x\"}]}]"),
        "scan.database-broken",
    );
    damage("db/ID/GO-2030-0001.json", Some(&record[..record.len() / 2]), "scan.record");
    damage(
        "db/ID/GO-2030-0001.json",
        Some(&record.replace("GO-2030-0001\"", "GO-2030-0009\"")),
        "scan.database-broken",
    );
    damage("db/ID/GO-2030-0001.json", Some(&record.replace("1.3.1", "2.0.0")), "scan.schema");
    sandbox.write("db/index/db.json", "{\"modified\":\"2020-01-01T00:00:00Z\"}");
    scan("db").fails(10, "scan.database-stale", &["scan.max-age"]).quietly();
    let run = sandbox.ok(&["scan", "app", "--database", "db"]);
    assert!(run.stderr.contains("days old, and scan.max-age allows 14"), "{}", run.stderr);
    sandbox.write("sealift.toml", "[scan]\nmax-age = 0\nfail = \"symbol\"\ndatabase = [\"db\"]\n");
    sandbox.run(&["scan", "app"]).fails(10, "scan.gate", &[]).quietly();
}

#[test]
fn a_program_that_says_nothing_is_named() {
    let sandbox = project();
    sandbox.write("text", "no program");
    let scan = |path: &str| sandbox.run(&["scan", path, "--database", "db"]);
    scan("text").fails(11, "scan.program", &["text"]).quietly();
    // A Rust program that cargo-auditable did not build: the one that is tested.
    scan(env!("CARGO_BIN_EXE_sealift")).fails(11, "scan.silent", &["cargo auditable"]).quietly();
    sandbox.write("folder/readme", "");
    scan("folder").fails(11, "scan.nothing", &["folder"]).quietly();
    assert_eq!(scan("absent").exit, 6);
}

#[test]
fn a_release_is_judged_before_it_is_sealed_and_again_without_a_build() {
    let sandbox = project();
    let settings = "[build]\ntargets = [\"linux/amd64\", \"windows/amd64\"]\nmod-tidy = false\nmod-verify = false\n";
    sandbox.write("sealift.toml", settings);
    let run = sandbox.ok(&["release", "--snapshot"]);
    assert!(run.stderr.contains("scan not run: no database"), "{}", run.stderr);
    assert_eq!(sandbox.json(".sealift/scan.json"), json!({ "run": false, "why": "no database" }));
    let gated = |fail: &str| sandbox.write("sealift.toml", &format!("{settings}[scan]\nfail = \"{fail}\"\n"));
    gated("module");
    sandbox.run(&["release", "--snapshot"]).fails(10, "scan.no-database", &["--database"]).quietly();
    sandbox.write("sealift.toml", &format!("{settings}[scan]\nfail = \"symbol\"\ndatabase = [\"db\"]\n"));
    let before = sandbox.digests("dist");
    sandbox.run(&["release", "--snapshot"]).fails(10, "scan.gate", &["GO-2030-0003"]).quietly();
    assert_eq!(sandbox.digests("dist"), before, "nothing is sealed behind a closed gate");
    assert_eq!(sandbox.json(".sealift/scan.json")["closed"], true);
    // Nor by whoever runs the stages one by one.
    let (key, _) = sandbox.key();
    for stage in ["package", "sbom"] {
        sandbox.ok(&[stage, "--snapshot"]).quietly();
    }
    let before = sandbox.digests("dist");
    sandbox.run(&["attest", "--snapshot", "--key", &key]).fails(10, "scan.gate", &["GO-2030-0003"]).quietly();
    assert_eq!(sandbox.digests("dist"), before);
    sandbox.write("sealift.toml", &format!("{settings}[scan]\ndatabase = [\"db\"]\n"));
    sandbox.ok(&["attest", "--snapshot", "--key", &key]).quietly();
    let dist = sandbox.digests("dist");
    assert!(dist.keys().any(|name| name.ends_with(".vex.json")), "{dist:?}");
    // Yesterday's release, by what is known today.
    let run = sandbox.ok(&["scan", "--fail", "none", "--json"]);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let programs = last["product"]["programs"].as_array().unwrap();
    let counts: Vec<usize> = programs.iter().map(|one| one["findings"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [4, 5], "{last}");
}

/// What hides what is in it is told in every form, and closes a gate where it may be a program that is looked for.
#[test]
fn programs_that_cannot_be_looked_into_are_told_and_close_the_gate() {
    let sandbox = built();
    database(&sandbox, &records()[..1]);
    sandbox.write("db/index/modules.json", "[]");
    let scan =
        |more: &[&str]| sandbox.run(&[&["scan", "folder", "--database", "db", "--fail", "symbol"], more].concat());
    let bytes = std::fs::read(sandbox.path("app")).unwrap();
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    std::fs::write(sandbox.path("folder/whole"), &bytes).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_sealift"), sandbox.path("folder/other")).unwrap();
    let told = |run: &crate::sandbox::Run| -> Vec<(String, bool)> {
        let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
        let silent = last["product"]["silent"].as_array().unwrap().iter();
        silent.map(|one| (one["name"].as_str().unwrap().to_owned(), one["closes"].as_bool().unwrap())).collect()
    };
    // A program of another language holds nothing of Go.
    let run = scan(&["--json"]);
    assert_eq!((run.exit, told(&run)), (0, vec![("folder/other".to_owned(), false)]), "{}", run.stderr);
    std::fs::write(sandbox.path("folder/cut"), &bytes[..bytes.len() / 2]).unwrap();
    let words = ["one program that nobody can look into", "folder/cut does not tell what is in it"];
    scan(&[]).fails(10, "scan.gate", &words[1..]).quietly();
    for (form, words) in [("markdown", "folder/cut does not tell"), ("sarif", "toolExecutionNotifications")] {
        let run = scan(&["--format", form]);
        assert!(run.exit == 10 && run.stdout.contains(words), "{} {}", run.stdout, run.stderr);
    }
    assert_eq!(sandbox.run(&["scan", "folder", "--database", "db"]).exit, 0);
}

/// A program that carries another one has the functions of its own, also where only the header of their table tells it.
#[test]
fn a_program_within_a_program_does_not_hide_its_functions() {
    let sandbox = project();
    sandbox.write("tiny/main.go", "package main\n\nfunc main() {}\n");
    let build = |out: &str, what: &str| {
        let mut go = std::process::Command::new("go");
        go.args(["build", "-trimpath", "-ldflags=-s -w", "-o", out, what]).current_dir(sandbox.project()).env_clear();
        let output = go.envs(&sandbox.env).envs([("GOOS", "windows"), ("GOARCH", "amd64")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    build("tiny.exe", "./tiny");
    sandbox.write(
        "embed.go",
        "package main\n\nimport (\n\t_ \"embed\"\n\t\"os\"\n)\n\n//go:embed tiny.exe\nvar tiny string\n\n\
         func init() {\n\tif len(os.Args) > 5 {\n\t\tprintln(tiny)\n\t}\n}\n",
    );
    build("app.exe", ".");
    let found = findings(&sandbox, &["app.exe", "--database", "db"]);
    let present: Vec<&str> =
        found.iter().filter(|(_, presence, ..)| presence == "present").map(|(id, ..)| id.as_str()).collect();
    assert_eq!(present, ["GO-2030-0001", "GO-2030-0003", "GO-2030-0005", "GO-2030-0006"], "{found:?}");
}

/// Serves a folder over HTTP on this machine until it is dropped; says which paths were asked for.
fn serve(folder: &Path) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (folder, (asked, told)) = (folder.to_owned(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else { continue };
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let (status, body) = match std::fs::read(folder.join(path.trim_start_matches('/'))) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            drop(stream.write_all(&[head.as_bytes(), &body].concat()));
            if asked.send(path).is_err() {
                break;
            }
        }
    });
    (address, told)
}

/// A place that answers and never changes is as old as what it says (a mirror that somebody froze).
#[test]
fn a_place_in_the_network_is_as_old_as_what_it_says() {
    let sandbox = built();
    let (address, _told) = serve(&sandbox.path("db"));
    let scan = |more: &[&str]| {
        sandbox.run(&[&["scan", "app", "--fail", "symbol", "--database", address.as_str()], more].concat())
    };
    for (date, code) in
        [("2020-01-01T00:00:00Z", "scan.database-stale"), ("2199-01-01T00:00:00Z", "scan.database-ageless")]
    {
        sandbox.write("db/index/db.json", &json!({ "modified": date }).to_string());
        scan(&[]).fails(10, code, &["scan.max-age"]).quietly();
        scan(&["--offline"]).fails(10, code, &["scan.max-age"]).quietly();
    }
    sandbox.write("db/index/db.json", &json!({ "modified": now() }).to_string());
    scan(&[]).fails(10, "scan.gate", &[]).quietly();
    // A record that was listed and is not there, or only its beginning.
    std::fs::remove_file(sandbox.path("db/ID/GO-2030-0002.json")).unwrap();
    let fresh = sandbox.dir.path().join("fresh").display().to_string();
    let fresh = |code: &str, exit: i32| {
        let mut command = sandbox.command(&["scan", "app", "--fail", "symbol", "--database", &address]);
        let run = crate::sandbox::Run::of(&command.env("SEALIFT_CACHE", &fresh).output().unwrap());
        run.fails(exit, code, &[]).quietly();
    };
    fresh("scan.database-incomplete", 11);
    sandbox.write("db/ID/GO-2030-0002.json", "{\"schema_version\":\"1.3.1\",\"id\":");
    fresh("scan.record", 11);
}

#[test]
fn what_is_fetched_is_kept_and_used_without_a_network() {
    let sandbox = built();
    let (address, told) = serve(&sandbox.path("db"));
    let scan = ["app", "--database", address.as_str()];
    let offline = [&scan[..], &["--offline"]].concat();
    let refused = sandbox.run(&[&["scan"], &offline[..]].concat());
    refused.fails(11, "scan.database-missing", &["without --offline"]).quietly();
    assert_eq!(findings(&sandbox, &scan), expected());
    let first: Vec<String> = told.try_iter().collect();
    assert_eq!(first.iter().filter(|path| path.starts_with("/ID/")).count(), records().len(), "{first:?}");
    // Nothing was changed: only the date is asked for.
    assert_eq!(findings(&sandbox, &scan), expected());
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["/index/db.json"]);
    // A record that was changed is fetched again, and only that one.
    let mut changed = records();
    changed[1]["affected"][0]["ranges"][0]["events"][1]["fixed"] = json!("1.2.0");
    for (record, at) in changed.iter_mut().zip(0..) {
        record["modified"] = json!(if at == 1 {
            "2031-01-01T00:00:00Z".to_owned()
        } else {
            sandbox.json(&format!("db/ID/GO-2030-000{}.json", at + 1))["modified"].as_str().unwrap().to_owned()
        });
    }
    database(&sandbox, &changed);
    sandbox.write("db/index/db.json", "{\"modified\":\"2031-01-01T00:00:00Z\"}");
    let wanted: Vec<_> = expected().into_iter().filter(|(id, ..)| id != "GO-2030-0002").collect();
    assert_eq!(findings(&sandbox, &scan), wanted);
    let again: Vec<String> = told.try_iter().collect();
    assert_eq!(again, ["/index/db.json", "/index/modules.json", "/ID/GO-2030-0002.json"]);
    drop(told);
    assert_eq!(findings(&sandbox, &offline), wanted);
}
