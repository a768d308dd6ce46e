//! What a project may hand to the Go compiler: everything that neither breaks reproducibility nor takes a decision away
//! from sealift.

use super::error::{Wrong, quoted};
use super::values::line;

/// Flags of `go build` that another key or sealift itself decides, with the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    ("o", "sealift decides where a program is written", "take it away; package.name names the archives"),
    ("ldflags", "it would replace those of sealift", "write them into build.ldflags, one an element"),
    ("tags", "it would replace those of build.tags", "write them into build.tags, one an element"),
    ("toolexec", "a program between sealift and the compiler is not part of the step's key", "take it away"),
    ("C", "the folder of a build is the service's path", "write the folder into service.path"),
    ("n", "it prints the build instead of doing it", "sealift plan --snapshot shows the commands"),
    ("overlay", "the files that it puts in are not part of the step's key", "commit the files"),
    ("modfile", "the module that is released is the one of go.mod", "take it away"),
    ("pkgdir", "what lies in that folder is not part of the step's key", "take it away"),
    ("work", "it prints a path that differs on every run", "take it away"),
    ("compiler", "only Go's own compiler is reproducible here", "take it away"),
    ("json", "sealift reads what the compiler prints", "take it away"),
    ("x", "sealift reads what the compiler prints", "sealift build --verbose shows the commands"),
];

/// Those of them that take no value.
const REFUSED_SWITCHES: &[&str] = &["n", "work", "json", "x"];

/// Flags that take a value, which may be the next element.
const WITH_VALUE: &[&str] =
    &["p", "covermode", "coverpkg", "asmflags", "buildmode", "gccgoflags", "gcflags", "installsuffix", "mod", "pgo"];

/// Flags without a value, which therefore end with their element.
const SWITCHES: &[&str] =
    &["a", "race", "msan", "asan", "cover", "v", "linkshared", "modcacherw", "trimpath", "buildvcs"];

/// Reads the elements of `flags` one after the other; a value may stand in the element behind its flag.
#[derive(Default)]
pub(super) struct Flags {
    open: Option<String>,
}

impl Flags {
    /// The next element.
    pub fn read(&mut self, text: &str) -> Result<String, Wrong> {
        line(text).map_err(|wrong| Wrong { code: "config.flag", ..wrong })?;
        if let Some(name) = self.open.take()
            && !text.starts_with('-')
        {
            return check_value(&name, text).map(|()| text.to_owned());
        }
        // Go's flag package reads `--name` as `-name`.
        let body = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).filter(|body| !body.is_empty());
        let Some(body) = body.filter(|body| !body.starts_with(['-', '='])) else {
            let wrong = Wrong::new("config.flag", format!("{} is not a flag of `go build`", quoted(text)));
            return Err(wrong.hint("the package is service.path; each flag is an element of its own"));
        };
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        if name.contains(char::is_whitespace) {
            let words: Vec<String> = text.split_whitespace().map(|word| format!("{word:?}")).collect();
            let wrong = Wrong::new("config.flag", format!("{} holds a space, and nothing splits it", quoted(text)));
            return Err(wrong.hint(format!("flags = [{}]", words.join(", "))));
        }
        if let Some((_, why, hint)) = REFUSED.iter().find(|(refused, ..)| *refused == name) {
            // What stands behind it is its value, and no second mistake.
            self.open = Some(name.to_owned()).filter(|_| value.is_none() && !REFUSED_SWITCHES.contains(&name));
            return Err(refused(&format!("-{name}"), why).hint(*hint));
        }
        match value {
            Some(value) => check_value(name, value)?,
            None if SWITCHES.contains(&name) => check_value(name, "true")?,
            None => self.open = Some(name.to_owned()),
        }
        Ok(text.to_owned())
    }

    /// What is left when all elements are read: a flag whose value is missing.
    pub fn end(self) -> Result<(), Wrong> {
        match self.open.filter(|name| WITH_VALUE.contains(&name.as_str())) {
            Some(name) => Err(Wrong::new("config.flag", format!("the flag -{name} has no value"))
                .hint(format!("write -{name}=VALUE"))),
            None => Ok(()),
        }
    }
}

fn refused(flag: &str, why: &str) -> Wrong {
    Wrong::new("config.flag", format!("the flag {flag} is refused: {why}"))
}

fn check_value(name: &str, value: &str) -> Result<(), Wrong> {
    // As Go's strconv.ParseBool.
    let yes = matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True");
    let no = matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False");
    let flag = format!("-{name}={}", value.chars().take(60).collect::<String>());
    match name {
        "trimpath" if !yes => {
            Err(refused(&flag, "the machine's paths would be in the program").hint("take it away; -trimpath is set"))
        }
        "buildvcs" if !no => Err(refused(&flag, "every commit would change every program")
            .hint("take it away; sealift stamps the commit of the service itself")),
        "mod" if !matches!(value, "vendor" | "readonly") => {
            Err(refused(&flag, "a build must not change go.mod").hint("-mod=readonly or -mod=vendor"))
        }
        "buildmode" if !matches!(value, "exe" | "pie" | "default") => {
            Err(refused(&flag, "a service is a program").hint("-buildmode=exe or -buildmode=pie"))
        }
        "pgo" if !matches!(value, "off" | "auto") => {
            let why = "a profile elsewhere is not part of the step's key";
            Err(refused(&flag, why).hint("put the profile beside the main package as default.pgo"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(elements: &[&str]) -> Result<(), Wrong> {
        let mut flags = Flags::default();
        elements.iter().try_for_each(|element| flags.read(element).map(drop))?;
        flags.end()
    }

    #[test]
    fn ordinary_flags_are_accepted() {
        for elements in [
            &["-race", "-v"][..],
            &["-p", "4", "-a"],
            &["-gcflags=all=-N -l"],
            &["-gcflags", "all=-N -l"],
            &["--trimpath", "-buildvcs=false", "-mod=vendor", "-mod", "readonly"],
            &["-pgo=off", "-buildmode=pie", "-flag-of-a-later-go", "value"],
            &[],
        ] {
            assert_eq!(flags(elements), Ok(()), "{elements:?}");
        }
    }

    #[test]
    fn flags_that_break_the_contract_are_refused() {
        for elements in [
            &["-o=x"][..],
            &["-o", "x"],
            &["--o=x"],
            &["-trimpath=false"],
            &["-trimpath=nonsense"],
            &["-buildvcs"],
            &["-buildvcs=true"],
            &["-buildvcs=auto"],
            &["-mod=mod"],
            &["-mod", "mod"],
            &["-mod"],
            &["-toolexec=x"],
            &["-C", "/"],
            &["-n"],
            &["-ldflags=-s"],
            &["-tags", "x"],
            &["-overlay=x"],
            &["-pgo=other.pgo"],
            &["-buildmode=c-shared"],
            &["-race", "./cmd"],
            &["./cmd"],
            &["-race -v"],
            &["--"],
            &["-"],
            &["---o"],
            &["-=o"],
            &[""],
            &["-p=4\n-o=x"],
        ] {
            assert_eq!(flags(elements).map_err(|wrong| wrong.code), Err("config.flag"), "{elements:?}");
        }
    }
}
