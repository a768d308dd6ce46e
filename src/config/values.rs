//! The rules for single values: names, paths, versions, addresses, targets, formats.

pub(super) mod changelog;
pub(super) mod image;
pub(super) mod version;

use sealift_trust::SignatureFormat;
use sealift_trust::name::FileName;

use super::error::{Wrong, quoted};
use super::keys::FORMATS;
use super::keys::attest::SIGNATURES;
use super::settings::{ScanFail, Signatures};
use super::template::{Template, TemplateError, Variable};
use crate::archive::Format;
use crate::error::{Fault, nearest};
use crate::host::http::{Url, may_carry_secrets};
use crate::product::SbomFormat;
use crate::target::Pattern;

/// A name that can be part of file names.
pub(super) fn name(code: &'static str, text: &str) -> Result<FileName, Wrong> {
    let hint = "letters, digits, '-', '_' and '.' are always right";
    text.parse::<FileName>().map_err(|error| Wrong::new(code, error.to_string()).hint(hint))
}

/// Refuses control characters (line breaks among them), emptiness and what nobody would read.
pub(super) fn line(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || text.chars().count() > 300 || text.chars().any(char::is_control) {
        let why = format!("{} is not one line of 1 to 300 characters", quoted(text));
        return Err(Wrong::new("config.value", why).hint("leave the key out, or shorten the text"));
    }
    Ok(text.to_owned())
}

/// The characters of an SPDX expression (SPDX 2.3, annex D); which identifiers exist is not asked here.
pub(super) fn license(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.+:() ".contains(c);
    if text.trim().is_empty() || text.len() > 300 || !text.chars().all(fits) {
        let why = format!("{} is not an SPDX licence expression", quoted(text));
        return Err(Wrong::new("config.value", why).hint("for example MIT, or Apache-2.0 OR MIT"));
    }
    Ok(text.to_owned())
}

/// How an SBOM is written.
pub(super) fn sbom_format(text: &str) -> Result<SbomFormat, Wrong> {
    let words = SbomFormat::ALL.map(SbomFormat::word);
    let word = choice(text, &words)?;
    Ok(SbomFormat::ALL.into_iter().find(|format| format.word() == word).expect("a word is that of a format"))
}

/// A web address. Credentials in it would become part of the release, so they are refused.
pub(super) fn url(text: &str) -> Result<String, Wrong> {
    let schemes = ["https", "http", "ssh", "git"];
    let rest = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)).map(|(_, rest)| rest);
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control()) && text.len() <= 2000;
    let Some(rest) = rest.filter(|rest| plain && rest.starts_with(|c: char| c.is_ascii_alphanumeric())) else {
        let why = format!("{} is not the address of sources", quoted(text));
        return Err(Wrong::new("config.value", why).hint("for example https://example.com/team/project"));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || !text.starts_with("ssh:")) {
        // The text is not repeated: a password is no matter for a log.
        let wrong = Wrong::new("config.value", "the address holds credentials, and would be published with them");
        return Err(wrong.hint("take what stands before the @ away"));
    }
    Ok(text.to_owned())
}

/// A host as references to images have it: in small letters, with a port or without.
pub(super) fn host(text: &str) -> Result<String, Wrong> {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    let number = |port: &str| !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok();
    if text.len() > 255 || !name.split('.').all(label) || !port.is_none_or(number) {
        let wrong = Wrong::new("config.value", format!("{} is not the host of a registry", quoted(text)));
        return Err(wrong.hint("for example ghcr.io or registry.example:5000, without https://"));
    }
    Ok(text.to_owned())
}

/// What closes the scan's gate.
pub(super) fn scan_fail(text: &str) -> Result<ScanFail, Wrong> {
    choice(text, &["none", "module", "symbol"]).map(|word| match word {
        "module" => ScanFail::Module,
        "symbol" => ScanFail::Symbol,
        _ => ScanFail::None,
    })
}

/// A CVSS score (FIRST, CVSS 3.1 §5): 0 to 10 with one decimal at most.
pub(super) fn score(text: &str) -> Result<String, Wrong> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digit = |part: &str| part.len() == 1 && part.as_bytes()[0].is_ascii_digit();
    if digit(tenth) && (digit(whole) || (whole == "10" && tenth == "0")) {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new("config.value", format!("{} is not a CVSS score", quoted(text)));
    Err(wrong.hint("from \"0.0\" to \"10.0\", for example \"7.0\""))
}

/// A database: a path, or a web address without credentials.
pub(super) fn database(text: &str) -> Result<String, Wrong> {
    if text.contains("://") {
        return match Url::parse(&url(text)?) {
            Ok(address) if matches!(address.scheme(), "http" | "https") => Ok(text.to_owned()),
            _ => {
                let wrong = Wrong::new("config.value", format!("{} is no address of a database", quoted(text)));
                Err(wrong.hint("write https://, or a path"))
            }
        };
    }
    any_path(text).map(|_| text.to_owned())
}

/// A server of tokens: credentials are sent there, so that it is https, or the machine itself.
pub(super) fn realm(text: &str) -> Result<String, Wrong> {
    let found = Url::parse(&url(text)?).ok().filter(may_carry_secrets);
    found.map(|_| text.to_owned()).ok_or_else(|| {
        let wrong = Wrong::new("config.value", format!("{} is not a server that gets credentials", quoted(text)));
        wrong.hint("for example https://auth.example")
    })
}

/// What may stand in front of a version in a tag (git-check-ref-format), without what a shell or a glob would read.
pub(super) fn tag_prefix(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let hidden = |text: &str| text.split('/').any(|part| part.starts_with('.')) || text.contains("..");
    let bad = text.len() > 100 || !text.chars().all(fits) || hidden(text) || text.contains("//");
    // Git refuses components that end in `.lock`.
    // Behind a digit nobody could tell where the version begins: "v1" and "v" would both fit v11.0.0.
    if bad || text.starts_with(['-', '/']) || text.contains(".lock/") || text.ends_with(|c: char| c.is_ascii_digit()) {
        let why = format!("{} cannot stand in front of a tag's version", quoted(text));
        return Err(Wrong::new("config.value", why).hint("for example \"v\", \"\" or \"api/v\""));
    }
    Ok(text.to_owned())
}

/// A path within the project: relative, with `/`, without `..`. Gives it without `./` and a final `/`; the project's
/// own folder is `.`.
pub(super) fn path(text: &str) -> Result<String, Wrong> {
    let clean = text.trim_start_matches("./").trim_end_matches('/');
    if text.starts_with('/') || has_drive(text) {
        return Err(bad_path(text, "is absolute").hint("name it relative to the folder of sealift.toml"));
    }
    if clean.split('/').any(|part| part == "..") {
        return Err(bad_path(text, "leads out of the project").hint("everything must be within the project"));
    }
    path_text(text)?;
    let parts: Vec<&str> = clean.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// A path, relative to the project or absolute.
pub(super) fn any_path(text: &str) -> Result<std::path::PathBuf, Wrong> {
    if text.split(['/', '\\']).any(|part| part == "..") {
        return Err(bad_path(text, "holds \"..\"").hint("write an absolute path, or one within the project"));
    }
    if text.starts_with('~') {
        return Err(bad_path(text, "begins with ~, which only a shell replaces").hint("write the path out"));
    }
    line(text).map_err(|_| bad_path(text, "is empty, too long or holds a control character"))?;
    Ok(text.into())
}

fn path_text(text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err(bad_path(text, "is empty").hint("\".\" is the project's folder"));
    }
    if text.contains('\\') {
        return Err(bad_path(text, "holds a backslash").hint("write / between folders, on Windows too"));
    }
    if text.len() > 1000 || text.chars().any(char::is_control) {
        let wrong = bad_path(text, "is too long or holds a control character");
        return Err(wrong.hint("a path is one line of at most 1000 bytes"));
    }
    Ok(())
}

fn bad_path(text: &str, why: &str) -> Wrong {
    Wrong::new("config.path", format!("the path {} {why}", quoted(text)))
}

fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// A template for an archive's name.
pub(super) fn name_template(text: &str) -> Result<Template, Wrong> {
    let template = template(text)?;
    // A name of a file is made of it: what no file name may hold is refused here, where its place is known.
    let forbidden = |c: char| c.is_control() || "/\\<>:\"|?*".contains(c);
    if let Some(found) = template.texts().flat_map(str::chars).find(|c| forbidden(*c)) {
        let at = text.find(found).map(|at| at..at + found.len_utf8());
        let wrong = Wrong::new("config.template", format!("a file name cannot hold {found:?}"));
        return Err(Wrong { at, ..wrong.hint("letters, digits, '-', '_' and '.' are always right") });
    }
    if text.len() > 200 {
        return Err(Wrong::new("config.template", "the template is longer than 200 bytes"));
    }
    Ok(template)
}

/// A template for the path of a file.
pub(super) fn template(text: &str) -> Result<Template, Wrong> {
    template_of(text, Variable::OF_FILES)
}

/// A template in which some variables may occur.
fn template_of(text: &str, known: &'static [Variable]) -> Result<Template, Wrong> {
    Template::read(text, known).map_err(|error: TemplateError| Wrong {
        code: "config.template",
        message: error.to_string(),
        hint: Some(error.hint()),
        at: Some(error.at()).filter(|at| !at.is_empty()),
    })
}

/// An exact version of Go: `1.26.8`, `1.27rc1`. Go itself reads no range, and `1.26` names no release since Go 1.21.
pub(super) fn go_version(text: &str) -> Result<String, Wrong> {
    let number = |text: &str, most: usize| {
        (1..=most).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let minor_and_rest = text.strip_prefix("1.").map(|rest| match rest.split_once('.') {
        Some((minor, patch)) => number(minor, 4) && number(patch, 4),
        None => rest.split_once("rc").is_some_and(|(minor, rc)| number(minor, 4) && number(rc, 2) && rc != "0"),
    });
    if minor_and_rest == Some(true) && !text.starts_with("1.0") {
        return Ok(text.to_owned());
    }
    let bare = text.strip_prefix("go").unwrap_or(text);
    let hint = match bare.strip_prefix("1.") {
        Some(minor) if number(minor, 4) => format!("name a release of it, for example \"{bare}.0\""),
        Some(_) if bare != text => format!("leave \"go\" out: {bare:?}"),
        _ => "for example \"1.26.8\" or \"1.27rc1\"".to_owned(),
    };
    Err(Wrong::new("config.go-version", format!("{} is not an exact version of Go", quoted(text))).hint(hint))
}

/// A build tag (`go help buildconstraint`).
pub(super) fn tag(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    if text.is_empty() || text.len() > 200 || !text.chars().all(fits) {
        let wrong = Wrong::new("config.value", format!("{} is not a build tag", quoted(text)));
        return Err(wrong.hint("one tag an element: tags = [\"netgo\", \"osusergo\"]"));
    }
    Ok(text.to_owned())
}

/// A target or a pattern of targets.
pub(super) fn target(text: &str) -> Result<Pattern, Wrong> {
    // Suggestions compare names, which is slow for long ones.
    let cut = text.char_indices().nth(100).map_or(text, |(at, _)| &text[..at]);
    cut.parse::<Pattern>().map_err(|error| Wrong {
        code: "config.target",
        message: error.to_string(),
        hint: error.hint(),
        at: None,
    })
}

/// A pattern that stands before something for the targets it names.
pub(super) fn rule_target(text: &str) -> Result<Pattern, Wrong> {
    if let Some(rest) = text.strip_prefix('!') {
        let wrong = Wrong::new("config.target", format!("{} excludes, and a rule must include", quoted(text)));
        return Err(wrong.hint(format!("write a rule for {rest:?} instead")));
    }
    target(text)
}

/// An archive format.
pub(super) fn format(text: &str) -> Result<Format, Wrong> {
    text.parse::<Format>().map_err(|_| {
        let wrong = Wrong::new("config.value", format!("there is no format {}", quoted(text)));
        match Some(text).filter(|text| text.len() < 60).and_then(|text| nearest(text, FORMATS.iter().copied())) {
            Some(near) => wrong.hint(format!("did you mean {near:?}?")),
            None => wrong.hint(format!("the formats are {}", FORMATS.join(", "))),
        }
    })
}

/// A word of a command: anything that an argument vector can hold.
pub(super) fn word(index: usize, text: &str) -> Result<String, Wrong> {
    if text.contains('\0') || (index == 0 && text.trim().is_empty()) {
        return Err(Wrong::new("config.value", format!("{} cannot be part of a command", quoted(text))));
    }
    if index == 0 && text.contains(char::is_whitespace) {
        let wrong = Wrong::new("config.value", format!("{} is not the name of a program", quoted(text)));
        let words: Vec<String> = text.split_whitespace().map(|word| format!("{word:?}")).collect();
        return Err(wrong.hint(format!("no shell splits it: [{}]", words.join(", "))));
    }
    Ok(text.to_owned())
}

/// One of some words.
pub(super) fn choice(text: &str, words: &[&'static str]) -> Result<&'static str, Wrong> {
    words.iter().copied().find(|word| *word == text).ok_or_else(|| {
        let wrong = Wrong::new("config.value", format!("{} is none of {}", quoted(text), words.join(", ")));
        let near = Some(text).filter(|text| text.len() < 60).and_then(|text| nearest(text, words.iter().copied()));
        Wrong { hint: near.map(|near| format!("did you mean {near:?}?")), ..wrong }
    })
}

/// What is signed besides the manifest.
pub(super) fn signatures(text: &str) -> Result<Signatures, Wrong> {
    let word = choice(text, SIGNATURES)?;
    Ok(if word == Signatures::Each.word() { Signatures::Each } else { Signatures::Checksums })
}

/// A format of signatures.
pub(super) fn signature_format(text: &str) -> Result<SignatureFormat, Wrong> {
    let word = choice(text, &SignatureFormat::ALL.map(SignatureFormat::name))?;
    Ok(SignatureFormat::ALL.into_iter().find(|format| format.name() == word).unwrap_or(SignatureFormat::Raw))
}
