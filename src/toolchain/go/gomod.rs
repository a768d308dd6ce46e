//! The lines of `go.mod` and `go.work` that decide which Go builds and where else sources lie.

use std::collections::BTreeSet;

use crate::error::{Fault, Kind, Place};

use super::version::GoVersion;

/// The most that is read of a `go.mod` or `go.work`.
pub const CAP: u64 = 1 << 20;

/// What stands in a `go.mod` or a `go.work`; directives that have nothing to say here (`require`, …) are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModFile {
    /// `module`: the module's path; a `go.work` has none.
    pub module: Option<String>,
    /// `go`: the language version, or the release, that the module needs at least.
    pub go: Option<Line<GoVersion>>,
    /// `toolchain`: the release that the module would like.
    pub toolchain: Option<Line<ToolchainLine>>,
    /// The local folders of `replace` directives, as written: `./x`, `../x` or absolute.
    pub replaced: Vec<String>,
    /// The folders of `use` directives (`go.work`), as written.
    pub uses: Vec<String>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// What a `toolchain` line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolchainLine {
    /// `default` or `local`: no wish.
    None,
    /// `go1.26.8`.
    Release(GoVersion),
}

/// A `go.mod` or `go.work` that Go would refuse too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModFileError {
    /// The file's form is wrong.
    #[error("{what}")]
    Grammar {
        /// Where.
        place: Place,
        /// What is wrong.
        what: &'static str,
    },
    /// A version that is none.
    #[error("{text:?} is not a version of Go that can be built with")]
    Version {
        /// Where.
        place: Place,
        /// As written.
        text: String,
    },
}

impl Fault for ModFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Grammar { .. } => "gomod.grammar",
            Self::Version { .. } => "gomod.version",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Config
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Grammar { .. } => Some("`go mod edit -json` shows how Go reads the file".into()),
            Self::Version { place, .. } if place.text.trim_start().starts_with("toolchain") => {
                Some("write a release, for example `toolchain go1.26.8`".into())
            }
            Self::Version { .. } => Some("write a version, for example `go 1.26` or `go 1.26.8`".into()),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Grammar { place, .. } | Self::Version { place, .. } => Some(place.clone()),
        }
    }
}

/// Reads the text of a file; `name` stands in places (Go modules reference, "go.mod files" and "Workspaces").
pub fn parse(name: &str, text: &str) -> Result<ModFile, ModFileError> {
    let mut reader = Reader { name, text, file: ModFile::default() };
    for directive in reader.directives()? {
        reader.directive(directive.verb, &directive.words)?;
    }
    Ok(reader.file)
}

/// Every directive of a file, those of a block each for itself; the same rules as for [`parse`].
pub fn directives<'a>(name: &'a str, text: &'a str) -> Result<Vec<Directive<'a>>, ModFileError> {
    Reader { name, text, file: ModFile::default() }.directives()
}

/// The modules that two states of a file ask for in other versions or find elsewhere; nothing when more than that is
/// different, or may be: of a file that was not there, and of one that cannot be read.
///
/// From Go 1.17 on a `go.mod` names every module that its packages are built of (<https://go.dev/ref/mod#graph-pruning>):
/// one that it names as before is built as before.
pub fn moved_modules(before: &str, after: &str) -> Option<BTreeSet<String>> {
    let said = |text| -> Option<BTreeSet<(String, Vec<String>)>> {
        let file = parse("go.mod", text).ok()?;
        // A go.work names no module: those of its go.mod files count.
        if file.module.is_some() && file.go?.value < GoVersion::FIRST_WITH_PRUNED_GRAPHS {
            return None;
        }
        let words = |directive: Directive<'_>| {
            (directive.verb.to_owned(), directive.words.into_iter().map(|word| word.value).collect())
        };
        Some(directives("go.mod", text).ok()?.into_iter().map(words).collect())
    };
    let (old, new) = (said(before)?, said(after)?);
    let mut moved = BTreeSet::new();
    for (verb, words) in old.symmetric_difference(&new) {
        match (verb.as_str(), &words[..]) {
            ("require" | "replace" | "exclude", [module, ..]) => drop(moved.insert(module.clone())),
            // What is for who depends on the module, or for `go tool`, is in no binary.
            ("retract" | "tool", _) => {}
            _ => return None,
        }
    }
    Some(moved)
}

/// A directive: `require example.com/a v1.0.0`, in a block or alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// `require`, `module`, …
    pub verb: &'a str,
    /// The words behind it, without comments.
    pub words: Vec<Word>,
}

/// A word of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its text, without quotes.
    pub value: String,
    quoted: bool,
    /// Where it begins in the text, with its quotes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    file: ModFile,
}

impl<'a> Reader<'a> {
    fn directives(&self) -> Result<Vec<Directive<'a>>, ModFileError> {
        let mut found = Vec::new();
        let mut block: Option<&'a str> = None;
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            let mut words = self.words(line, offset)?;
            offset += line.len();
            let plain: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
            match (block, plain.as_slice()) {
                (_, []) => {}
                (Some(_), [")"]) => block = None,
                (Some(_), [_, "("]) => return Err(self.grammar(&words[1], "a block inside a block")),
                (Some(verb), _) => found.push(Directive { verb, words }),
                (None, [verb, "("]) if !verb.is_empty() => block = Some(self.verb(&words[0])),
                (None, [verb, "(", ")"]) if !verb.is_empty() => {}
                (None, ["(" | ")", ..]) => {
                    return Err(self.grammar(&words[0], "a parenthesis without a directive"));
                }
                (None, _) => {
                    let verb = self.verb(&words[0]);
                    found.push(Directive { verb, words: words.split_off(1) });
                }
            }
        }
        match block {
            Some(_) => {
                let end = Word { value: String::new(), quoted: false, start: self.text.len(), end: self.text.len() };
                Err(self.grammar(&end, "a block that does not end"))
            }
            None => Ok(found),
        }
    }

    /// A verb as it stands in the text.
    fn verb(&self, word: &Word) -> &'a str {
        &self.text[word.start..word.end]
    }

    fn place(&self, word: &Word) -> Place {
        Place::of(self.name, self.text, word.start..word.end)
    }

    fn grammar(&self, word: &Word, what: &'static str) -> ModFileError {
        ModFileError::Grammar { place: self.place(word), what }
    }

    /// Splits a line into words; comments are left out, quotes are taken away.
    fn words(&self, line: &str, offset: usize) -> Result<Vec<Word>, ModFileError> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with("//") {
            let start = offset + line.len() - rest.len();
            let (value, quoted, length) = match rest.as_bytes()[0] {
                quote @ (b'"' | b'`') => match unquote(rest, char::from(quote)) {
                    Some((value, length)) => (value, true, length),
                    None => {
                        let word =
                            Word { value: String::new(), quoted: true, start, end: start + rest.trim_end().len() };
                        return Err(self.grammar(&word, "a string that does not end, or with an unknown escape"));
                    }
                },
                b'(' | b')' | b'[' | b']' | b',' => (rest[..1].to_owned(), false, 1),
                _ => {
                    let end = bare_length(rest);
                    (rest[..end].to_owned(), false, end)
                }
            };
            words.push(Word { value, quoted, start, end: start + length });
            rest = rest[length..].trim_start();
        }
        Ok(words)
    }

    fn directive(&mut self, verb: &str, words: &[Word]) -> Result<(), ModFileError> {
        match (verb, words) {
            ("module" | "go" | "toolchain" | "use", [word]) => self.single(verb, word),
            ("module" | "go" | "toolchain" | "use", [_, word, ..]) => {
                Err(self.grammar(word, "a word too much: the directive takes one"))
            }
            ("replace", words) => self.replace(words),
            _ => Ok(()),
        }
    }

    fn single(&mut self, verb: &str, word: &Word) -> Result<(), ModFileError> {
        let place = self.place(word);
        let refuse = |place: &Place| ModFileError::Version { place: place.clone(), text: word.value.clone() };
        let repeated = match verb {
            "module" => self.file.module.replace(word.value.clone()).is_some(),
            "go" => {
                // A go line has no prefix.
                let version =
                    Some(&word.value).filter(|text| !text.starts_with("go")).and_then(|text| text.parse().ok());
                let value = version.ok_or_else(|| refuse(&place))?;
                self.file.go.replace(Line { value, place: place.clone() }).is_some()
            }
            "toolchain" => {
                let value = match word.value.as_str() {
                    "default" | "local" => ToolchainLine::None,
                    text => Some(text)
                        .filter(|text| text.starts_with("go"))
                        .and_then(|text| text.parse().ok())
                        .filter(|version: &GoVersion| !version.is_language())
                        .map(ToolchainLine::Release)
                        .ok_or_else(|| refuse(&place))?,
                };
                self.file.toolchain.replace(Line { value, place: place.clone() }).is_some()
            }
            _ => {
                self.file.uses.push(word.value.clone());
                false
            }
        };
        if repeated {
            Err(ModFileError::Grammar { place, what: "the directive stands here a second time" })
        } else {
            Ok(())
        }
    }

    /// `old [version] => new [version]`: a new path without a version is a folder.
    fn replace(&mut self, words: &[Word]) -> Result<(), ModFileError> {
        let arrow = words.iter().position(|word| !word.quoted && word.value == "=>");
        match arrow.map(|at| (at, &words[at + 1..])) {
            Some((1 | 2, [folder])) if is_folder(&folder.value) => {
                self.file.replaced.push(folder.value.clone());
                Ok(())
            }
            Some((1 | 2, [_, _])) => Ok(()),
            Some((1 | 2, [other])) => {
                Err(self.grammar(other, "a module that replaces needs a version, a folder ./ or ../"))
            }
            _ => words.first().map_or(Ok(()), |word| Err(self.grammar(word, "not of the form old => new"))),
        }
    }
}

/// Whether Go takes a replacement for a folder (`modfile.IsDirectoryPath`): `./`, `../`, absolute, or a drive letter.
fn is_folder(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    matches!(path, "." | "..")
        || ["./", "../", "/", ".\\", "..\\", "\\"].iter().any(|start| path.starts_with(start))
        || drive
}

/// The length of a word without quotes: it ends before white space, punctuation of its own, or a comment.
fn bare_length(rest: &str) -> usize {
    let comment = rest.find("//").unwrap_or(rest.len());
    let end = rest.find(|c: char| c.is_whitespace() || "()[],\"`".contains(c)).unwrap_or(rest.len());
    end.min(comment).max(rest.chars().next().map_or(0, char::len_utf8))
}

/// Reads a string at the start of a text; gives its value and how long it is in the text.
fn unquote(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return None,
            c if c == quote => return Some((value, at + 1)),
            '\\' if quote == '"' => match chars.next()?.1 {
                c @ ('"' | '\\') => value.push(c),
                't' => value.push('\t'),
                _ => return None,
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> GoVersion {
        text.parse().unwrap()
    }

    #[test]
    fn what_a_file_asks_for_is_compared_by_module() {
        let base = "module m\n\ngo 1.26\n\nrequire (\n\tb v1.0.0 // indirect\n\tc v1.0.0\n)\n";
        let moved = |after: &str| moved_modules(base, after).map(|moved| moved.into_iter().collect::<Vec<_>>());
        let with = |from: &str, to: &str| base.replace(from, to);
        assert_eq!(moved(base).unwrap(), [""; 0]);
        assert_eq!(moved(&with(" // indirect", "")).unwrap(), [""; 0]);
        assert_eq!(moved(&with("b v1.0.0", "b v1.1.0")).unwrap(), ["b"]);
        assert_eq!(moved(&format!("{base}replace c => ../c\nretract v1.0.0\ntool x/y\n")).unwrap(), ["c"]);
        assert_eq!(moved(&with("\tc v1.0.0\n", "\td v1.0.0\n")).unwrap(), ["c", "d"]);
        for all in [with("1.26", "1.27"), with("module m", "module n"), format!("{base}godebug x=1\n"), "(".to_owned()]
        {
            assert_eq!(moved(&all), None, "{all}");
        }
        // Before Go 1.17 a module may move that is not named.
        let old = with("1.26", "1.16");
        assert_eq!(moved_modules(&old, &old.replace("b v1.0.0", "b v1.1.0")), None);
        assert_eq!(moved_modules("go 1.26\nuse ./a\n", "go 1.26\nuse ./b\n"), None);
        assert_eq!(moved_modules("go 1.26\nuse ./a\n", "go 1.26\nuse ./a\nreplace x => ./x\n").unwrap().len(), 1);
    }

    const FULL: &str = r#"// Deprecated: use v2.
module "example.com/a" // the module

go 1.26

toolchain	go1.26.8 // pinned

require (
	example.com/b v1.0.0 // indirect
	"example.com/c" v1.2.3
)

tool example.com/b/cmd/x

retract [v1.0.0, v1.1.0] // broken

replace example.com/b => ./b
replace (
	example.com/c v1.2.3 => ../c // near
	example.com/d => example.com/e v1.0.0
	example.com/f => "/srv/with space"
	example.com/g => `C:\g`
)
exclude ()
"#;

    #[test]
    fn a_full_file_is_read() {
        let file = parse("go.mod", FULL).unwrap();
        assert_eq!(file.module.as_deref(), Some("example.com/a"));
        let go = file.go.unwrap();
        assert_eq!((go.value, go.place.line, go.place.column), (version("1.26"), 4, 4));
        assert_eq!(file.toolchain.unwrap().value, ToolchainLine::Release(version("1.26.8")));
        assert_eq!(file.replaced, ["./b", "../c", "/srv/with space", r"C:\g"]);
    }

    #[test]
    fn blocks_of_single_directives_and_workspaces_are_read() {
        let file = parse("go.work", "go 1.26.8\r\nuse (\r\n\t.\n\t./api // x\n)\nuse ./more\n").unwrap();
        assert_eq!(
            (file.go.unwrap().value, file.uses),
            (version("1.26.8"), vec![".".into(), "./api".into(), "./more".into()])
        );
        let file = parse("go.mod", "module (\n\texample.com/a\n)\ntoolchain default").unwrap();
        assert_eq!(file.module.as_deref(), Some("example.com/a"));
        assert_eq!(file.toolchain.unwrap().value, ToolchainLine::None);
    }

    #[test]
    fn wrong_files_are_refused_at_their_place() {
        for (text, code, line, column) in [
            ("go 1.26\ngo 1.27", "gomod.grammar", 2, 4),
            ("go go1.26", "gomod.version", 1, 4),
            ("go 1.26-custom", "gomod.version", 1, 4),
            ("go 1.26 1.27", "gomod.grammar", 1, 9),
            ("toolchain 1.26.8", "gomod.version", 1, 11),
            ("toolchain go1.26", "gomod.version", 1, 11),
            ("toolchain go1.26.8-custom", "gomod.version", 1, 11),
            ("toolchain ../../evil", "gomod.version", 1, 11),
            ("module \"a", "gomod.grammar", 1, 8),
            ("module \"a\\x\"", "gomod.grammar", 1, 8),
            ("require (\n", "gomod.grammar", 2, 1),
            ("require (\nx (\n)\n", "gomod.grammar", 2, 3),
            (")", "gomod.grammar", 1, 1),
            ("replace a b", "gomod.grammar", 1, 9),
            ("replace a => b", "gomod.grammar", 1, 14),
        ] {
            let error = parse("go.mod", text).unwrap_err();
            let place = error.place().unwrap();
            assert_eq!((error.code(), place.line, place.column), (code, line, column), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "(?s).{0,200}") {
            drop(parse("go.mod", &text));
        }

        #[test]
        fn texts_of_the_right_words_never_panic(words in prop::collection::vec(
            prop::sample::select(vec!["module", "go", "toolchain", "replace", "use", "(", ")", "=>", "\n", "\"", "`", "//", "1.26", "go1.26.8", "./x", "µ", "\\", ",", "\r\n"]),
            0..40,
        )) {
            drop(parse("go.mod", &words.join(" ")));
            drop(parse("go.mod", &words.concat()));
        }
    }
}
