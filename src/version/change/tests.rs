use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

fn commit(message: &str) -> Logged {
    Logged { id: ID.into(), parents: vec![ID.into()], time: 7, author: "A".into(), message: message.into() }
}

fn of(message: &str) -> Vec<Change> {
    Change::of(&commit(message), &VersionRules::built_in())
}

/// `bump kind(scope): description`, one for each change.
fn told(message: &str) -> Vec<String> {
    let show = |change: &Change| {
        let scope = change.scope.as_ref().map_or_else(String::new, |scope| format!("({scope})"));
        format!("{} {}{scope}: {}", change.bump.word(), change.kind.as_deref().unwrap_or("?"), change.description)
    };
    of(message).iter().map(show).collect()
}

#[test]
fn types_ask_for_their_steps() {
    for (message, expected) in [
        ("feat: a", "minor feat: a"),
        ("fix(x): a", "patch fix(x): a"),
        ("perf: a", "patch perf: a"),
        ("docs: a", "none docs: a"),
        ("docs!: a", "major docs: a"),
        ("chore: a\n\nBREAKING CHANGE: b", "major chore: a"),
        ("whatever: a", "none whatever: a"),
        ("Some text", "none ?: Some text"),
        ("Revert \"feat: a\"\n\nThis reverts commit 0123456789.", "patch ?: Revert \"feat: a\""),
        ("", "none ?: "),
    ] {
        assert_eq!(told(message), [expected], "{message:?}");
    }
    let mut rules = VersionRules::built_in();
    rules.types.insert("deps".into(), Bump::Patch);
    rules.types.insert("feat".into(), Bump::Patch);
    rules.unconventional = Unconventional::Patch;
    let bump = |message: &str| Change::of(&commit(message), &rules)[0].bump;
    assert_eq!((bump("deps: a"), bump("feat: a"), bump("text")), (Bump::Patch, Bump::Patch, Bump::Patch));
}

#[test]
fn the_list_of_a_squashed_commit_counts() {
    // As GitHub writes it, with a title of its own or the first commit's.
    let message =
        "Things (#12)\n\n* feat(api): a\n\nwhy\n\n* fix: b\n\n* no type\n* docs: c\n\nCo-authored-by: X <x@y>";
    assert_eq!(told(message), ["minor feat(api): a", "patch fix: b", "none docs: c"]);
    assert_eq!(of(message)[0].body, "why");
    let message = "feat: a (#12)\n\n* feat: a\n\n* fix!: b";
    assert_eq!(told(message), ["minor feat: a (#12)", "major fix: b"]);
    // As `git merge --squash` writes it.
    let squash = "Squashed commit of the following:\n\ncommit 89abcdef0123456789abcdef0123456789abcdef\nAuthor: A <a@b>\nDate:   Thu Jan 1 00:00:00 1970 +0000\n\n    fix: b\n    \n    BREAKING CHANGE: c\n\ncommit 01abcdef0123456789abcdef0123456789abcdef\nAuthor: A <a@b>\nDate:   Thu Jan 1 00:00:00 1970 +0000\n\n    feat: a\n";
    assert_eq!(told(squash), ["major fix: b", "minor feat: a"]);
    assert_eq!(of(squash)[0].breaking, ["c"]);
    // As `git rebase --interactive` joins messages.
    assert_eq!(told("fix: a\n\nfeat: b"), ["patch fix: a", "minor feat: b"]);
    // Prose is no list.
    assert_eq!(told("fix: a\n\nFix: it was wrong\n* note: b\n  * feat: c\nwith fix: d"), ["patch fix: a"]);
}

#[test]
fn a_merge_tells_its_first_line_alone() {
    let mut merge = commit("Merge pull request #1 from a/b\n\nfeat: a");
    merge.parents.push(ID.into());
    let rules = VersionRules { unconventional: Unconventional::Patch, ..VersionRules::built_in() };
    let changes = Change::of(&merge, &rules);
    assert_eq!((changes.len(), changes[0].bump, changes[0].merge), (1, Bump::None, true));
    merge.message = "feat: b".into();
    assert_eq!(Change::of(&merge, &rules)[0].bump, Bump::Minor);
}

#[test]
fn reverts_references_and_wishes_are_found() {
    let reverts = |message: &str| of(message)[0].reverts.clone();
    assert_eq!(reverts("Revert \"x\"\n\nThis reverts commit ABCDEF0123456."), ["abcdef0123456"]);
    let merge = format!("Revert \"Merge\"\n\nThis reverts commit {ID}, reversing\nchanges made to {ID}.");
    assert_eq!(reverts(&merge), [ID]);
    assert_eq!(reverts("revert: x\n\nRefs: 676104e, a215868"), ["676104e", "a215868"]);
    assert_eq!(reverts("fix: x\n\nRefs: 676104e"), [""; 0]);
    assert_eq!(reverts("revert: x\n\nThis reverts commit 12."), [""; 0]);
    let message = "fix(a): b (#12)\n\nsee group/project#3, !7 and word#1, #x\n\nCloses: #4\nFixes #5";
    assert_eq!(of(message)[0].references, ["#12", "group/project#3", "!7", "#4", "#5"]);
    assert_eq!(of("chore: a\n\nRelease-as: 2.0.0")[0].release_as(), Some("2.0.0"));
    assert_eq!(of("Release-As: 2.0.0")[0].release_as(), None);
}

#[test]
fn a_hostile_message_costs_little() {
    let long = format!("feat: a\n\n{}", "* fix: b\n".repeat(20_000));
    assert_eq!(of(&long).len(), MOST_LINES);
    assert_eq!(of(&"#1 ".repeat(100_000))[0].references, ["#1"]);
    assert_eq!(of("feat: \u{1b}[31mred\u{202e}")[0].description, "\u{1b}[31mred\u{202e}");
}
