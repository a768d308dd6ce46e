use proptest::prelude::*;

use super::*;

fn version(text: &str) -> GoVersion {
    text.parse().unwrap()
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
