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
    ("n", "it prints the build instead of doing it", "sealift build --dry-run shows the commands"),
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
        _ => Ok(()),
    }
}

/// One element of `ldflags`. All of them reach the compiler as one argument, which Go splits at white space and quotes
/// (cmd/internal/quoted); so an element holds neither, unless it is a whole `-X=NAME=VALUE` or `-extldflags=VALUE`, which
/// can be quoted as a whole.
pub(super) fn linker_flag(text: &str) -> Result<String, Wrong> {
    let wrong = |why: &str| Wrong::new("config.ldflags", format!("the linker flag {} {why}", quoted(text)));
    line(text).map_err(|_| wrong("is empty, too long or holds a control character"))?;
    let body = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or("");
    let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
    if ["o", "tmpdir", "cpuprofile", "memprofile", "outbuf"].contains(&name) {
        return Err(wrong("is refused: it writes files of its own").hint("take it away"));
    }
    match (name, value) {
        ("X", Some(definition)) => check_definition(definition).map_err(|why| wrong(why).hint("-X=main.name=value"))?,
        ("extldflags", Some(_)) => {}
        _ if text.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') => {
            let hint = match text.split_once(char::is_whitespace) {
                Some((flag @ ("-X" | "--X"), rest)) => {
                    format!("write it as one: {:?}", format!("{flag}={}", rest.trim()))
                }
                _ => "each flag is an element of its own, with = before its value".to_owned(),
            };
            return Err(wrong("holds a space or a quote, and would be split").hint(hint));
        }
        _ => {}
    }
    if text.contains('\'') && text.contains('"') {
        return Err(wrong("holds both kinds of quotes, which Go cannot read").hint("use one kind of quotes"));
    }
    Ok(text.to_owned())
}

/// Checks `importpath.name=value` of `-X`.
fn check_definition(definition: &str) -> Result<(), &'static str> {
    let (variable, _) = definition.split_once('=').ok_or("defines nothing")?;
    let (package, name) = variable.rsplit_once('.').ok_or("names no variable of a package")?;
    // What import paths are made of (golang.org/x/mod/module, importPathOK).
    let path = |c: char| c.is_ascii_alphanumeric() || "-._~/+".contains(c);
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    if package.is_empty() || !package.chars().all(path) || package.starts_with('-') {
        return Err("names no package");
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) || !name.chars().all(letter) {
        return Err("names no variable of a package");
    }
    Ok(())
}

/// Joins linker flags into the one argument that Go splits into the same flags (cmd/internal/quoted, `Join`).
pub fn join_linker_flags<S: AsRef<str>>(flags: &[S]) -> String {
    let quote = |flag: &S| {
        let flag = flag.as_ref();
        let quote = if flag.contains('\'') { '"' } else { '\'' };
        let plain = !flag.is_empty() && !flag.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"');
        if plain { flag.to_owned() } else { format!("{quote}{flag}{quote}") }
    };
    flags.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// Variables that sealift sets, with the key that decides each.
const OWN: &[(&str, &str)] = &[
    ("GOFLAGS", "write its flags into build.flags"),
    ("GOTOOLCHAIN", "build.go names the version of Go"),
    ("CGO_ENABLED", "build.cgo = true switches cgo on"),
    ("GOCACHE", "cache.dir says where results are kept"),
    ("GOMODCACHE", "sealift takes the one of the machine"),
];

/// Others that sealift sets, where no key decides.
const OWN_TOO: &[&str] =
    &["GOENV", "GOROOT", "GOPATH", "GOWORK", "GOTMPDIR", "PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SOURCE_DATE_EPOCH"];

/// Variables that say what is compiled for.
const OF_TARGETS: &[&str] =
    &["GOOS", "GOARCH", "GOARM", "GOARM64", "GOAMD64", "GO386", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"];

/// A variable for the compiler.
pub(super) fn variable(name: &str, value: &str) -> Result<(), Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > 200 || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits)
    {
        let wrong = Wrong::new("config.env", format!("{} is not the name of a variable", quoted(name)));
        return Err(wrong.hint("letters, digits and _"));
    }
    // Windows does not tell `Path` from `PATH`.
    let upper = name.to_ascii_uppercase();
    let own = OWN.iter().find(|(own, _)| *own == upper).map(|(_, hint)| *hint);
    let of_targets =
        OF_TARGETS.contains(&upper.as_str()).then_some("build.targets decides it: linux/arm/v7, linux/amd64/v3");
    let own_too = OWN_TOO.contains(&upper.as_str()).then_some("take it away");
    if let Some(hint) = own.or(of_targets).or(own_too) {
        return Err(Wrong::new("config.env", format!("{name} is set by sealift itself")).hint(hint));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Wrong::new("config.env", format!("the value of {name} holds a control character")));
    }
    Ok(())
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

    #[test]
    fn linker_flags_are_whole_or_refused() {
        for flag in ["-w", "-X=main.a=b", "-X=example.com/x/y.Name=some words", "-X=main.a=it's", "-X=main.a="] {
            assert!(linker_flag(flag).is_ok(), "{flag}");
        }
        for flag in ["-X", "main.a=b", "-linkmode=external", "-extldflags=-static -lm", "-X=main.ä=x=y"] {
            assert!(linker_flag(flag).is_ok(), "{flag}");
        }
        for flag in [
            "",
            "-s -w",
            "-X main.a=b",
            "'-s",
            "-B\"",
            "-X=a",
            "-X=a=b",
            "-X=.a=b",
            "-X=main.=b",
            "-X=ma in.a=b",
            "-X=main.a='\"",
            "-X=main.a=b\n-o=c",
            "-o=x",
            "--tmpdir=x",
            "-X='main.a=b",
            "-X=-o.x=y",
            "-w\u{0}",
        ] {
            assert_eq!(linker_flag(flag).map_err(|wrong| wrong.code), Err("config.ldflags"), "{flag:?}");
        }
        let hint = linker_flag("-X main.a=b").unwrap_err().hint.unwrap();
        assert_eq!(hint, "write it as one: \"-X=main.a=b\"");
    }

    /// Go's `quoted.Split`, written down from its documentation.
    fn split(text: &str) -> Vec<String> {
        let (mut fields, mut rest) = (Vec::new(), text.trim_start());
        while let Some(first) = rest.chars().next() {
            let (field, after) = match first {
                '\'' | '"' => rest[1..].split_once(first).expect("a quote is closed"),
                _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
            fields.push(field.to_owned());
            rest = after.trim_start();
        }
        fields
    }

    proptest::proptest! {
        #[test]
        fn joined_flags_split_into_the_same(values in proptest::collection::vec("[ -~µ]{0,12}", 0..5)) {
            let flags: Vec<String> = values.iter().map(|value| format!("-X=main.a={value}")).collect();
            let flags: Vec<String> = flags.into_iter().filter(|flag| linker_flag(flag).is_ok()).collect();
            proptest::prop_assert_eq!(split(&join_linker_flags(&flags)), flags);
        }
    }

    #[test]
    fn variables_of_sealift_are_refused_with_the_right_key() {
        let refused = |name| variable(name, "x").unwrap_err().hint.unwrap();
        assert!(refused("GOARM").contains("build.targets"));
        assert!(refused("GOFLAGS").contains("build.flags"));
        assert!(refused("Path").contains("take it away"));
        for (name, value) in
            [("", "x"), ("1A", "x"), ("A B", "x"), ("A=B", "x"), ("Ä", "x"), ("OK", "a\nb"), ("OK", "\0")]
        {
            assert_eq!(variable(name, value).map_err(|wrong| wrong.code), Err("config.env"), "{name:?}");
        }
        assert_eq!(variable("GOEXPERIMENT", "jsonv2"), Ok(()));
    }
}
