//! A49: twenty secrets, each where its owner keeps it, and every command at its most talkative. None may be printed,
//! recorded, released, or stand in the arguments of a child: not as it is, not in part, and in no other spelling.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Base64Url, Encoding};

use crate::sandbox::{EPOCH, Run, Sandbox};

/// The secrets, by where they are kept.
const CANARIES: [&str; 20] = [
    "SEALIFT_KEY_PASSWORD",
    "SEALIFT_REGISTRY_PASSWORD",
    "SEALIFT_REGISTRY_TOKEN",
    "docker password",
    "docker identity token",
    "docker helper",
    "GOPROXY",
    "HTTPS_PROXY",
    "GOAUTH",
    "git header",
    "git remote",
    "netrc",
    "git-credentials",
    "GITHUB_TOKEN",
    "CI_JOB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "signer",
    "scan database",
    "scan netrc",
    "split",
];

/// A secret that no text has by chance, with characters that addresses, JSON and base64 spell in their own way.
fn canary(of: &str) -> String {
    let at = CANARIES.iter().position(|name| *name == of).unwrap_or_else(|| panic!("{of}"));
    format!("c4nary{at:02}-left+/ri@ht{at:02}ye11ow")
}

/// The same as an address has it.
fn in_url(of: &str) -> String {
    canary(of).replace('+', "%2B").replace('/', "%2F").replace('@', "%40")
}

/// What gives a secret away: either half of it, and what is sure to stand in any base64 of a text around it.
fn traces() -> BTreeMap<String, String> {
    let mut traces = BTreeMap::new();
    for name in CANARIES {
        let secret = canary(name);
        let mut add = |trace: &str| traces.insert(trace.to_owned(), name.to_owned());
        let (left, right) = secret.split_at(secret.find('+').unwrap());
        add(left);
        add(&right[right.find('@').unwrap() + 1..]);
        add(&in_url(name));
        for before in 0..3 {
            let bytes = [&vec![0; before], secret.as_bytes()].concat();
            for text in [Base64::encode_string(&bytes), Base64Url::encode_string(&bytes)] {
                add(&text[4..bytes.len() / 3 * 4]);
            }
        }
    }
    traces
}

/// Where secrets were looked for, and what was there.
struct Witness {
    traces: BTreeMap<String, String>,
    /// The lines of secret keys.
    keys: Vec<String>,
    found: Vec<String>,
}

impl Witness {
    fn look(&mut self, place: &str, text: &str) {
        let keys = self.keys.iter().map(|line| (line, "a line of a secret key"));
        let traces = self.traces.iter().map(|(trace, name)| (trace, name.as_str()));
        for (trace, name) in traces.chain(keys).filter(|(trace, _)| text.contains(trace.as_str())) {
            let at = text.find(trace.as_str()).unwrap();
            let start = (0..=at.saturating_sub(200)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            self.found.push(format!("{place}: {name}: …{}", &text[start..at + trace.len()]));
        }
    }

    fn look_below(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            self.look("a file's name", &path.file_name().unwrap().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                self.look_below(&path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                self.look(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// A service with a signer, a hook and a database, and every secret in its place.
fn furnished() -> Sandbox {
    let sandbox = Sandbox::service().env("SEALIFT_KEY_PASSWORD", &canary("SEALIFT_KEY_PASSWORD"));
    sandbox.key();
    let home = sandbox.dir.path().join("home");
    let put = |name: &str, text: &str| {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    let auth = Base64::encode_string(format!("user:{}", canary("docker password")).as_bytes());
    put(
        ".docker/config.json",
        &format!(
            r#"{{"auths":{{"127.0.0.1:1":{{"auth":"{auth}"}},"127.0.0.1:2":{{"auth":"","identitytoken":"{}"}}}},"credHelpers":{{"127.0.0.1:3":"canary"}}}}"#,
            canary("docker identity token")
        ),
    );
    // A helper that answers, and says too much.
    let helper = canary("docker helper");
    put(
        "bin/docker-credential-canary",
        &format!("#!/bin/sh\necho 'debug: {helper}' >&2\nprintf '{{\"Username\":\"u\",\"Secret\":\"{helper}\"}}'\n"),
    );
    put(
        ".netrc",
        &format!(
            "machine 127.0.0.1 login u password {}\nmachine localhost login u password {}\n",
            canary("netrc"),
            canary("scan netrc")
        ),
    );
    put(".git-credentials", &format!("https://u:{}@example.com\n", in_url("git-credentials")));
    put(".gitconfig", "[credential]\n\thelper = store\n");
    sandbox.git(&["remote", "add", "origin", &format!("https://u:{}@127.0.0.1:1/a.git", in_url("git remote"))]);
    let path = format!("{}:{}", home.join("bin").display(), sandbox.env["PATH"]);
    let vars = [
        ("PATH", path),
        ("GOPROXY", format!("https://u:{}@127.0.0.1:1,off", in_url("GOPROXY"))),
        ("HTTPS_PROXY", format!("http://u:{}@127.0.0.1:1", in_url("HTTPS_PROXY"))),
        ("GOAUTH", format!("git {}", canary("GOAUTH"))),
        ("GIT_CONFIG_COUNT", "1".into()),
        ("GIT_CONFIG_KEY_0", "http.extraHeader".into()),
        ("GIT_CONFIG_VALUE_0", format!("Authorization: Bearer {}", canary("git header"))),
        ("GITHUB_TOKEN", canary("GITHUB_TOKEN")),
        ("CI_JOB_TOKEN", canary("CI_JOB_TOKEN")),
        ("AWS_SECRET_ACCESS_KEY", canary("AWS_SECRET_ACCESS_KEY")),
        ("VAULT_TOKEN", canary("signer")),
        ("AZURE_CLIENT_SECRET", canary("split")),
        ("RUST_BACKTRACE", "full".into()),
    ];
    vars.into_iter().fold(sandbox, |sandbox, (name, value)| sandbox.env(name, &value))
}

/// A signer that repeats what it was given, in two writes, in base64, and as an address has it.
const SIGNER: &str = r#"
cat >/dev/null
left="${AZURE_CLIENT_SECRET%%+*}"
printf '%s' "$left" >&2; sleep 0.05; printf '%s\n' "${AZURE_CLIENT_SECRET#"$left"}" >&2
printf '%s\n' "$VAULT_TOKEN" >&2
printf 'user:%s' "$VAULT_TOKEN" | openssl base64 -A >&2
printf '\n%s\n' "$AWS_SECRET_ACCESS_KEY" | sed 's/+/%2B/g; s#/#%2F#g; s/@/%40/g' >&2
exit 3
"#;

fn with_signer(sandbox: &Sandbox, more: &str) {
    let script = sandbox.dir.path().join("signer.sh");
    std::fs::write(&script, SIGNER).unwrap();
    let public = std::fs::read_to_string(sandbox.key().1).unwrap();
    sandbox.write("signer.pub", &public);
    sandbox.write(
        "sealift.toml",
        &format!("[attest]\nkey = \"signer.pub\"\nsigner = [\"sh\", \"{}\"]\n{more}", script.display()),
    );
}

/// Runs sealift with the arguments of every child that is started below it written down.
fn watched(sandbox: &Sandbox, args: &[&str], into: &mut Witness) -> Run {
    let log = sandbox.dir.path().join("children.log");
    let command = sandbox.command(args);
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-e", "signal=none", "-o"]).arg(&log);
    tracer.arg(command.get_program()).args(command.get_args());
    tracer.current_dir(sandbox.project()).env_clear().envs(&sandbox.env);
    let run = Run::of(&tracer.output().expect("strace is on PATH: cargo xtask tools strace"));
    let calls = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    let calls: Vec<&str> = calls.lines().filter(|line| line.contains("execve(")).collect();
    assert!(!calls.is_empty(), "{args:?}: nothing was traced");
    for call in calls {
        // `execve("/usr/bin/git", ["git", "log"], ["PATH=…"]) = 0`: the environment is where secrets may be.
        let arguments = call.split_once(", [").map_or(call, |(_, rest)| rest);
        let arguments = arguments.split_once("], [").map_or(arguments, |(arguments, _)| arguments);
        into.look(&format!("{args:?}: the arguments of a child"), arguments);
    }
    into.look(&format!("{args:?}: stdout"), &run.stdout);
    into.look(&format!("{args:?}: stderr"), &run.stderr);
    run
}

#[test]
#[cfg(target_os = "linux")]
fn a49_no_canary_is_seen_anywhere() {
    let sandbox = furnished();
    let (key, public) = sandbox.key();
    let pem = std::fs::read_to_string(&key).unwrap();
    assert!(pem.contains("ENCRYPTED"), "{pem}");
    let mut witness = Witness { traces: traces(), keys: secret_lines(&pem), found: Vec::new() };
    let registry = |host: &str| format!("[image]\nrepository = \"{host}/app\"\n");
    let database =
        format!("[scan]\ndatabase = [\"https://u:{}@127.0.0.1:1/db\"]\nfail = \"symbol\"\n", in_url("scan database"));
    let one = ["--snapshot", "--target", "linux/amd64"];
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    let with = |first: &[&str]| words(&[first, &one[..]].concat());
    let at = |host: &str| format!("{host}/a@sha256:{}", sealift_trust::Digest::of(b"").hex());
    // What works: every command once with a key of its own.
    let commands = vec![
        with(&["release", "--key", &key]),
        words(&["build", "--target", "linux/amd64"]),
        words(&["package", "--target", "linux/amd64"]),
        words(&["image", "--target", "linux/amd64"]),
        with(&["sbom"]),
        with(&["plan"]),
        with(&["attest", "--key", &key]),
        words(&["verify", "--key", &public]),
        words(&["version", "--snapshot"]),
        words(&["version", "bump"]),
        words(&["version", "lint"]),
        words(&["version", "changelog"]),
        words(&["image", "explain"]),
        words(&["image", "resolve", "--file", "deploy.yml"]),
        words(&["sbom", "diff", "dist", "dist"]),
        words(&["verify", &at("127.0.0.1:2"), "--key", &public]),
        words(&["check"]),
        words(&["scan", "dist", "--database", "https://localhost:1/db"]),
        words(&["key", "public", &key]),
        words(&["key", "show", &key]),
        words(&["key", "generate", "more.key"]),
        words(&["key", "import", &key, "taken.key"]),
        words(&["update"]),
        words(&["cache", "stats"]),
        words(&["cache", "prune"]),
        words(&["schema"]),
        words(&["completions", "bash"]),
        words(&["man"]),
        words(&["help"]),
        words(&["toolchain", "1.99.0"]),
        words(&["image", "copy", &at("127.0.0.1:1"), "oci:copy"]),
        words(&["image", "copy", &at("127.0.0.1:2"), "oci:copy"]),
        words(&["image", "copy", &at("127.0.0.1:3"), "oci:copy"]),
        words(&["no-such-command"]),
    ];
    assert_covered(&sandbox, &commands);
    for command in &commands {
        // What is printed for programs is made of the same words: a few commands stand for all.
        let twice = ["release", "plan", "verify", "scan", "no-such-command"].contains(&command[0].as_str());
        for more in [&["-v"][..], &["--json", "-v"]].into_iter().take(if twice { 2 } else { 1 }) {
            let args: Vec<&str> = command.iter().map(String::as_str).chain(more.iter().copied()).collect();
            watched(&sandbox, &args, &mut witness).quietly();
        }
    }
    // What fails, with the words of others: a signer, a registry, a database, a proxy.
    let elsewhere = sandbox
        .env("SEALIFT_REGISTRY_HOST", "127.0.0.1:1")
        .env("SEALIFT_REGISTRY_USER", "u")
        .env("SEALIFT_REGISTRY_PASSWORD", &canary("SEALIFT_REGISTRY_PASSWORD"));
    // A line that is refused because of the secret in it is shown.
    with_signer(&elsewhere, &database);
    let refused = ["check", "scan"].map(|word| watched(&elsewhere, &[word, "-v"], &mut witness));
    assert!(refused.iter().all(|run| run.stderr.contains("config.value")), "{}", refused[0].stderr);
    // The signer speaks, and all that it says of its secrets is hidden.
    with_signer(&elsewhere, &registry("127.0.0.1:1"));
    let run = watched(&elsewhere, &["release", "--snapshot", "--target", "linux/amd64", "--clean", "-v"], &mut witness);
    assert!(run.stderr.contains("process.failed") && run.stderr.matches("***").count() >= 4, "{}", run.stderr);
    let pushed = ["attest", "--snapshot", "--target", "linux/amd64", "--push", "-v"];
    for words in
        [&["image", "--push", "--target", "linux/amd64", "-v"][..], &["version", "--tag", "--push", "-v"], &pushed]
    {
        watched(&elsewhere, words, &mut witness).quietly();
    }
    let mut token = elsewhere;
    for name in ["SEALIFT_REGISTRY_PASSWORD", "SEALIFT_REGISTRY_USER"] {
        token.env.remove(name);
    }
    let token = token.env("SEALIFT_REGISTRY_TOKEN", &canary("SEALIFT_REGISTRY_TOKEN"));
    std::fs::write(token.path("sealift.toml"), registry("127.0.0.1:1")).unwrap();
    watched(&token, &["image", "--push", "--target", "linux/amd64", "-v"], &mut witness).quietly();
    // A key in a variable, in the clear.
    let mut clear = token;
    clear.env.remove("SEALIFT_KEY_PASSWORD");
    clear.ok(&["key", "generate", "../clear.key"]).quietly();
    let pem = std::fs::read_to_string(clear.dir.path().join("clear.key")).unwrap();
    witness.keys.extend(secret_lines(&pem));
    let clear = clear.env("SEALIFT_KEY_PEM", &pem).env("SOURCE_DATE_EPOCH", &EPOCH.to_string());
    std::fs::remove_file(clear.path("sealift.toml")).unwrap();
    watched(&clear, &["release", "--snapshot", "--target", "linux/amd64", "--clean", "-v"], &mut witness).quietly();
    assert!(clear.path("dist/release.json").is_file());
    for folder in [".sealift", "dist"] {
        witness.look_below(&clear.path(folder));
    }
    witness.look_below(Path::new(&clear.env["SEALIFT_CACHE"]));
    assert!(witness.found.is_empty(), "{}", witness.found.join("\n"));
}

/// The lines of a key that are the key.
fn secret_lines(pem: &str) -> Vec<String> {
    pem.lines().filter(|line| !line.starts_with("--") && line.len() > 8).map(str::to_owned).collect()
}

/// Every command that the program has, and every word of each, is among those that are run.
fn assert_covered(sandbox: &Sandbox, commands: &[Vec<String>]) {
    for name in listed(&sandbox.ok(&["help"]).stdout) {
        assert!(commands.iter().any(|words| words[0] == name), "no run of `sealift {name}`: add one");
        if name == "help" {
            continue;
        }
        for word in listed(&sandbox.ok(&["help", &name]).stdout).into_iter().filter(|word| word != "help") {
            let is_run = commands.iter().any(|words| words[0] == name && words.contains(&word));
            assert!(is_run, "no run of `sealift {name} {word}`: add one");
        }
    }
}

/// The words in the list of commands of a help text.
fn listed(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
    let lines = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// A panic has words of its own, and shows whatever value was at hand.
#[test]
#[cfg(debug_assertions)]
fn a_panic_is_told_as_a_bug_and_without_secrets() {
    let sandbox = furnished();
    let (key, _) = sandbox.key();
    let pem = std::fs::read_to_string(&key).unwrap();
    let mut witness = Witness { traces: traces(), keys: secret_lines(&pem), found: Vec::new() };
    let said: Vec<String> = ["SEALIFT_KEY_PASSWORD", "GITHUB_TOKEN", "GOPROXY"].map(canary).to_vec();
    let sandbox = sandbox.env("SEALIFT_KEY_PEM", &pem).env("SEALIFT_DEBUG_PANIC", &format!("{said:?}\n{pem}"));
    for (more, is_json) in [(&["-v"][..], false), (&["--json"], true)] {
        let run = watched(&sandbox, &[&["check"], more].concat(), &mut witness);
        assert_eq!(run.exit, 1, "{}{}", run.stdout, run.stderr);
        let told = if is_json { &run.stdout } else { &run.stderr };
        assert!(told.contains("console.panic") && told.contains("sealift has a bug"), "{told}");
        assert!(told.matches("***").count() >= 4 && !run.stderr.contains("panicked at"), "{told}{}", run.stderr);
    }
    assert!(witness.found.is_empty(), "{}", witness.found.join("\n"));
}

/// A search that finds nothing would be no search.
#[test]
fn the_traces_are_found_where_they_are() {
    let mut witness = Witness { traces: traces(), keys: vec!["MC4CAQAwBQ".into()], found: Vec::new() };
    let secret = canary("netrc");
    let halves = secret.split_at(10);
    let basic = Base64::encode_string(format!("user:{secret}").as_bytes());
    let texts = [secret.clone(), format!("{}\n{}", halves.0, halves.1), basic, in_url("netrc"), "MC4CAQAwBQYD".into()];
    for text in &texts {
        witness.look("here", text);
        assert!(!witness.found.is_empty(), "{text}");
        witness.found.clear();
    }
    witness.look("here", "nothing of the kind");
    assert!(witness.found.is_empty());
}
