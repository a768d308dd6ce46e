//! Spellings, and what lists select.

use super::*;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn chosen(texts: &[&str]) -> Vec<String> {
    resolve(&patterns(texts), "go1.26.8", &[]).unwrap().iter().map(Target::to_string).collect()
}

#[test]
fn one_platform_has_one_spelling() {
    for (text, spelled) in [
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/mips/softfloat", "linux/mips/softfloat"),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), spelled);
    }
}

#[test]
fn spelled_for_go_rust_and_oci() {
    let target: Target = "linux/arm/v6".parse().unwrap();
    let go: Vec<String> = target.go_env().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(go, ["GOOS=linux", "GOARCH=arm", "GOARM=6"]);
    assert_eq!(target.rust_triple(), Some("arm-unknown-linux-musleabihf"));
    assert_eq!(target.platform().variant.as_deref(), Some("v6"));
    let softfloat: Target = "linux/mips/softfloat".parse().unwrap();
    assert_eq!((softfloat.go_env()[2].clone(), softfloat.platform().variant), (("GOMIPS", "softfloat".into()), None));
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest() {
    let hint = |text: &str| text.parse::<Pattern>().unwrap_err().hint();
    assert_eq!(hint("linux/adm64").as_deref(), Some("did you mean linux/amd64?"));
    assert_eq!(hint("linus/*").as_deref(), Some("did you mean linux/*?"));
    assert_eq!(hint("linux/arm/v9").as_deref(), Some("it has v7, v6, v5"));
    assert_eq!(hint("linux/x86_64").as_deref(), Some("did you mean linux/amd64?"));
    assert_eq!(hint("macos/*").as_deref(), Some("did you mean darwin/*?"));
    assert_eq!(hint("*/aarch64").as_deref(), Some("did you mean */arm64?"));
    assert_eq!(hint("*/arm/v9").as_deref(), Some("it has v7, v6, v5"));
    assert_eq!(hint("*/s390x/v9").as_deref(), Some("it has none"));
    for text in
        ["", "!", "!!linux/amd64", "**", "*/", "/*", "*/*/*/*", "lin*/amd64", "*/*/v99", "linux/amd64 ", "Linux/amd64"]
    {
        assert!(text.parse::<Pattern>().is_err(), "{text:?}");
    }
    for text in ["", "linux", "linux/", "linux/arm/v7/x", "linux/am\nd64", "../..", "linux/s390x/v2", "darwin/386"] {
        assert!(text.parse::<Pattern>().is_err(), "{text:?}");
    }
}

#[test]
fn patterns_select_and_exclude() {
    assert_eq!(chosen(&["!windows/386"]).len(), 8);
    assert_eq!(chosen(&["linux/*"]).len(), 13);
    assert_eq!(chosen(&["windows/*", "!windows/386"]), ["windows/amd64", "windows/arm64"]);
    assert_eq!(chosen(&["linux/amd64", "linux/amd64/v1", "host"])[0], "linux/amd64");
    assert_eq!(chosen(&["*/amd64/v3", "!*/amd64/*", "linux/arm"]), ["linux/arm/v7"]);
    assert_eq!(chosen(&["linux/amd64/v2", "linux/amd64/v3", "!*/*/v3"]), ["linux/amd64/v2"]);
    // A variant that holds anyway is the plain target, in a wildcard too.
    assert_eq!(chosen(&["linux/*/v1"]), ["linux/amd64"]);
    assert_eq!(chosen(&["linux/arm64", "linux/amd64", "!*/arm64/v8"]), ["linux/amd64"]);
    assert!("linux/amd64/*".parse::<Pattern>().unwrap().matches(&"linux/amd64/v3".parse().unwrap()));
    assert!("!linux/*".parse::<Pattern>().unwrap().excludes());
    let empty = resolve(&patterns(&["linux/arm", "!linux/*"]), "go1.26.8", &[]).unwrap_err();
    assert_eq!(empty.code(), "target.empty");
}

#[test]
fn the_toolchain_has_the_last_word() {
    let listed = vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()];
    let all = resolve(&patterns(&["all"]), "go1.99.0", &listed).unwrap();
    assert_eq!(all.len(), 2);
    let lacking = resolve(&patterns(&["linux/386"]), "go1.99.0", &listed).unwrap_err();
    assert_eq!(lacking.to_string(), "go1.99.0 cannot build for linux/386");
}

#[test]
fn oci_has_one_spelling_of_a_platform() {
    // As containerd normalises (platforms/database.go): arm64/v8 and amd64/v1 are plain, arm is v7.
    for (text, variant) in [
        ("linux/arm64/v8", None),
        ("linux/arm64", None),
        ("linux/arm64/v8.2", Some("v8.2")),
        ("linux/amd64/v1", None),
        ("linux/amd64/v3", Some("v3")),
        ("linux/arm", Some("v7")),
        ("linux/386/softfloat", None),
        ("linux/riscv64/rva22u64", None),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().platform().variant.as_deref(), variant, "{text}");
    }
}

#[test]
fn every_target_is_written_as_it_is_read() {
    for pair in PAIRS {
        let target: Target = pair.parse().unwrap();
        assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
        assert_eq!(target.pair(), *pair);
        for variant in VARIANTS.iter().filter(|(arch, ..)| *arch == target.arch()).flat_map(|(.., known)| *known) {
            let with: Target = format!("{pair}/{variant}").parse().unwrap();
            assert_eq!(with.to_string().parse::<Target>().unwrap(), with);
        }
    }
    let host = Target::host();
    assert_eq!(host.to_string().parse::<Target>().unwrap(), host);
}
