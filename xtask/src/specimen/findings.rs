//! What govulncheck and sealift find in a program, as sets that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Platform, Service, Symbols, Workshop};
use crate::failure::Failure;
use crate::run::Program;
use crate::tools::Folder;

/// The file in a folder of data that is the Go vulnerability database.
pub const DATABASE: &str = "go-vulndb.zip";

/// What was found: record, module, package, function; the last two are empty where only the module is affected.
type Found = BTreeSet<[String; 4]>;

/// Compares findings by one database.
pub struct Judge {
    dir: PathBuf,
    sealift: PathBuf,
    govulncheck: PathBuf,
    zip: PathBuf,
    /// The same, unpacked: govulncheck reads no zip.
    unpacked: PathBuf,
}

impl Judge {
    /// Unpacks the database of a folder of data below a folder of the run.
    pub fn open(data: &Path, dir: &Path, sealift: &Path, govulncheck: &Path) -> Result<Self, Failure> {
        let zip = std::path::absolute(data.join(DATABASE)).map_err(|error| Failure::tool(error.to_string()))?;
        if !zip.is_file() {
            return Err(Failure::usage(format!("error: there is no {}", zip.display())));
        }
        let unpacked = dir.join("database");
        Program::new("unzip").args(["-q", "-d"]).args([&unpacked, &zip]).output()?;
        let (dir, sealift, govulncheck) = (dir.to_owned(), sealift.to_owned(), govulncheck.to_owned());
        Ok(Self { dir, sealift, govulncheck, zip, unpacked })
    }

    /// Builds a service for a platform, with and without symbols, and compares; says how much was found.
    pub fn pair(&self, workshop: &Workshop, service: &Service, platform: Platform) -> Result<String, Failure> {
        let plain = workshop.build(service, platform, Symbols::Kept)?;
        let stripped = workshop.build(service, platform, Symbols::Stripped)?;
        let told = self.compare(&plain, &stripped);
        for program in [&plain, &stripped] {
            std::fs::remove_file(program)
                .map_err(|error| Failure::tool(format!("error: {}: {error}", program.display())))?;
        }
        told
    }

    /// Compares what both find in a program, and what sealift finds in the same one without symbols.
    pub fn compare(&self, plain: &Path, stripped: &Path) -> Result<String, Failure> {
        let ((theirs, misplaced), ours) = (self.theirs(plain)?, self.ours(plain)?);
        if theirs.is_empty() {
            return Err(Failure::refused("error: govulncheck finds nothing, so that nothing is compared"));
        }
        let unseen = agree(&theirs, &ours)?;
        let stripped = self.ours(stripped)?;
        if stripped != ours {
            let odd = stripped.symmetric_difference(&ours).next().map(|odd| odd.join(" ")).unwrap_or_default();
            return Err(Failure::refused(format!("error: without symbols another answer: {odd}")));
        }
        let functions = ours.iter().filter(|found| !found[3].is_empty()).count();
        let mut told = format!("{} records, {functions} functions", ours.len() - functions);
        for (count, what) in [(unseen, "not seen by govulncheck"), (misplaced, "told by govulncheck of another module")]
        {
            if count > 0 {
                told += &format!("; {count} {what}");
            }
        }
        Ok(told)
    }

    fn ours(&self, program: &Path) -> Result<Found, Failure> {
        let told = Program::new(&self.sealift)
            .dir(&self.dir)
            .env("SEALIFT_CACHE", self.dir.join("cache"))
            .args(["scan", "--quiet", "--json", "--fail", "none", "--database"])
            .args([&self.zip, program])
            .output()?;
        let last: Value = told.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let mut found = Found::new();
        for finding in array(&last["product"]["programs"][0]["findings"]) {
            let (id, module) = (text(&finding["id"]), text(&finding["package"]));
            found.insert([id.clone(), module.clone(), String::new(), String::new()]);
            for symbol in array(&finding["symbols"]) {
                let function = text(&symbol["name"]);
                // govulncheck shows no more than two parts of a name.
                let function = function.split('.').take(2).collect::<Vec<_>>().join(".");
                found.insert([id.clone(), module.clone(), text(&symbol["package"]), function]);
            }
        }
        Ok(found)
    }

    /// Also gives how many findings were told of another module than their record's.
    fn theirs(&self, program: &Path) -> Result<(Found, usize), Failure> {
        let place = format!("file://{}", self.unpacked.display());
        let told = Program::new(&self.govulncheck).args(["-mode", "binary", "-format", "json", "-db", &place]);
        told_by_govulncheck(&told.args([program]).output()?)
    }
}

/// Reads what govulncheck prints: records, and then findings.
fn told_by_govulncheck(told: &str) -> Result<(Found, usize), Failure> {
    let (mut found, mut misplaced) = (Found::new(), 0);
    let mut records: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in serde_json::Deserializer::from_str(told).into_iter::<Value>() {
        let message = message.map_err(|error| Failure::tool(format!("error: govulncheck: {error}")))?;
        let (record, finding) = (&message["osv"], &message["finding"]);
        if !record.is_null() {
            let modules = array(&record["affected"]).map(|affected| text(&affected["package"]["name"]));
            records.insert(text(&record["id"]), modules.collect());
        }
        if finding.is_null() {
            continue;
        }
        let frame = &finding["trace"][0];
        let (id, module) = (text(&finding["osv"]), text(&frame["module"]));
        if records.get(&id).is_some_and(|about| is_misplaced(about, &module)) {
            misplaced += 1;
            continue;
        }
        found.insert([id.clone(), module.clone(), String::new(), String::new()]);
        if let Some(function) = frame["function"].as_str() {
            let receiver = text(&frame["receiver"]);
            let function = if receiver.is_empty() { function.to_owned() } else { format!("{receiver}.{function}") };
            found.insert([id, module, text(&frame["package"]), function]);
        }
    }
    Ok((found, misplaced))
}

/// Whether a record is about another module, whose path the one that is named begins with and is not below.
///
/// It looks for a package's module by comparing texts and not elements of paths (golang.org/x/vuln,
/// `internal/vulncheck`, `affectingVulns.moduleVulns`, which has a note to that effect): what is known of
/// `github.com/docker/docker` is told of `github.com/docker/docker-credential-helpers`.
fn is_misplaced(about: &[String], module: &str) -> bool {
    let beside = |name: &String| module.strip_prefix(name.as_str()).is_some_and(|rest| !rest.starts_with('/'));
    !about.iter().any(|name| name == module) && about.iter().any(beside)
}

/// Refuses two sets that differ; gives how many functions govulncheck cannot see.
///
/// It divides the name of an inlined function as one of Go 1.18 and older, where a name that begins with `go.` belongs to
/// no package (golang.org/x/vuln, `internal/gosym`, `Sym.PackageName`): it never finds such a function in the modules of
/// `go.uber.org`, `go.opentelemetry.io` and the like. Those may be found by sealift alone.
fn agree(theirs: &Found, ours: &Found) -> Result<usize, Failure> {
    let unseen = |found: &&[String; 4]| found[2].starts_with("go.");
    let (blind, alone): (Vec<_>, Vec<_>) = ours.difference(theirs).partition(unseen);
    match (theirs.difference(ours).next(), alone.first()) {
        (None, None) => Ok(blind.len()),
        (theirs, ours) => {
            let shown = |odd: Option<&[String; 4]>| odd.map_or_else(|| "nothing".to_owned(), |odd| odd.join(" "));
            let (theirs, ours) = (shown(theirs), shown(ours.copied()));
            Err(Failure::refused(format!("error: govulncheck alone finds {theirs}; sealift alone finds {ours}")))
        }
    }
}

/// Where govulncheck is.
pub fn govulncheck() -> Result<PathBuf, Failure> {
    let missing = || Failure::tool("error: govulncheck is not installed\nhint: cargo xtask tools govulncheck");
    Folder::find()?.anywhere("govulncheck").ok_or_else(missing)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(found: &[[&str; 4]]) -> Found {
        found.iter().map(|one| one.map(str::to_owned)).collect()
    }

    #[test]
    fn sets_that_differ_are_refused_and_only_the_blind_spot_is_passed_over() {
        let seen = ["GO-1", "go.example.com/m", "", ""];
        let inlined = ["GO-1", "go.example.com/m", "go.example.com/m/p", "F"];
        let other = ["GO-1", "example.com/m", "example.com/m/p", "F"];
        assert_eq!(agree(&set(&[seen]), &set(&[seen])).unwrap(), 0);
        assert_eq!(agree(&set(&[seen]), &set(&[seen, inlined])).unwrap(), 1);
        assert!(agree(&set(&[seen, inlined]), &set(&[seen])).unwrap_err().message.contains("go.example.com/m/p F"));
        let failure = agree(&set(&[seen]), &set(&[seen, other])).unwrap_err();
        assert!(
            failure.message.ends_with("sealift alone finds GO-1 example.com/m example.com/m/p F"),
            "{}",
            failure.message
        );
        // A whole module is seen by its version, whatever it is called.
        assert!(agree(&set(&[]), &set(&[seen])).is_err());
    }
    #[test]
    fn a_module_whose_name_is_only_longer_is_not_what_the_record_is_about() {
        let told = r#"{"osv":{"id":"GO-1","affected":[{"package":{"name":"a.com/x"}}]}}
            {"finding":{"osv":"GO-1","trace":[{"module":"a.com/x"}]}}
            {"finding":{"osv":"GO-1","trace":[{"module":"a.com/x-y","package":"a.com/x-y/p","function":"F"}]}}
            {"finding":{"osv":"GO-1","trace":[{"module":"a.com/x","package":"a.com/x/p","function":"F","receiver":"T"}]}}"#;
        let whole = ["GO-1", "a.com/x", "", ""];
        let expected = set(&[whole, ["GO-1", "a.com/x", "a.com/x/p", "T.F"]]);
        assert_eq!(told_by_govulncheck(told).unwrap(), (expected, 1));
        let (one, both) = (["a.com/x"].map(String::from), ["a.com/x", "a.com/x-y"].map(String::from));
        assert!(!is_misplaced(&one, "a.com/x/v2") && !is_misplaced(&both, "a.com/x-y"));
    }
}
