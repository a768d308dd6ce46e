//! Licences of modules, as their files say them.

use crate::modules::{Proxy, TARGET};
use crate::sandbox::Sandbox;

pub const MIT: &str = "The MIT License (MIT)\n\nCopyright (c) 2024 Somebody <s@example.com>\n\nPermission is hereby granted, \
    free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to \
    deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, \
    distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do \
    so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all \
    copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, \
    EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND \
    NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, \
    WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR \
    OTHER DEALINGS IN THE SOFTWARE.\n";

/// A service with three modules: under a known licence, under words of somebody's own, and under none.
fn project(proxy: &Proxy) -> Sandbox {
    let module = |name: &str, license: Option<&str>| {
        let code = format!("package {name}\n\nfunc Text() string {{ return \"{name}\" }}\n");
        let file = format!("{name}.go");
        let mut files = vec![(file.as_str(), code.as_str())];
        files.extend(license.map(|text| ("LICENSE", text)));
        proxy.module(&format!("example.com/{name}"), "v1.0.0", &files);
    };
    let odd = MIT.replace("subject to the following", "for good and not for evil, subject to the following");
    module("known", Some(MIT));
    module("odd", Some(&odd));
    module("none", None);
    let main = "package main\n\nimport (\n\t\"example.com/known\"\n\t\"example.com/none\"\n\t\"example.com/odd\"\n)\n\n\
                func main() { print(known.Text(), none.Text(), odd.Text()) }\n";
    let sandbox = Sandbox::with(&[("main.go", main), ("sealift.toml", TARGET)]).with_proxy(proxy);
    for name in ["known", "odd", "none"] {
        sandbox.go(&["mod", "edit", &format!("-require=example.com/{name}@v1.0.0")]);
    }
    sandbox.go(&["mod", "tidy"]);
    sandbox.commit("modules");
    sandbox
}

/// What both forms say of the three modules.
fn licenses(sandbox: &Sandbox) -> Vec<String> {
    let (cyclone, spdx) =
        (sandbox.json(&super::file(sandbox, "amd64.cdx.json")), sandbox.json(&super::file(sandbox, "amd64.spdx.json")));
    let of = |name: &str| {
        let name = format!("example.com/{name}");
        let part = super::part(&cyclone["components"], &name);
        let declared = &super::part(&spdx["packages"], &name)["licenseDeclared"];
        let one = part["licenses"][0]["expression"].as_str().unwrap_or("NOASSERTION");
        assert_eq!(declared, one);
        one.to_owned()
    };
    ["known", "odd", "none"].map(of).to_vec()
}

#[test]
fn a_known_text_is_named_and_everything_else_is_not() {
    let proxy = Proxy::new();
    let sandbox = project(&proxy);
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert_eq!(licenses(&sandbox), ["MIT", "NOASSERTION", "NOASSERTION"]);
    // The modules are fetched again where only the store is left.
    sandbox.forget_modules();
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert_eq!(licenses(&sandbox), ["MIT", "NOASSERTION", "NOASSERTION"]);
}

#[test]
fn vendored_modules_have_theirs_in_the_tree() {
    let proxy = Proxy::new();
    let sandbox = project(&proxy);
    sandbox.go(&["mod", "vendor"]);
    sandbox.commit("vendored");
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert_eq!(licenses(&sandbox), ["MIT", "NOASSERTION", "NOASSERTION"]);
    // What stands in the tree counts, also when the program is the same.
    sandbox.write("vendor/example.com/known/LICENSE", &MIT.replace("any person", "any person but one"));
    sandbox.commit("changed");
    sandbox.ok(&["release", "--snapshot"]).quietly();
    assert_eq!(licenses(&sandbox)[0], "NOASSERTION");
}

#[test]
fn what_cannot_be_looked_at_is_said_and_looked_at_the_next_time() {
    let proxy = Proxy::new();
    let mut sandbox = project(&proxy);
    let settings = format!("{TARGET}mod-verify = false\nmod-tidy = false\n");
    sandbox.write("sealift.toml", &settings);
    sandbox.commit("unchecked");
    // The program is in the store; what it was made of is gone.
    sandbox.ok(&["build"]).quietly();
    sandbox.forget_modules();
    let url = sandbox.env.insert("GOPROXY".into(), "off".into()).unwrap();
    let run = sandbox.ok(&["sbom", "--snapshot"]);
    assert!(
        run.stderr.contains("tells no licence of 3 modules, example.com/known@v1.0.0 among them"),
        "{}",
        run.stderr
    );
    assert_eq!(licenses(&sandbox), ["NOASSERTION"; 3]);
    sandbox.env.insert("GOPROXY".into(), url);
    sandbox.ok(&["sbom", "--snapshot"]).quietly();
    assert_eq!(licenses(&sandbox), ["MIT", "NOASSERTION", "NOASSERTION"]);
}

/// The modules are fetched as the go command fetches them; a module cache beside the build folder keeps them.
#[test]
fn a_hundred_modules_are_under_what_their_files_say() {
    let list = include_str!("../../vectors/license/modules.txt");
    let rows: Vec<Vec<&str>> =
        list.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 100);
    let output = std::process::Command::new("go")
        .args(["mod", "download", "-json"])
        .args(rows.iter().map(|row| format!("{}@{}", row[0], row[1])))
        .env("GOMODCACHE", crate::sandbox::shared().join("go-mod-licenses"))
        .env("GOFLAGS", "-modcacherw")
        .env("GOTOOLCHAIN", "local")
        .current_dir(crate::sandbox::shared())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    let folders: std::collections::BTreeMap<String, String> = answers
        .map(|answer| answer.unwrap())
        .map(|answer| (answer["Path"].as_str().unwrap().to_owned(), answer["Dir"].as_str().unwrap().to_owned()))
        .collect();
    let (mut right, mut unknown, mut wrong) = (0, Vec::new(), Vec::new());
    for row in &rows {
        let found = sealift::sbom::license::of_folder(std::path::Path::new(&folders[row[0]])).unwrap();
        match found.as_deref() {
            Some(found) if found == row[2] => right += 1,
            Some(found) => wrong.push(format!("{}: {found}, and it is {}", row[0], row[2])),
            None => unknown.push(row[0]),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(right >= 97, "{right} right; not known: {unknown:?}");
}
