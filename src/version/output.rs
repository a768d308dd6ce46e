//! A version for the next step of a CI job, as lines that nothing can be smuggled into.

use super::{Next, Release};

/// What a CI job is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told(Vec<(&'static str, String)>);

/// Who reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The file that `GITHUB_OUTPUT` names.
    Github,
    /// A dotenv file: of GitLab's `artifacts:reports:dotenv`, or one that a shell sources.
    Dotenv,
}

/// What is told of a version.
pub fn told(release: &Release, next: Option<&Next>) -> Told {
    let text = |value: Option<String>| value.unwrap_or_default();
    let version = &release.version;
    Told(vec![
        ("release", "true".to_owned()),
        ("version", version.to_string()),
        ("major", version.major.to_string()),
        ("minor", version.minor.to_string()),
        ("patch", version.patch.to_string()),
        ("tag", text(next.map(|next| next.tag.clone()))),
        ("previous", text(next.and_then(|next| next.previous.as_ref()).map(ToString::to_string))),
        ("channel", text(next.map(|next| next.channel.clone()))),
        ("bump", text(next.map(|next| next.bump.word().to_owned()))),
        ("commit", release.commit.id.clone()),
    ])
}

/// What is told of the versions of several services.
pub fn told_of_parts(commit: &str, parts: &[(&str, &Next)]) -> Told {
    let list = |each: fn(&(&str, &Next)) -> String| parts.iter().map(each).collect::<Vec<_>>().join(",");
    Told(vec![
        ("release", "true".to_owned()),
        ("services", list(|(service, _)| (*service).to_owned())),
        ("versions", list(|(_, next)| next.version.to_string())),
        ("tags", list(|(_, next)| next.tag.clone())),
        ("commit", commit.to_owned()),
    ])
}

/// What is told when there is nothing to release.
pub fn told_nothing() -> Told {
    Told(vec![("release", "false".to_owned())])
}

impl Told {
    /// The lines, `name=value`. A value that holds anything but letters, digits and what stands in versions and tags is
    /// left out: no reader of such files agrees with another one on quotes.
    pub fn lines(&self, reader: Reader) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+,".contains(c);
        let line = |(name, value): &(&str, String)| {
            let value = if value.chars().all(plain) { value } else { "" };
            match reader {
                Reader::Github => format!("{name}={value}\n"),
                Reader::Dotenv => format!("SEALIFT_{}={value}\n", name.to_uppercase()),
            }
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_reader_has_its_names() {
        let told = Told(vec![("version", "1.2.3-rc.1+b".into()), ("tag", "api/v1.2.3".into())]);
        assert_eq!(told.lines(Reader::Github), "version=1.2.3-rc.1+b\ntag=api/v1.2.3\n");
        assert_eq!(told.lines(Reader::Dotenv), "SEALIFT_VERSION=1.2.3-rc.1+b\nSEALIFT_TAG=api/v1.2.3\n");
        assert_eq!(told_nothing().lines(Reader::Github), "release=false\n");
    }

    proptest! {
        #[test]
        fn a_value_makes_no_second_line_and_no_command(value in ".*") {
            let told = Told(vec![("tag", value.clone()), ("bump", "minor".into())]);
            for reader in [Reader::Github, Reader::Dotenv] {
                let lines = told.lines(reader);
                prop_assert_eq!(lines.lines().count(), 2);
                prop_assert!(!lines.contains(['$', '`', '"', '\'', ';', '\r', '\0', ' ', '<']));
            }
        }
    }
}
