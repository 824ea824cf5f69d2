//! What a replica records of the commands that it applies.

use super::state::applied::{Applied, Moved, Published};
use crate::{domain::GROUPS, wire::log::Command};
use squall_probe::{EventId, Position, What, name, record, signal};

/// Records what a command did to this replica's state. Decisions are numbered from 1. What every replica would tell
/// alike is told by the leader.
pub(super) fn tell(number: u64, command: &Command, applied: &Applied, term: u64, leads: bool) {
    match (command, applied) {
        (_, Applied::Published(published)) => appended(published, term),
        // Every replica tells of a dead letter, each time it learns of it: one may be all that is left.
        (Command::DeadLetter { claim, .. }, Applied::DeadLettered(moved)) => {
            for Moved { place, event, times, .. } in moved {
                record(What::DeadLetter {
                    group: name(&claim.group),
                    position: Position::new(place.0, place.1),
                    event: EventId(event.id),
                    times: *times,
                });
            }
        }
        (Command::Redrive { claim, .. }, Applied::Redriven(moved)) => {
            for Moved { place, event, times, .. } in moved.iter().filter(|letter| letter.new) {
                record(What::Redrive {
                    group: name(&claim.group),
                    position: Position::new(place.0, place.1),
                    event: EventId(event.id),
                    times: *times,
                });
            }
        }
        (Command::Commit { claim, .. }, Applied::Committed(moved)) if leads => {
            for (partition, offset) in moved {
                record(What::Commit {
                    group: name(&claim.group),
                    partition: *partition,
                    offset: *offset,
                    generation: claim.generation,
                    number,
                });
            }
        }
        // A group that only replays has one member, to whom nothing is dealt anew.
        (
            Command::Join { group, .. } | Command::Expire { group, .. },
            Applied::Joined { rebalanced: true } | Applied::Expired { rebalanced: true },
        ) if leads && GROUPS.contains(&&**group) => {
            signal("rebalanced");
        }
        _ => {}
    }
}

fn appended(published: &[Published], term: u64) {
    for Published { partition, offset, event, key, content, new } in published {
        if let (true, Some(offset)) = (new, offset) {
            let position = Position::new(*partition, *offset);
            let (event, key, content) = (EventId(*event), *key, *content);
            record(What::Append { position, event, key, term, content });
        }
    }
}
