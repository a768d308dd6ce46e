//! The steps of an upload against registries that answer in every order.

use std::ops::Range;

use proptest::prelude::*;

use super::upload::{Odd, Reply, Step, Upload};
use crate::host::http::Url;

fn at(name: &str) -> Url {
    Url::parse(&format!("https://r.example/{name}")).unwrap()
}

fn reply(status: u16, location: Option<&str>, range: Option<&str>) -> Reply {
    Reply { status, location: location.map(at), range: range.map(Into::into), chunk: None }
}

/// The steps that some answers lead to.
fn steps(size: u64, replies: Vec<Option<Reply>>) -> Vec<Step> {
    let mut upload = Upload::new(size, None);
    let mut steps = vec![upload.step.clone()];
    for reply in replies {
        match reply {
            Some(reply) => upload.answered(reply).unwrap(),
            None => upload.cut(),
        }
        steps.push(upload.step.clone());
    }
    steps
}

fn chunk(name: &str, range: Range<u64>) -> Step {
    Step::Chunk(at(name), range)
}

#[test]
fn in_one_piece_where_that_goes_well() {
    let found = steps(5, vec![Some(reply(202, Some("a"), None)), Some(reply(201, None, None))]);
    assert_eq!(found, [Step::Begin, Step::Whole(at("a")), Step::Done]);
}

#[test]
fn a_cut_upload_goes_on_where_it_was_cut() {
    let opened = || Some(reply(202, Some("a"), None));
    let found = steps(
        10,
        vec![
            opened(),
            None,
            Some(reply(204, Some("b"), Some("0-3"))),
            None,
            Some(reply(204, None, Some("0-9"))),
            Some(reply(201, None, None)),
        ],
    );
    let asked = |name| Step::Ask(at(name));
    let all = [
        Step::Begin,
        Step::Whole(at("a")),
        asked("a"),
        chunk("b", 4..10),
        asked("b"),
        Step::Finish(at("b")),
        Step::Done,
    ];
    assert_eq!(found, all);
    let nothing = steps(10, vec![opened(), None, Some(reply(204, None, Some("0-0")))]);
    assert_eq!(nothing[3], Step::Whole(at("a")));
}

#[test]
fn in_chunks_where_one_piece_is_too_large() {
    const MIB: u64 = 1 << 20;
    let found = steps(
        70 * MIB,
        vec![
            Some(reply(202, Some("a"), None)),
            Some(reply(413, None, None)),
            Some(reply(202, Some("b"), None)),
            Some(reply(202, Some("c"), Some("0-33554431"))),
            Some(reply(202, Some("d"), None)),
            Some(reply(202, Some("e"), None)),
        ],
    );
    assert_eq!(found[2..5], [Step::Begin, chunk("b", 0..32 * MIB), chunk("c", 32 * MIB..64 * MIB)]);
    assert_eq!(found[5..], [chunk("d", 64 * MIB..70 * MIB), Step::Finish(at("e"))]);
}

#[test]
fn a_registry_may_ask_for_larger_chunks_within_reason() {
    let least = |least| {
        let mut upload = Upload::new(1 << 40, None);
        for mut reply in [reply(202, Some("a"), None), reply(413, None, None), reply(202, Some("b"), None)] {
            reply.chunk = Some(least);
            upload.answered(reply).unwrap();
        }
        upload.step
    };
    assert_eq!(least(40 << 20), chunk("b", 0..40 << 20));
    assert_eq!(least(1), chunk("b", 0..32 << 20));
    assert_eq!(least(u64::MAX), chunk("b", 0..1 << 30));
}

#[test]
fn a_lost_session_is_begun_again_once() {
    let mut upload = Upload::new(5, Some(at("mount")));
    assert_eq!(upload.step, Step::Whole(at("mount")));
    upload.answered(reply(404, None, None)).unwrap();
    assert_eq!(upload.step, Step::Begin);
    upload.answered(reply(202, Some("a"), None)).unwrap();
    assert_eq!(upload.answered(reply(404, None, None)), Err(Odd::Status));
}

#[test]
fn ranges_that_were_not_sent_are_refused() {
    for range in ["0-10", "0-18446744073709551615", "1-3", "5", "0--1", "bytes 0-3", ""] {
        let mut upload = Upload::new(10, Some(at("a")));
        upload.cut();
        let odd = upload.answered(reply(204, None, Some(range)));
        assert!(matches!(odd, Err(Odd::Range(_))), "{range}: {odd:?}");
    }
}

#[test]
fn answers_without_a_place_or_a_meaning_are_refused() {
    assert!(matches!(Upload::new(5, None).answered(reply(202, None, None)), Err(Odd::Answer(_))));
    assert!(matches!(Upload::new(5, None).answered(reply(200, Some("a"), None)), Err(Odd::Answer(_))));
    assert!(matches!(Upload::new(5, Some(at("a"))).answered(reply(202, Some("a"), None)), Err(Odd::Answer(_))));
    assert!(matches!(Upload::new(5, Some(at("a"))).answered(reply(500, None, None)), Err(Odd::Status)));
}

proptest! {
    /// An honest registry that cuts wherever it likes gets every byte once, in order.
    #[test]
    fn every_byte_arrives_once(size in 1u64..200_000_000, whole: bool, cuts in prop::collection::vec(0u64..100, 0..30)) {
        let (mut upload, mut there, mut cuts) = (Upload::new(size, None), 0, cuts.into_iter());
        for _ in 0..300 {
            let range = |there: u64| format!("0-{}", there.saturating_sub(1));
            let answer = match upload.step.clone() {
                Step::Done => break,
                Step::Begin => {
                    there = 0;
                    reply(202, Some("a"), None)
                }
                Step::Whole(_) if !whole => reply(413, None, None),
                Step::Ask(_) => reply(204, None, Some(&range(there))),
                Step::Finish(_) => {
                    prop_assert_eq!(there, size);
                    reply(201, None, None)
                }
                Step::Whole(_) | Step::Chunk(..) => {
                    let sent = if let Step::Chunk(_, sent) = &upload.step { sent.clone() } else { 0..size };
                    prop_assert_eq!(sent.start, there);
                    if let Some(part) = cuts.next() {
                        there += (sent.end - sent.start) * part / 100;
                        // One byte and none are written the same way; registries keep more than that.
                        if there == 1 { there = 0; }
                        upload.cut();
                        continue;
                    }
                    there = sent.end;
                    if matches!(upload.step, Step::Whole(_)) { reply(201, None, None) } else { reply(202, Some("b"), Some(&range(there))) }
                }
            };
            prop_assert!(upload.answered(answer).is_ok());
        }
        prop_assert_eq!((upload.step, there), (Step::Done, size));
    }
}
