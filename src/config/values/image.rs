//! The rules for values of `[image]`.

use super::{line, quoted, target, template_of};
use crate::archive::MemberPath;
use crate::config::error::Wrong;
use crate::config::settings::image::Base;
use crate::config::template::{Template, Variable};
use crate::error::Fault;
use crate::oci::{OciError, Place, Repository};
use crate::target::Pattern;

/// What an image stands on.
pub fn base(text: &str) -> Result<Base, Wrong> {
    if text == Base::Scratch.text() {
        return Ok(Base::Scratch);
    }
    let place = text.parse::<Place>().map_err(|error| reference(&error))?;
    Ok(Base::Image { text: line(text)?, place })
}

/// A name of an image that is refused.
fn reference(error: &OciError) -> Wrong {
    let wrong = Wrong::new("config.reference", error.to_string());
    wrong.hint(error.hint().unwrap_or_else(|| "for example \"alpine:3.22\" or \"ghcr.io/acme/shop\"".to_owned()))
}

/// A repository, as a template: how it reads once it is filled in is what counts.
pub fn repository(text: &str) -> Result<Template, Wrong> {
    let template = template_of(text, Variable::OF_REPOSITORIES)?;
    line(text)?;
    template.fill(|_| "x").parse::<Repository>().map_err(|error| reference(&error))?;
    Ok(template)
}

/// A pattern of Linux targets.
pub fn platform(text: &str) -> Result<Pattern, Wrong> {
    let pattern = target(text)?;
    let os = text.trim_start_matches('!').split('/').next().unwrap_or("");
    if matches!(os, "linux" | "*" | "all" | "host") {
        return Ok(pattern);
    }
    let wrong = Wrong::new("config.platform", format!("images are made for Linux, and {} is not", quoted(text)));
    Err(wrong.hint("its archive is made all the same: take it out of platforms"))
}

/// A tag, as a template.
pub fn tag(text: &str) -> Result<Template, Wrong> {
    let template = template_of(text, Variable::OF_TAGS)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = !text.starts_with(['.', '-']);
    if !first || text.len() > 100 || !template.texts().all(|text| text.chars().all(fits)) {
        let wrong = Wrong::new("config.tag", format!("{} cannot be a tag", quoted(text)));
        return Err(wrong.hint("letters, digits, '_', '.' and '-', and no '.' or '-' in front"));
    }
    Ok(template)
}

/// `user[:group]`, as numbers or names.
pub fn user(text: &str) -> Result<String, Wrong> {
    let fits = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !name.is_empty() && name.len() <= 64 && !name.starts_with('-') && name.chars().all(plain)
    };
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let number = |name: &str| !name.chars().all(|c| c.is_ascii_digit()) || name.parse::<u32>().is_ok();
    let all = [Some(user), group];
    if all.into_iter().flatten().all(|name| fits(name) && number(name)) {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new("config.user", format!("{} is not a user", quoted(text)));
    Err(wrong.hint("for example \"65532:65532\", \"nonroot\" or \"0\""))
}

/// An absolute path in the image; gives it without a final `/`.
pub fn path(text: &str) -> Result<String, Wrong> {
    let refuse =
        |why: String, hint: &str| Err(Wrong::new("config.path", format!("the path {} {why}", quoted(text))).hint(hint));
    let Some(inner) = text.strip_prefix('/') else {
        return refuse("in the image is not absolute".into(), "a path in the image begins with /");
    };
    let inner = inner.trim_end_matches('/');
    if inner.is_empty() {
        return Ok("/".to_owned());
    }
    match MemberPath::new(inner) {
        Ok(_) => Ok(format!("/{inner}")),
        Err(error) => refuse(format!("cannot be in an image: {error}"), "for example /etc/shop/shop.yml"),
    }
}

/// A path in the image that a file goes to, and the file of the project.
pub fn file(to: &str, from: &str) -> Result<(), Wrong> {
    if path(to)? == "/" || to.ends_with('/') {
        let wrong = Wrong::new("config.path", format!("{} is a folder, and a file's path is wanted", quoted(to)));
        return Err(wrong.hint("for example \"/etc/shop/shop.yml\" = \"deploy/shop.yml\""));
    }
    super::path(from).map(drop)
}

/// A variable of the program. Every name that a shell knows is right, also those that the compiler must not be given.
pub fn variable(name: &str, value: &str) -> Result<(), Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.len() > 200 || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits)
    {
        let wrong = Wrong::new("config.env", format!("{} is not the name of a variable", quoted(name)));
        return Err(wrong.hint("letters, digits and _"));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Wrong::new("config.env", format!("the value of {name} holds a control character")));
    }
    Ok(())
}

/// A label.
pub fn label(name: &str, value: &str) -> Result<(), Wrong> {
    let fits = |c: char| c.is_ascii_graphic() && c != '=' && c != '"';
    if name.is_empty() || name.len() > 200 || !name.chars().all(fits) {
        let wrong = Wrong::new("config.label", format!("{} is not the name of a label", quoted(name)));
        return Err(wrong.hint("for example \"com.example.team\""));
    }
    if value.chars().any(char::is_control) || value.len() > 4096 {
        let wrong = Wrong::new("config.label", format!("the label {name} is too long or holds a control character"));
        return Err(wrong.hint("one line of at most 4096 bytes"));
    }
    Ok(())
}

/// A port; gives it with its protocol.
pub fn port(text: &str) -> Result<String, Wrong> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let plain = number.bytes().all(|c| c.is_ascii_digit()) && !number.starts_with('0');
    if plain && number.parse::<u16>().is_ok() && ["tcp", "udp", "sctp"].contains(&protocol) {
        return Ok(format!("{number}/{protocol}"));
    }
    let wrong = Wrong::new("config.port", format!("{} is not a port", quoted(text)));
    Err(wrong.hint("for example \"8080/tcp\" or \"53/udp\""))
}

/// A signal.
pub fn signal(text: &str) -> Result<String, Wrong> {
    let named = text.strip_prefix("SIG").is_some_and(|rest| {
        (2..=12).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '+')
    });
    let number = text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number) && !text.starts_with(['0', '+']));
    if named || number {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new("config.signal", format!("{} is not a signal", quoted(text)));
    Err(wrong.hint("for example \"SIGTERM\" or \"15\""))
}
