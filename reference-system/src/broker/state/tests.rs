//! What commands do to the state.

use super::{producers::REMEMBERED, *};
use crate::wire::{Start, groups::Buried};

fn publish(first_sequence: u64, ids: &[u64]) -> Command {
    let event = |id: &u64| EventData { id: *id, key: 0, payload: bytes::Bytes::new() };
    Command::Publish {
        producer: "p".into(),
        at_ms: first_sequence,
        batches: vec![Batch {
            partition: 1,
            first_sequence,
            events: ids.iter().map(event).collect(),
        }],
    }
}

fn join(group: &str, member: &str, start: Start) -> Command {
    Command::Join { group: group.into(), member: member.into(), start }
}

fn claim(member: &str, generation: u64) -> Claim {
    Claim { group: "g".into(), member: member.into(), generation }
}

fn offsets(applied: Applied) -> Vec<(Option<u64>, bool)> {
    match applied {
        Applied::Published(published) => published.into_iter().map(|p| (p.offset, p.new)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retry_is_answered_with_the_first_position() {
    let mut state = State::default();
    assert_eq!(offsets(state.apply(&publish(0, &[10, 11]))), [(Some(0), true), (Some(1), true)]);
    assert_eq!(offsets(state.apply(&publish(0, &[10, 11]))), [(Some(0), false), (Some(1), false)]);
    assert_eq!(offsets(state.apply(&publish(1, &[11, 12]))), [(Some(1), false), (Some(2), true)]);
    assert_eq!(state.apply(&publish(9, &[13])), Applied::OutOfOrder);
    assert_eq!(state.partitions[1].end(), 3);
}

#[test]
fn partitions_are_dealt_to_all_and_to_one_each() {
    let mut state = State::default();
    let join = |member: &str| join("g", member, Start::Earliest);
    for members in 1..=5_u32 {
        state.apply(&join(&format!("m{members}")));
        let group = &state.groups["g"];
        let mut dealt: Vec<u32> =
            group.members.iter().flat_map(|member| group.partitions_of(member)).collect();
        dealt.sort_unstable();
        assert_eq!(dealt, [0, 1, 2, 3]);
        assert_eq!(group.generation, u64::from(members));
    }
}

#[test]
fn commits_of_strangers_and_backwards_are_refused() {
    let mut state = State::default();
    state.apply(&publish(0, &[1, 2, 3]));
    state.apply(&join("g", "m", Start::Earliest));
    let commit = |generation, offset| Command::Commit {
        claim: claim("m", generation),
        offsets: vec![(1, offset)],
    };
    assert_eq!(state.apply(&commit(1, 2)), Applied::Committed(vec![(1, 2)]));
    assert_eq!(state.apply(&commit(1, 1)), Applied::Committed(vec![]));
    assert_eq!(state.apply(&commit(1, 9)), Applied::Committed(vec![]));
    assert_eq!(state.apply(&commit(0, 3)), Applied::Fenced);
    assert_eq!(state.uncommitted(), 1);
}

#[test]
fn a_new_group_begins_where_it_says() {
    let mut state = State::default();
    state.apply(&publish(0, &[1, 2]));
    state.apply(&publish(2, &[3]));
    state.apply(&publish(3, &[4]));
    for (start, expected) in [
        (Start::Earliest, 0),
        (Start::Offset(1), 1),
        (Start::Offset(99), 4),
        (Start::Time(1), 2),
        (Start::Time(3), 3),
        (Start::Time(9), 4),
    ] {
        let group = format!("{start:?}");
        state.apply(&join(&group, "m", start));
        assert_eq!(state.groups[&*group].committed[&1], expected, "{start:?}");
        // An old group does not move.
        state.apply(&join(&group, "n", Start::Earliest));
        assert_eq!(state.groups[&*group].committed[&1], expected);
    }
}

#[test]
fn what_follows_is_appended_once() {
    let mut state = State::default();
    let event = EventData { id: 7, key: 0, payload: bytes::Bytes::new() };
    let emit = Command::Emit { events: vec![(1, event)], at_ms: 0 };
    assert_eq!(offsets(state.apply(&emit)), [(Some(0), true)]);
    assert_eq!(offsets(state.apply(&emit)), [(Some(0), false)]);
}

#[test]
fn dead_letters_are_redriven_until_they_are_handled() {
    let mut state = State::default();
    state.apply(&publish(0, &[1, 2, 3]));
    state.apply(&join("g", "m", Start::Earliest));
    let dead = |offset, reason| Command::DeadLetter {
        claim: claim("m", 1),
        letters: vec![((1, offset), 0)],
        reason,
    };
    let redrive = |handled: &[Letter]| Command::Redrive {
        claim: claim("m", 1),
        handled: handled.to_vec(),
        limit: 10,
    };
    let taken = |applied: Applied| match applied {
        Applied::Redriven(moved) => {
            moved.into_iter().map(|moved| (moved.place.1, moved.new)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    state.apply(&dead(0, Reason::Poison));
    state.apply(&dead(1, Reason::Exhausted));
    assert_eq!(taken(state.apply(&redrive(&[]))), [(1, true)]);
    assert_eq!(taken(state.apply(&redrive(&[]))), [(1, false)]);
    assert_eq!(taken(state.apply(&redrive(&[((1, 1), 1)]))), []);
    assert_eq!(state.groups["g"].dead.len(), 1);
    assert_eq!(state.groups["g"].times((1, 1)), 1);
}

#[test]
fn a_retry_of_what_is_too_old_to_be_remembered_is_not_appended_again() {
    let mut state = State::default();
    let ids: Vec<u64> = (0..=REMEMBERED as u64).collect();
    state.apply(&publish(0, &ids));
    assert_eq!(offsets(state.apply(&publish(0, &ids[..2]))), [(None, false), (Some(1), false)]);
    assert_eq!(state.partitions[1].end(), ids.len() as u64);
}

#[test]
fn a_gap_in_one_batch_refuses_all_of_them() {
    let mut state = State::default();
    let Command::Publish { producer, mut batches, at_ms } = publish(0, &[1]) else { panic!() };
    batches.push(Batch { partition: 2, first_sequence: 5, events: batches[0].events.clone() });
    let gap = Command::Publish { producer: producer.clone(), batches: batches.clone(), at_ms };
    assert_eq!(state.apply(&gap), Applied::OutOfOrder);
    assert!(state.partitions.iter().all(|partition| partition.end() == 0));
    batches[1].first_sequence = 0;
    state.apply(&Command::Publish { producer, batches, at_ms });
    assert_eq!(state.uncommitted(), 0);
    assert_eq!([state.partitions[1].end(), state.partitions[2].end()], [1, 1]);
}

#[test]
fn a_partition_that_does_not_exist_is_refused() {
    let mut state = State::default();
    let Command::Publish { producer, mut batches, at_ms } = publish(0, &[1]) else { panic!() };
    batches[0].partition = PARTITIONS;
    let command = Command::Publish { producer, batches, at_ms };
    assert_eq!(state.apply(&command), Applied::OutOfOrder);
}

#[test]
fn whoever_lost_a_partition_in_a_rebalance_can_neither_commit_nor_dead_letter_in_it() {
    let mut state = State::default();
    state.apply(&publish(0, &[1, 2]));
    state.apply(&join("g", "a", Start::Earliest));
    let commit = |claim, offset| Command::Commit { claim, offsets: vec![(1, offset)] };
    assert_eq!(state.apply(&commit(claim("a", 1), 1)), Applied::Committed(vec![(1, 1)]));
    // `b` gets every second partition.
    state.apply(&join("g", "b", Start::Earliest));
    assert_eq!(state.apply(&commit(claim("a", 1), 2)), Applied::Fenced);
    assert_eq!(state.apply(&commit(claim("a", 2), 2)), Applied::Fenced);
    let letters = vec![((1, 1), 0)];
    let dead =
        |claim| Command::DeadLetter { claim, letters: letters.clone(), reason: Reason::Poison };
    assert_eq!(state.apply(&dead(claim("a", 2))), Applied::Fenced);
    assert_eq!(state.dead_letters("g"), 0);
    // What was committed is where the new owner begins.
    assert_eq!(state.groups["g"].committed(1), 1);
    assert_eq!(state.apply(&commit(claim("b", 2), 2)), Applied::Committed(vec![(1, 2)]));
    // Once `b` is gone, `a` owns all of them again, under a new generation.
    state.apply(&Command::Expire { group: "g".into(), member: "b".into() });
    assert_eq!(state.apply(&commit(claim("b", 2), 2)), Applied::Fenced);
    assert!(matches!(state.apply(&dead(claim("a", 3))), Applied::DeadLettered(_)));
}

#[test]
fn what_is_redriven_and_fails_again_returns_to_the_queue_and_is_counted_again() {
    let mut state = State::default();
    state.apply(&publish(0, &[1]));
    state.apply(&join("g", "m", Start::Earliest));
    let dead = |before| Command::DeadLetter {
        claim: claim("m", 1),
        letters: vec![((1, 0), before)],
        reason: Reason::Exhausted,
    };
    let after = |handled| Command::Redrive { claim: claim("m", 1), handled, limit: 10 };
    let redrive = after(Vec::new());
    let times = |applied| match applied {
        Applied::DeadLettered(moved) | Applied::Redriven(moved) => {
            moved.iter().map(|moved| (moved.times, moved.new)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(state.groups["g"].buried((1, 0)), None);
    assert_eq!(times(state.apply(&dead(0))), [(1, true)]);
    // Asked for again because the answer was lost.
    assert_eq!(times(state.apply(&dead(0))), [(1, false)]);
    assert_eq!(times(state.apply(&redrive)), [(1, true)]);
    let waits = Buried { letter: ((1, 0), 1), waits: true };
    assert_eq!(state.groups["g"].buried((1, 0)), Some(waits));
    // A request that was late: what it asks for was done, and the event is taken out again already.
    assert_eq!(times(state.apply(&dead(0))), []);
    assert_eq!(times(state.apply(&redrive)), [(1, false)]);
    assert_eq!(times(state.apply(&dead(1))), [(2, true)]);
    assert_eq!(state.groups["g"].exhausted(), 1);
    // It was taken out twice: who says late that it was handled the first time says nothing of the second.
    assert_eq!(times(state.apply(&redrive)), [(2, true)]);
    assert_eq!(times(state.apply(&after(vec![((1, 0), 1)]))), [(2, false)]);
    assert_eq!(times(state.apply(&after(vec![((1, 0), 2)]))), []);
    let over = Buried { letter: ((1, 0), 2), waits: false };
    assert_eq!(state.groups["g"].buried((1, 0)), Some(over));
    assert_eq!(times(state.apply(&dead(1))), []);
    // A member of an older generation takes nothing out.
    state.apply(&join("g", "n", Start::Earliest));
    assert_eq!(state.apply(&redrive), Applied::Fenced);
}

#[test]
fn replicas_that_apply_the_same_log_have_the_same_digests() {
    let (mut one, mut other) = (State::default(), State::default());
    for command in [publish(0, &[1, 2]), publish(0, &[1, 2]), publish(2, &[3])] {
        one.apply(&command);
        other.apply(&command);
    }
    assert_eq!(one.partitions[1].digest(), other.partitions[1].digest());
    other.apply(&publish(3, &[4]));
    assert_ne!(one.partitions[1].digest(), other.partitions[1].digest());
}
