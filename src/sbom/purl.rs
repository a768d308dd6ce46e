//! Package URLs (package-url/purl-spec): names of packages that mean the same everywhere.

use std::fmt::Write;

/// That of a Go module: the path in lower case, as the type `golang` asks for.
pub(super) fn go(path: &str, version: Option<&str>) -> String {
    let path: Vec<String> = path.split('/').map(|part| encode(&part.to_lowercase())).collect();
    format!("pkg:golang/{}{}", path.join("/"), at(version))
}

/// That of a Go program: its module, for which system and processor, and the folder of its main package.
pub(super) fn go_program(path: &str, version: Option<&str>, system: Option<(&str, &str)>, package: &str) -> String {
    let mut purl = go(path, version);
    // Qualifiers come in the order of their names, and none is empty.
    if let Some((os, arch)) = system.filter(|(os, arch)| !os.is_empty() && !arch.is_empty()) {
        write!(purl, "?goarch={}&goos={}", encode(arch), encode(os)).expect("writing to a string");
    }
    let below = package.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let parts = below.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    for (index, part) in parts.enumerate() {
        purl += if index == 0 { "#" } else { "/" };
        purl += &encode(part);
    }
    purl
}

/// That of a crate of crates.io.
pub(super) fn cargo(name: &str, version: &str) -> String {
    format!("pkg:cargo/{}{}", encode(name), at(Some(version)))
}

/// That of a package of a system: qualifiers in the order of their names.
pub(super) fn package(kind: &str, vendor: &str, (name, version): (&str, &str), arch: &str, distro: &str) -> String {
    let mut purl = format!("pkg:{kind}/{}/{}{}", encode(&vendor.to_lowercase()), encode(name), at(Some(version)));
    let qualifiers = [("arch", arch), ("distro", distro)].into_iter().filter(|(_, value)| !value.is_empty());
    for (index, (name, value)) in qualifiers.enumerate() {
        write!(purl, "{}{name}={}", if index == 0 { '?' } else { '&' }, encode(value)).expect("writing to a string");
    }
    purl
}

fn at(version: Option<&str>) -> String {
    version.filter(|version| !version.is_empty()).map(|version| format!("@{}", encode(version))).unwrap_or_default()
}

/// Percent-encoding of all but letters, digits, `.`, `-`, `_`, `~` and `:` (purl-spec, "Character encoding").
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a string"),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_of_the_specification() {
        assert_eq!(go("github.com/BurntSushi/toml", Some("v1.4.0")), "pkg:golang/github.com/burntsushi/toml@v1.4.0");
        assert_eq!(
            go("github.com/docker/docker", Some("v28.0.0+incompatible")),
            "pkg:golang/github.com/docker/docker@v28.0.0%2Bincompatible"
        );
        assert_eq!(go("a b/c@d", None), "pkg:golang/a%20b/c%40d");
        let program = |package| go_program("example.com/m", None, Some(("linux", "amd64")), package);
        assert_eq!(program("example.com/m/cmd/api"), "pkg:golang/example.com/m?goarch=amd64&goos=linux#cmd/api");
        assert_eq!(program("example.com/m"), "pkg:golang/example.com/m?goarch=amd64&goos=linux");
        assert_eq!(program("command-line-arguments"), program("example.com/m"));
        assert_eq!(cargo("serde", "1.0.0+x"), "pkg:cargo/serde@1.0.0%2Bx");
    }
}
