//! Flags for Go's linker: each whole, and all of them in one argument.

use super::error::{Wrong, quoted};
use super::values::line;

/// Reads the elements of `ldflags` one after the other. All of them reach the compiler as one argument, which Go splits at white space and quotes
/// (cmd/internal/quoted); so an element holds neither, unless it is a whole `-X=NAME=VALUE` or `-extldflags=VALUE`, which
/// can be quoted as a whole. What does not begin with a hyphen is the value of the flag in the element before it; as the
/// first one it would be read as the pattern of packages that all the flags are for.
#[derive(Default)]
pub(super) struct LinkerFlags {
    open: bool,
}

impl LinkerFlags {
    /// The next element.
    pub fn read(&mut self, text: &str) -> Result<String, Wrong> {
        let open = std::mem::replace(&mut self.open, text.starts_with('-') && !text.contains('='));
        if !open && !text.is_empty() && !text.starts_with('-') {
            let wrong = Wrong::new("config.ldflags", format!("{} is no flag, and no flag waits for it", quoted(text)));
            return Err(wrong.hint("a flag begins with -, for example -X=main.name=value"));
        }
        linker_flag(text)
    }
}

fn linker_flag(text: &str) -> Result<String, Wrong> {
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

/// Joins linker flags into the one argument of `-ldflags=` that Go splits into the same flags (cmd/internal/quoted). A flag
/// that needs quotes becomes two, `-X 'name=a value'`: the argument must not begin with a quote
/// (cmd/go/internal/load, `PerPackageFlag.Set`), and the linker takes a value from either form.
pub fn join_linker_flags<S: AsRef<str>>(flags: &[S]) -> String {
    let quote = |flag: &S| {
        let flag = flag.as_ref();
        if !flag.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') {
            return flag.to_owned();
        }
        let quote = if flag.contains('\'') { '"' } else { '\'' };
        match flag.split_once('=').filter(|(name, _)| matches!(name.trim_start_matches('-'), "X" | "extldflags")) {
            Some((name, value)) => format!("{name} {quote}{value}{quote}"),
            None => format!("{quote}{flag}{quote}"),
        }
    };
    flags.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linker_flags_are_whole_or_refused() {
        for flag in ["-w", "-X=main.a=b", "-X=example.com/x/y.Name=some words", "-X=main.a=it's", "-X=main.a="] {
            assert!(linker_flag(flag).is_ok(), "{flag}");
        }
        let both = |flags: [&str; 2]| {
            let mut reader = LinkerFlags::default();
            flags.map(|flag| reader.read(flag).is_ok())
        };
        assert_eq!(both(["-X", "main.a=b"]), [true, true]);
        assert_eq!(both(["-w", "-linkmode"]), [true, true]);
        // `std=-w` in front would make all the flags those of the package `std`.
        assert_eq!(both(["std=-w", "-w"]), [false, true]);
        assert_eq!(both(["-X=main.a=b", "main.a=b"]), [true, false]);
        for flag in ["-linkmode=external", "-extldflags=-static -lm", "-X=main.ä=x=y"] {
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
            let joined = join_linker_flags(&flags);
            proptest::prop_assert!(flags.is_empty() || joined.starts_with('-'));
            // The linker reads `-X` and its value in two arguments as it reads them in one.
            let mut words = split(&joined).into_iter();
            let mut again = Vec::new();
            while let Some(word) = words.next() {
                again.push(if word == "-X" { format!("-X={}", words.next().unwrap()) } else { word });
            }
            proptest::prop_assert_eq!(again, flags);
        }
    }
}
