//! Environment variables that a project may hand to the Go compiler.

use super::error::{Wrong, quoted};

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
