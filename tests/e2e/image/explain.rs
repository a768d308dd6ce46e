//! What an image consists of, told.

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

const ARGS: &[&str] = &["image", "--target", "linux/amd64,linux/arm64"];

fn explained(sandbox: &Sandbox) -> Value {
    let run = sandbox.ok(&["image", "explain", "--json"]);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    last["product"].clone()
}

/// What each layer of a platform is, on how many platforms it is, and whether the release before has it.
fn layers(explained: &Value, platform: usize) -> Vec<(String, u64, bool)> {
    let layers = explained["platforms"][platform]["layers"].as_array().unwrap();
    let told = |layer: &Value| {
        let what = layer["what"].as_str().unwrap().to_owned();
        (what, layer["platforms"].as_u64().unwrap(), layer["released"].as_bool().unwrap())
    };
    layers.iter().map(told).collect()
}

fn change(sandbox: &Sandbox, word: &str) {
    sandbox.write("main.go", &format!("{}\nvar {word} = 1\n", sandbox.read("main.go")));
    sandbox.commit(word);
}

#[test]
fn each_layer_is_told_with_what_is_shared_and_the_largest_files() {
    let sandbox = Sandbox::service();
    sandbox.write("sealift.toml", "[image]\nfiles = { \"/etc/app.yml\" = \"go.mod\" }\n");
    sandbox.ok(ARGS).quietly();
    let first = explained(&sandbox);
    let row = |what: &str, platforms, released| (what.to_owned(), platforms, released);
    let fresh = [row("root files", 2, false), row("configured files", 2, false), row("program", 1, false)];
    assert_eq!([layers(&first, 0), layers(&first, 1)], [fresh.to_vec(), fresh.to_vec()]);
    let platform = &first["platforms"][0];
    assert_eq!(platform["platform"], "linux/amd64");
    let sizes = platform["layers"].as_array().unwrap().iter().map(|layer| layer["size"].as_u64().unwrap());
    assert!(sizes.sum::<u64>() < platform["size"].as_u64().unwrap(), "the configuration counts too");
    let largest: Vec<&str> =
        first["largest"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    let (program, bundle) = ("usr/bin/service", "etc/ssl/certs/ca-certificates.crt");
    assert_eq!(largest[..3], [program, program, bundle], "of two platforms, the largest first");

    // An image of the next release is compared with the one before it; made again, nothing is different.
    change(&sandbox, "second");
    sandbox.ok(ARGS).quietly();
    sandbox.ok(ARGS).quietly();
    let second = [row("root files", 2, true), row("configured files", 2, true), row("program", 1, false)];
    assert_eq!(layers(&explained(&sandbox), 0), second);
    let table = sandbox.ok(&["image", "explain"]).stdout;
    let shared = |what: &str| table.lines().filter(|line| line.contains(what)).collect::<Vec<_>>();
    assert!(shared("root files").iter().all(|line| line.ends_with("platforms, last release")), "{table}");
    assert!(shared("program").iter().all(|line| !line.contains("last release")), "{table}");
    assert!(table.contains("/usr/bin/service"), "{table}");
}

#[test]
fn a_layer_over_the_budget_is_told_beside_those_that_were_there_before() {
    let sandbox = Sandbox::service();
    let release = ["release", "--snapshot", "--target", "linux/amd64"];
    sandbox.ok(&release).quietly();
    let dist = sandbox.digests("dist");
    change(&sandbox, "more");
    sandbox.write("sealift.toml", "[image]\nbudget = \"1 MB\"\n");
    let run: Run = sandbox.run(&release).fails(10, "image.budget", &["image.budget"]);
    let line = |what: &str| run.stderr.lines().find(|line| line.contains(what)).unwrap_or_default().to_owned();
    assert!(line("root files").ends_with("last release"), "{}", run.stderr);
    assert!(line(" program ").contains(" MB") && !line(" program ").contains("last release"), "{}", run.stderr);
    assert_eq!(sandbox.digests("dist"), dist, "a closed gate leaves the last release as it is");
}
