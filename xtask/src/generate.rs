//! `cargo xtask gen`: the parts of README.md that the program itself knows best, asked from the program.
//!
//! A part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`, each on a line of its own.

use std::collections::BTreeMap;

use crate::failure::{Failure, Outcome};
use crate::run::{cargo, root};

/// What `sealift reference NAME` prints; every one has its place in README.md.
const NAMES: &[&str] = &["exit-codes", "commands", "config"];

/// Writes the generated parts, or with `--check` only compares them.
pub fn run(arguments: &[String]) -> Outcome {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--check"] => check(),
        _ => Err(Failure::usage("error: unknown argument\nhint: cargo xtask gen [--check]")),
    }
}

/// Compares what README.md has with what the program says now.
pub fn check() -> Outcome {
    let Some(Readme { text, .. }) = readme()? else { return Ok(()) };
    let stale = stale(&text, &fresh()?)?;
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "error: stale in README.md: {}\nhint: cargo xtask gen, and commit the result",
        stale.join(", ")
    )))
}

fn write() -> Outcome {
    let Some(Readme { path, text }) = readme()? else {
        println!("nothing to generate: there is neither README.md nor src/cli/");
        return Ok(());
    };
    let new = splice(&text, &fresh()?)?;
    if new == text {
        println!("README.md is fresh");
        return Ok(());
    }
    std::fs::write(&path, new).map_err(|error| Failure::refused(format!("error: README.md: {error}")))?;
    println!("README.md: generated parts written");
    Ok(())
}

struct Readme {
    path: std::path::PathBuf,
    text: String,
}

/// Reads README.md. It may be missing only while the program has no commands that it could list.
fn readme() -> Result<Option<Readme>, Failure> {
    let path = root()?.join("README.md");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Readme { path, text })),
        Err(_) if !path.exists() && !root()?.join("src/cli").exists() => Ok(None),
        Err(error) => Err(Failure::refused(format!("error: README.md: {error}"))),
    }
}

/// Asks the program for every part.
fn fresh() -> Result<BTreeMap<&'static str, String>, Failure> {
    let ask = |name: &&'static str| {
        let program = cargo()?.args(["run", "--quiet", "--package", "sealift", "--", "reference", name]);
        Ok((*name, program.output()?))
    };
    NAMES.iter().map(ask).collect()
}

/// The names of the parts that differ.
fn stale<'a>(readme: &str, parts: &BTreeMap<&'a str, String>) -> Result<Vec<&'a str>, Failure> {
    let mut stale = Vec::new();
    for (name, text) in parts {
        let one = BTreeMap::from([(*name, text.clone())]);
        if splice(readme, &one)? != readme {
            stale.push(*name);
        }
    }
    for name in opened(readme) {
        if !NAMES.contains(&name) {
            return Err(Failure::refused(format!("error: README.md: nothing generates `{name}`")));
        }
    }
    Ok(stale)
}

/// The names of all parts that a text opens.
fn opened(readme: &str) -> impl Iterator<Item = &str> {
    readme.lines().filter_map(|line| line.trim().strip_prefix("<!-- generated: ")?.strip_suffix(" -->"))
}

/// Puts every part between its markers. Each pair must be there, once.
fn splice(readme: &str, parts: &BTreeMap<&str, String>) -> Result<String, Failure> {
    let mut text = readme.to_owned();
    for (name, part) in parts {
        let (open, close) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
        let wrong = |what: &str| Failure::refused(format!("error: README.md: {what} for `{name}`"));
        let (before, rest) = text.split_once(&open).ok_or_else(|| wrong("no line `<!-- generated: … -->`"))?;
        let (_, after) = rest.split_once(&close).ok_or_else(|| wrong("no line `<!-- end: … -->`"))?;
        if after.contains(&open) || before.contains(&close) {
            return Err(wrong("more than one pair of markers"));
        }
        text = format!("{before}{open}\n{}\n\n{close}{after}", part.trim());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# T\n<!-- generated: config -->\n\nold\n\n<!-- end: config -->\nmid\n<!-- generated: commands -->\n<!-- end: commands -->\n";

    fn parts(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|(name, text)| (*name, (*text).to_owned())).collect()
    }

    #[test]
    fn parts_are_replaced_and_the_rest_stays() {
        let new = splice(README, &parts(&[("config", "new\n"), ("commands", "c\n")])).unwrap();
        let expected = "# T\n<!-- generated: config -->\n\nnew\n\n<!-- end: config -->\nmid\n<!-- generated: commands -->\n\nc\n\n<!-- end: commands -->\n";
        assert_eq!(new, expected);
        assert_eq!(splice(&new, &parts(&[("config", "new"), ("commands", "c")])).unwrap(), new);
    }

    #[test]
    fn stale_parts_are_named() {
        assert_eq!(stale(README, &parts(&[("config", "old")])).unwrap(), [""; 0]);
        assert_eq!(stale(README, &parts(&[("config", "new")])).unwrap(), ["config"]);
    }

    #[test]
    fn missing_double_and_unknown_markers_are_refused() {
        assert!(splice(README, &parts(&[("exit-codes", "x")])).unwrap_err().message.contains("exit-codes"));
        assert!(splice("<!-- generated: config -->\n", &parts(&[("config", "x")])).is_err());
        assert!(splice(&README.repeat(2), &parts(&[("config", "x")])).unwrap_err().message.contains("more than one"));
        let unknown = README.replace("commands", "news");
        assert!(stale(&unknown, &parts(&[("config", "old")])).unwrap_err().message.contains("`news`"));
    }
}
