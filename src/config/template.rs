//! Templates for names: text with a closed set of variables, so that nothing but these values can get into a name.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::nearest;
use crate::target::Target;

/// A parsed template, for example `{service}_{version}_{target}`. `{{` and `}}` stand for braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Text with the braces already unescaped.
    Text(String),
    Variable(Variable),
}

/// A variable of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `{project}`.
    Project,
    /// `{service}`.
    Service,
    /// `{version}`, without the tag's prefix.
    Version,
    /// `{os}`: GOOS.
    Os,
    /// `{arch}`: GOARCH.
    Arch,
    /// `{variant}`: for example `v7`; empty where the target has none.
    Variant,
    /// `{target}`: `os_arch`, with `_variant` where the target has one.
    Target,
    /// `{major}` of the version.
    Major,
    /// `{minor}` of the version.
    Minor,
    /// `{commit}`: the first twelve digits of the commit.
    Commit,
    /// `{channel}`: `stable`, the word of a prerelease (`rc`), or `snapshot`.
    Channel,
}

impl Variable {
    /// Those of a file's name, in the order of the documentation.
    pub const OF_FILES: &'static [Variable] = &[
        Variable::Project,
        Variable::Service,
        Variable::Version,
        Variable::Os,
        Variable::Arch,
        Variable::Variant,
        Variable::Target,
    ];

    /// Those of an image's tag.
    pub const OF_TAGS: &'static [Variable] =
        &[Variable::Version, Variable::Major, Variable::Minor, Variable::Commit, Variable::Channel];

    /// Those of an image's repository.
    pub const OF_REPOSITORIES: &'static [Variable] = &[Variable::Project, Variable::Service];

    /// The name between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Variable::Project => "project",
            Variable::Service => "service",
            Variable::Version => "version",
            Variable::Os => "os",
            Variable::Arch => "arch",
            Variable::Variant => "variant",
            Variable::Target => "target",
            Variable::Major => "major",
            Variable::Minor => "minor",
            Variable::Commit => "commit",
            Variable::Channel => "channel",
        }
    }
}

/// What a template is filled with.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// The version, without the tag's prefix.
    pub version: &'a str,
    /// The target.
    pub target: &'a Target,
}

/// What is wrong with a template, and where in its text (a range of bytes).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name in braces that is no variable.
    #[error("a template has no variable {name:?}")]
    Unknown {
        /// As written.
        name: String,
        /// The braces and what is in them.
        at: Range<usize>,
        /// The nearest variable.
        nearest: Option<&'static str>,
        /// Those that there are.
        known: &'static [Variable],
    },
    /// `{` without `}`.
    #[error("a brace is opened and not closed")]
    Open {
        /// The brace.
        at: Range<usize>,
    },
    /// `}` without `{`.
    #[error("a brace is closed that was not opened")]
    Closed {
        /// The brace.
        at: Range<usize>,
    },
    /// Nothing at all.
    #[error("a template cannot be empty")]
    Empty {
        /// The variables that there are.
        known: &'static [Variable],
    },
}

impl TemplateError {
    /// Where in the template's text, in bytes.
    pub fn at(&self) -> Range<usize> {
        match self {
            Self::Unknown { at, .. } | Self::Open { at } | Self::Closed { at } => at.clone(),
            Self::Empty { .. } => 0..0,
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(near), .. } => format!("did you mean {{{near}}}?"),
            Self::Unknown { known, .. } | Self::Empty { known } => {
                let all: Vec<String> = known.iter().map(|variable| format!("{{{}}}", variable.name())).collect();
                format!("the variables are {}", all.join(" "))
            }
            Self::Open { .. } => "write {{ for a brace that is meant as text".into(),
            Self::Closed { .. } => "write }} for a brace that is meant as text".into(),
        }
    }
}

impl Template {
    /// Reads a template in which some variables may occur.
    pub fn read(text: &str, known: &'static [Variable]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(next) = text[at..].find(['{', '}']).map(|next| at + next) {
            plain.push_str(&text[at..next]);
            let brace = &text[next..=next];
            if text[next + 1..].starts_with(brace) {
                plain.push_str(brace);
                at = next + 2;
            } else if brace == "}" {
                return Err(TemplateError::Closed { at: next..next + 1 });
            } else {
                let (variable, end) = variable_at(text, next, known)?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Variable(variable));
                at = end;
            }
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts.is_empty() { Err(TemplateError::Empty { known }) } else { Ok(Self { parts }) }
    }

    /// Fills the variables of a file's name in. The result is as plain as the values are: who makes a file name of it
    /// checks that.
    pub fn render(&self, fields: &Fields) -> String {
        let stem = fields.target.stem();
        self.fill(|variable| match variable {
            Variable::Project => fields.project,
            Variable::Service => fields.service,
            Variable::Version => fields.version,
            Variable::Os => fields.target.os(),
            Variable::Arch => fields.target.arch(),
            Variable::Variant => fields.target.variant().unwrap_or(""),
            Variable::Target => &stem,
            // Those of tags and repositories do not occur in a name.
            Variable::Major | Variable::Minor | Variable::Commit | Variable::Channel => "",
        })
    }

    /// Puts a value in the place of each variable.
    pub fn fill<'a>(&'a self, value: impl Fn(Variable) -> &'a str) -> String {
        let text = |part: &'a Part| match part {
            Part::Text(text) => text.as_str(),
            Part::Variable(variable) => value(*variable),
        };
        self.parts.iter().map(text).collect()
    }

    /// Whether a variable occurs.
    pub fn has(&self, variable: Variable) -> bool {
        self.parts.contains(&Part::Variable(variable))
    }

    /// The text around the variables, unescaped.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable(_) => None,
        })
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    /// Reads a template for a file's name.
    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::read(text, Variable::OF_FILES)
    }
}

/// Reads a variable whose opening brace is at a byte; gives it and the byte behind the closing one.
fn variable_at(text: &str, open: usize, known: &'static [Variable]) -> Result<(Variable, usize), TemplateError> {
    let body = &text[open + 1..];
    let length = body
        .find(['{', '}'])
        .filter(|end| body[*end..].starts_with('}'))
        .ok_or(TemplateError::Open { at: open..open + 1 })?;
    let (name, end) = (&body[..length], open + length + 2);
    let found = known.iter().copied().find(|variable| variable.name() == name);
    let unknown = || TemplateError::Unknown {
        name: name.chars().take(60).collect(),
        at: open..end,
        nearest: Some(name)
            .filter(|name| name.len() <= 60)
            .and_then(|name| nearest(name, known.iter().map(|variable| variable.name()))),
        known,
    };
    found.map(|variable| (variable, end)).ok_or_else(unknown)
}

impl fmt::Display for Template {
    /// Writes the template so that parsing it gives the same template.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Variable(variable) => write!(f, "{{{}}}", variable.name()),
        })
    }
}

impl serde::Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn render(template: &str, target: &str) -> String {
        let target: Target = target.parse().unwrap();
        let fields = Fields { project: "shop", service: "api", version: "1.2.3", target: &target };
        template.parse::<Template>().unwrap().render(&fields)
    }

    #[test]
    fn every_variable_is_filled_in() {
        assert_eq!(render("{service}_{version}_{target}", "linux/arm/v6"), "api_1.2.3_linux_arm_v6");
        assert_eq!(render("{project}-{os}-{arch}{variant}", "windows/amd64"), "shop-windows-amd64");
        assert_eq!(render("{{{os}}}", "linux/386"), "{linux}");
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_is() {
        let error = |text: &str| text.parse::<Template>().unwrap_err();
        let unknown = error("µ{servce}_x");
        assert_eq!((unknown.at(), unknown.hint().as_str()), (2..10, "did you mean {service}?"));
        assert_eq!(error("a{service"), TemplateError::Open { at: 1..2 });
        assert_eq!(error("{ser{vice}"), TemplateError::Open { at: 0..1 });
        assert_eq!(error("a}b"), TemplateError::Closed { at: 1..2 });
        assert!(matches!(error(""), TemplateError::Empty { .. }));
        assert!(matches!(error("{}"), TemplateError::Unknown { .. }));
        assert!(matches!(error("{.Env.TOKEN}"), TemplateError::Unknown { nearest: None, .. }));
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![
            "[ -~µ]{1,8}".prop_map(Part::Text),
            prop::sample::select(Variable::OF_FILES.to_vec()).prop_map(Part::Variable)
        ]
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(parts in prop::collection::vec(part(), 1..6)) {
            let text = Template { parts }.to_string();
            let parsed: Template = text.parse().unwrap();
            prop_assert_eq!(parsed.to_string(), text);
        }

        #[test]
        fn parse_then_print_is_identity(text in "[a-z{}µ]{0,20}|([a-z]|\\{\\{|\\}\\}|\\{os\\}){1,9}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
