//! What is new in a version, from real histories.

use crate::sandbox::Sandbox;

/// A project with a remote, one release, and commits that would do something if they could.
fn project() -> Sandbox {
    let sandbox = Sandbox::service();
    sandbox.git(&["remote", "add", "origin", "git@github.com:acme/shop.git"]);
    sandbox.commit("feat: begin");
    sandbox.git(&["tag", "v1.0.0"]);
    sandbox.commit("fix(cart): no panic on @alice's <b>empty</b> cart (#41)");
    sandbox.commit(
        "feat!: red \u{1b}[31m [click](https://evil.example)\n\nBREAKING CHANGE: # prices are\nin cents \u{202e}now",
    );
    sandbox
}

#[test]
fn the_next_version_is_told_and_nothing_in_it_does_anything() {
    let sandbox = project();
    let ids: Vec<String> = ["HEAD", "HEAD~1"].map(|name| sandbox.git(&["rev-parse", name])).into();
    let link = |id: &str| format!("[`{}`](https://github.com/acme/shop/commit/{id})", &id[..7]);
    let want = format!(
        "### Breaking changes

- \\# prices are in cents \\\\u{{202e}}now ({})

### Added

- red \\\\u{{1b}}\\[31m \\[`click](https://evil.example`) ({})

### Fixed

- **cart:** no panic on `@alice's` &lt;b&gt;empty&lt;/b&gt; cart ([\\#41](https://github.com/acme/shop/issues/41)) ({})

**Contributors:** a

**All changes:** [v1.0.0...v2.0.0](https://github.com/acme/shop/compare/v1.0.0...v2.0.0)
",
        link(&ids[0]),
        link(&ids[0]),
        link(&ids[1]),
    );
    assert_eq!(sandbox.ok(&["version", "changelog"]).stdout, want);
}

#[test]
fn the_file_is_kept_and_a_second_time_changes_nothing() {
    let sandbox = project();
    assert_eq!(sandbox.ok(&["version", "changelog", "--all", "--write"]).stdout, "CHANGELOG.md\n");
    let text = sandbox.read("CHANGELOG.md");
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}:\n{text}"));
    assert!(
        at("## [2.0.0]") < at("### Breaking") && at("### Fixed") < at("## [1.0.0]") && at("## [1.0.0]") < at("begin")
    );
    assert_eq!(sandbox.ok(&["version", "changelog", "--all"]).stdout, text);
    sandbox.write("CHANGELOG.md", &text.replace("- begin", "- we begin, at last"));
    let edited = sandbox.read("CHANGELOG.md");
    // The file makes the tree dirty, which is no hindrance; and there is nothing to add.
    assert_eq!(sandbox.ok(&["version", "changelog", "--write"]).stdout, "");
    assert_eq!(sandbox.ok(&["version", "changelog", "--all", "--write"]).stdout, "");
    assert_eq!(sandbox.read("CHANGELOG.md"), edited);
    sandbox.commit("fix: one more");
    sandbox.ok(&["version", "changelog", "--write"]).quietly();
    let added = sandbox.read("CHANGELOG.md");
    assert!(added.contains("- one more (") && added.contains("- we begin, at last"), "{added}");
}

#[test]
fn the_notes_belong_to_the_release() {
    let sandbox = project();
    sandbox.git(&["tag", "v2.0.0"]);
    let (key, public) = sandbox.key();
    sandbox.ok(&["release", "--key", &key, "--target", "host"]).quietly();
    assert_eq!(sandbox.read("dist/notes.md"), sandbox.ok(&["version", "changelog"]).stdout);
    sandbox.ok(&["verify", "dist", "--key", &public]).quietly();
    sandbox.ok(&["attest", "--key", &key, "--target", "host"]).quietly();
    sandbox.ok(&["verify", "dist", "--key", &public]).quietly();
    sandbox.write("dist/notes.md", &sandbox.read("dist/notes.md").replace("panic", "Panic"));
    sandbox.run(&["verify", "dist", "--key", &public]).fails(8, "verify.digest-mismatch", &["notes.md"]).quietly();
}

#[test]
fn a_template_and_headings_of_ones_own() {
    let sandbox = project();
    sandbox.write(
        "sealift.toml",
        "[changelog]\ntemplate = \"notes.jinja\"\nforge = \"none\"\nsections = { fix = \"Repaired\" }\n",
    );
    sandbox.run(&["version", "changelog"]).fails(3, "survey.no-file", &["notes.jinja"]).quietly();
    sandbox.write("notes.jinja", "{% for s in sections %}{{ s.title }} {{ s.items|length }}\n{% endfor %}");
    assert_eq!(sandbox.ok(&["version", "changelog"]).stdout, "Added 1\nRepaired 1\n");
    sandbox.write("notes.jinja", "one\n{{ version }} {{ nobody }}\n");
    sandbox
        .run(&["version", "changelog"])
        .fails(3, "changelog.template", &["notes.jinja:2:", "a template knows version"])
        .quietly();
}

#[test]
fn nothing_to_release_is_nothing_to_tell() {
    let sandbox = project();
    sandbox.git(&["tag", "v2.0.0"]);
    sandbox.commit("docs: words");
    sandbox.run(&["version", "changelog"]).fails(4, "version.nothing", &[]).quietly();
    let all = sandbox.ok(&["version", "changelog", "--all"]).stdout;
    assert!(all.contains("[2.0.0]") && !all.contains("words"), "{all}");
}
