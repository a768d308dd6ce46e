//! One word, four places: a stage's folder, subcommand, test file and record bear the same name.

use super::Violation;
use super::sources::Sources;
use crate::source::Kind;
use crate::tree::Tree;

/// The stages, in the order in which a release runs them.
const STAGES: &[&str] =
    &["version", "plan", "build", "package", "image", "sbom", "scan", "attest", "verify", "publish", "deploy"];

/// Checks the four places of every stage that has one of them.
pub fn check(tree: &Tree, sources: &Sources<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for stage in STAGES {
        let mut report = |path: String, message: String| {
            violations.push(Violation { path, line: 0, rule: "stage", message });
        };
        let (file, command, test) =
            (format!("src/{stage}.rs"), format!("src/cli/{stage}.rs"), format!("tests/e2e/{stage}.rs"));
        if tree.text(&file).is_some() {
            report(file.clone(), format!("a stage is a folder: move it to src/{stage}/mod.rs"));
        }
        if !tree.has_folder(&format!("src/{stage}")) {
            for path in [command, test].into_iter().filter(|path| tree.text(path).is_some()) {
                report(path, format!("there is no stage src/{stage}/ behind it"));
            }
            continue;
        }
        for path in [command, test].into_iter().filter(|path| tree.text(path).is_none()) {
            report(path.clone(), format!("missing: the stage src/{stage}/ needs {path}"));
        }
        if !has_record(sources, stage) {
            report(
                format!("src/{stage}/mod.rs"),
                format!("no record: nothing in src/ names \"{stage}.json\" or Record::{}", capitalised(stage)),
            );
        }
    }
    violations
}

/// Whether the product names the stage's record.
fn has_record(sources: &Sources<'_>, stage: &str) -> bool {
    let file = format!("{stage}.json");
    let variant = capitalised(stage);
    sources.product().any(|(_, tokens)| {
        let literal = tokens.iter().any(|token| {
            token.kind == Kind::Text && (token.text == file || token.text.ends_with(&format!(".sealift/{file}")))
        });
        literal || tokens.windows(3).any(|w| w[0].is("Record") && w[1].is("::") && w[2].is(&variant))
    })
}

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::of(files);
        check(&tree, &Sources::read(&tree)).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn a_complete_stage_passes_with_either_form_of_record() {
        for record in ["const R: &str = \"plan.json\";", "x(\".sealift/plan.json\")", "Record::Plan"] {
            let files = [("src/plan/mod.rs", record), ("src/cli/plan.rs", ""), ("tests/e2e/plan.rs", "")];
            assert_eq!(paths(&files), [""; 0], "{record}");
        }
    }

    #[test]
    fn each_missing_place_is_named() {
        let record = "\"scan.json\"";
        let missing_test = [("src/scan/mod.rs", record), ("src/cli/scan.rs", "")];
        assert_eq!(paths(&missing_test), ["tests/e2e/scan.rs"]);
        let missing_command = [("src/scan/mod.rs", record), ("tests/e2e/scan.rs", "")];
        assert_eq!(paths(&missing_command), ["src/cli/scan.rs"]);
        let in_a_comment =
            [("src/scan/mod.rs", "// \"scan.json\""), ("src/cli/scan.rs", ""), ("tests/e2e/scan.rs", "")];
        assert_eq!(paths(&in_a_comment), ["src/scan/mod.rs"]);
    }

    #[test]
    fn a_command_without_its_stage_is_named() {
        assert_eq!(paths(&[("src/cli/deploy.rs", "")]), ["src/cli/deploy.rs"]);
        assert_eq!(paths(&[("src/deploy.rs", "")]), ["src/deploy.rs"]);
        assert_eq!(paths(&[("src/cli/update.rs", "")]), [""; 0]);
    }
}
