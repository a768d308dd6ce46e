use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Message {
    Message::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn footers(message: &Message) -> Vec<(&str, &str)> {
    message.footers.iter().map(|footer| (footer.token.as_str(), footer.value.as_str())).collect()
}

/// The examples of Conventional Commits 1.0.0, in its order.
#[test]
fn the_examples_of_the_specification() {
    let both = parse(
        "feat: allow provided config object to extend other configs\n\nBREAKING CHANGE: `extends` key in config file is now used for extending other config files",
    );
    assert_eq!((both.kind.as_str(), both.bang, both.body.as_str()), ("feat", false, ""));
    assert_eq!(both.breaking(), ["`extends` key in config file is now used for extending other config files"]);
    let bang = parse("feat!: send an email to the customer when a product is shipped");
    assert_eq!(bang.breaking(), ["send an email to the customer when a product is shipped"]);
    let scoped = parse("feat(api)!: send an email to the customer when a product is shipped");
    assert_eq!((scoped.scope.as_deref(), scoped.bang), (Some("api"), true));
    let chore =
        parse("chore!: drop support for Node 6\n\nBREAKING CHANGE: use JavaScript features not available in Node 6.");
    assert_eq!(chore.breaking(), ["use JavaScript features not available in Node 6."]);
    let docs = parse("docs: correct spelling of CHANGELOG");
    assert_eq!((docs.kind.as_str(), docs.breaking().len(), docs.body.as_str()), ("docs", 0, ""));
    let lang = parse("feat(lang): add Polish language");
    assert_eq!((lang.scope.as_deref(), lang.description.as_str()), (Some("lang"), "add Polish language"));
    let long = parse(
        "fix: prevent racing of requests\n\nIntroduce a request id and a reference to latest request. Dismiss\nincoming responses other than from latest request.\n\nRemove timeouts which were used to mitigate the racing issue but are\nobsolete now.\n\nReviewed-by: Z\nRefs: #123",
    );
    assert!(long.body.starts_with("Introduce") && long.body.ends_with("obsolete now."), "{}", long.body);
    assert_eq!(long.body.matches("\n\n").count(), 1);
    assert_eq!(footers(&long), [("Reviewed-by", "Z"), ("Refs", "#123")]);
    let revert = parse("revert: let us never again speak of the noodle incident\n\nRefs: 676104e, a215868");
    assert_eq!((revert.kind.as_str(), footers(&revert)), ("revert", vec![("Refs", "676104e, a215868")]));
}

#[test]
fn rules_1_4_and_5_a_type_a_scope_a_colon_a_space_a_description() {
    for (text, why) in [
        ("", Unlike::Empty),
        ("\n\n", Unlike::Empty),
        ("a sentence", Unlike::NoType),
        ("feat", Unlike::NoType),
        (": a", Unlike::NotAType),
        ("fixup! feat: a", Unlike::NotAType),
        ("two words: a", Unlike::NotAType),
        ("feat (api): a", Unlike::NotAType),
        ("feat(api) : a", Unlike::NotAType),
        ("feat!!: a", Unlike::NotAType),
        ("feat!(api): a", Unlike::NotAType),
        ("feat(api: a", Unlike::Scope),
        ("feat(): a", Unlike::Scope),
        ("feat( ): a", Unlike::Scope),
        ("feat((a)): a", Unlike::Scope),
        ("feat:a", Unlike::NoSpace),
        ("feat:\ta", Unlike::NoSpace),
        ("feat:", Unlike::NoDescription),
        ("feat: ", Unlike::NoDescription),
        ("https://example.com: a", Unlike::NoSpace),
    ] {
        assert_eq!(Message::parse(text), Err(why), "{text:?}");
    }
    assert_eq!(parse("\nfix(a b/c):  spaced ").description, "spaced");
    assert_eq!(parse("fix(a b/c): x").scope.as_deref(), Some("a b/c"));
}

#[test]
fn rules_6_and_7_a_body_of_any_paragraphs() {
    assert_eq!(parse("fix: a\r\n\r\none\r\n\r\ntwo\r\n").body, "one\n\ntwo");
    assert_eq!(parse("fix: a\nno gap").body, "no gap");
    assert!(gap_is_missing("fix: a\nno gap") && !gap_is_missing("fix: a\n\ngap") && !gap_is_missing("fix: a"));
}

#[test]
fn rules_8_to_10_footers() {
    let message = parse(
        "fix: a\n\nbody: no footer yet is read: here\nNot-A: footer inside a paragraph\n\nAcked-by: B\n C\n\nstill C\nFixes #12\nlast-one: d\n",
    );
    // A paragraph whose first line is one begins the footers, and a value goes on until the next token.
    assert_eq!(footers(&message)[0], ("body", "no footer yet is read: here"));
    let message = parse("fix: a\n\nA body.\nNot-A: footer inside a paragraph\n\nAcked-by: B\n C\n\nstill B\nFixes #12");
    assert_eq!(message.body, "A body.\nNot-A: footer inside a paragraph");
    assert_eq!(footers(&message), [("Acked-by", "B\n C\n\nstill B"), ("Fixes", "12")]);
    assert!(message.footers[1].hash);
    assert_eq!(footers(&parse("fix: a\n\nAcked by: B")), []);
    assert_eq!(footers(&parse("fix: a\n\nAcked-by:B")), []);
    assert_eq!(footers(&parse("fix: a\n\n-Acked: B")), []);
}

#[test]
fn rules_11_to_13_15_and_16_what_breaks() {
    assert_eq!(parse("feat: a\n\nBREAKING CHANGE: b").breaking(), ["b"]);
    assert_eq!(parse("feat: a\n\nBREAKING-CHANGE: b").breaking(), ["b"]);
    assert_eq!(parse("feat!: a\n\nBREAKING CHANGE: b\nBREAKING CHANGE: c").breaking(), ["b", "c"]);
    assert_eq!(parse("feat: a\n\nBREAKING CHANGE:\nb").breaking(), ["b"]);
    assert_eq!(parse("feat: a\n\ntext\nBREAKING CHANGE: b").breaking(), ["b"]);
    assert_eq!(parse("docs!: a").breaking(), ["a"]);
    for no in
        ["breaking change: b", "Breaking-Change: b", "BREAKING CHANGES: b", "BREAKING CHANGE b", "BREAKING CHANGE:b"]
    {
        assert!(parse(&format!("feat: a\n\n{no}")).breaking().is_empty(), "{no}");
    }
}

#[test]
fn rules_14_and_15_any_type_in_any_case() {
    assert_eq!(parse("Feat(API): A").kind, "feat");
    assert_eq!(parse("FIX: a").kind, "fix");
    assert_eq!(parse("später: a").kind, "später");
}

fn message() -> impl Strategy<Value = Message> {
    let line = "[A-Z][a-zA-Z0-9 .,é漢]{0,20}[a-z.]";
    let paragraph = prop::collection::vec(line, 1..3).prop_map(|lines| lines.join("\n"));
    let body = prop::collection::vec(paragraph, 0..3).prop_map(|paragraphs| paragraphs.join("\n\n"));
    let token = prop_oneof!["[A-Z][a-z]{1,6}(-[a-z]{1,4})?", Just("BREAKING CHANGE".to_owned())];
    let footer = (token, any::<bool>(), line, prop::option::of(line)).prop_map(|(token, hash, value, more)| {
        let hash = hash && token != BREAKING;
        let more = more.map_or_else(String::new, |more| format!("\n {more}"));
        Footer { token, hash, value: value + &more }
    });
    (
        "[a-z][a-z0-9-]{0,8}",
        prop::option::of("[a-zA-Z0-9_/-]{1,8}"),
        any::<bool>(),
        "[a-zA-Z0-9:!#()é]([ -~é]{0,30}[a-z.])?",
        body,
        prop::collection::vec(footer, 0..4),
    )
        .prop_map(|(kind, scope, bang, description, body, footers)| Message {
            kind,
            scope,
            bang,
            description,
            body,
            footers,
        })
}

proptest! {
    #[test]
    fn printed_and_read_again_it_is_the_same(message in message()) {
        let text = message.to_string();
        prop_assert_eq!(Message::parse(&text).unwrap(), message, "{}", text);
    }

    #[test]
    fn no_text_is_too_much(text in "(feat|BREAKING CHANGE|[(!:#\\n\\r -~é\u{202e}\u{0}]){0,60}") {
        if let Ok(message) = Message::parse(&text) {
            prop_assert!(!message.kind.is_empty() && !message.description.is_empty());
            let again = Message::parse(&message.to_string()).unwrap();
            prop_assert_eq!(&again.breaking(), &message.breaking());
            prop_assert_eq!((again.kind, again.scope, again.bang), (message.kind, message.scope, message.bang));
        }
    }
}
