//! The lines of `go.mod` and `go.work` that decide which Go builds and where else sources lie.

mod moved;

use crate::error::{Fault, Kind, Place};

use super::version::GoVersion;

pub use moved::moved_modules;

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
mod tests;
