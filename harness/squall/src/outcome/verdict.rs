//! The verdict: what was violated, why a run proves nothing, and what of a failure nobody could have kept.

use super::destruction::Destruction;
use crate::{determinism::Panic, plan::Plan};
use squall_judge::{Loss, Violation, seconds};
use std::collections::{BTreeMap, BTreeSet};

/// What can be broken because the disks of a majority are gone, or frames: what they held, and all that waits for it. That an
/// effect happens twice, that places are given out of order or twice, or that a node panics never follows from it.
const FOLLOWS_FROM_ABSENCE: &[&str] = &[
    "durability",
    "no_loss",
    "no_dirty_read",
    "saga_atomicity",
    "conserved",
    "eventual_consistency",
    "converges",
    "drains",
    "progress",
    "recovers_within",
    "available",
    "latency",
];

/// What is to be said of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What was violated.
    pub(crate) violations: Vec<Violation>,
    /// Why it proves nothing, if so.
    pub(crate) vacuous: Vec<String>,
    /// What is to be known of its failure beside.
    pub(crate) note: Option<String>,
}

impl Verdict {
    /// Signals were seen that must not be.
    pub(crate) fn add_forbidden(&mut self, plan: &Plan, signals: &BTreeMap<String, u64>) {
        for (signal, count) in plan.must_not_see.iter().filter_map(|s| signals.get_key_value(s)) {
            let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
            self.violations.push(Violation {
                invariant: "must_not_see",
                summary: format!("{signal} was seen {times}"),
                evidence: Vec::new(),
                since: squall_judge::NEVER,
                consequence_of: None,
            });
        }
    }

    /// What is known to be violated is no failure; that all of a list is kept is one. Where a run proves nothing, it does
    /// not prove that either.
    pub(crate) fn expect_violations(&mut self, plan: &Plan, proves_something: bool) {
        for names in &plan.violates {
            let mut shown = false;
            for name in names {
                let found = self.violations.iter().find(|broken| broken.invariant == *name);
                let Some(found) = found else { continue };
                shown = true;
                let said = format!("as expected, {name}: {}", found.summary);
                self.note = Some(match self.note.take() {
                    Some(note) => format!("{note}; {said}"),
                    None => said,
                });
                self.violations.retain(|broken| {
                    broken.invariant != *name && broken.consequence_of != Some(name.as_str())
                });
            }
            if !shown && proves_something && self.vacuous.is_empty() {
                self.violations.push(Violation {
                    invariant: "violates",
                    summary: format!(
                        "{} is known to be violated here, and it was kept",
                        names.join(" or ")
                    ),
                    evidence: Vec::new(),
                    since: squall_judge::NEVER,
                    consequence_of: None,
                });
            }
        }
    }

    pub(crate) fn add_panic(&mut self, panic: &Panic, nodes: &[String]) {
        let node = nodes.get(panic.node.index()).map_or("the simulator", String::as_str);
        self.violations.push(Violation {
            invariant: "no_panic",
            summary: format!("{node} panicked: {}", panic.message),
            evidence: Vec::new(),
            since: squall_judge::NEVER,
            consequence_of: None,
        });
        squall_judge::by_cause(&mut self.violations);
    }

    /// Nobody can say of what is missing whether it is.
    pub(crate) fn excuse_what_is_missing(&mut self) {
        self.violations.retain(|broken| !FOLLOWS_FROM_ABSENCE.contains(&broken.invariant));
    }

    /// `what` was still under way when the deadline passed: nobody can have answered what has not come, or have
    /// applied it.
    pub(crate) fn excuse_what_is_late(&mut self, what: &str) {
        self.excuse_what_is_missing();
        self.vacuous.push(format!("when the deadline passed there was still under way {what}"));
    }

    /// The log went back in time: how far, and what was lost by it, as was to be expected. If that explains all that is
    /// violated, the run proves nothing.
    pub(crate) fn tell_loss(&mut self, loss: &Loss, nodes: &[String]) {
        let gone = loss.lost + loss.derived + loss.undone;
        if gone == 0 && loss.excused.is_empty() && !loss.forked {
            return;
        }
        let who: Vec<&str> = loss.nodes.iter().map(|node| nodes[node.index()].as_str()).collect();
        let who = if who.len() == nodes.len() { "all nodes".to_owned() } else { who.join(", ") };
        let (from, to) = (seconds(loss.from), seconds(loss.to));
        let mut said = format!("{who} went back from {from} to {to}: ");
        said += &format!(
            "of {} events acknowledged in between, {} are lost",
            loss.acknowledged, loss.lost
        );
        if loss.derived > 0 {
            said += &format!(", and {} that followed from others", loss.derived);
        }
        if loss.undone > 0 {
            let undone = loss.undone;
            said += &format!(
                ", and {undone} places, partitions or dead letters that consumers were told of are others"
            );
        }
        said += ", as was to be expected";
        if !loss.excused.is_empty() {
            let excused = loss.excused.join(", ");
            said += &format!("; who did not go back has seen what is gone: {excused}");
        }
        let broken: BTreeSet<&str> = self.violations.iter().map(|v| v.invariant).collect();
        // In two pasts at once everything is otherwise than it was told, but nothing need take effect twice.
        let says_nothing = |broken: &&str| !["idempotency", "no_panic"].contains(broken);
        if loss.forked && !broken.is_empty() && broken.iter().all(says_nothing) {
            let broken: Vec<&str> = broken.into_iter().collect();
            said += &format!(
                "; the log has two pasts (a disk came back from what had been undone, or one replica remembers what most have forgotten): that explains {}",
                broken.join(", ")
            );
            self.violations.clear();
            self.vacuous.push(said);
            return;
        }
        // Who did not go back goes on from places that the log had once: it passes over what stands there now, or gives
        // it up unseen. What the log has it must keep, and publishing must work.
        let explains = |broken: &str| {
            let acts = ["no_skip", "dead_letters"].contains(&broken);
            let follows = acts || FOLLOWS_FROM_ABSENCE.contains(&broken);
            follows && !["durability", "progress"].contains(&broken)
        };
        let explained = broken.iter().all(|broken| explains(broken));
        if !loss.whole && gone > 0 && !broken.is_empty() && explained {
            let broken: Vec<&str> = broken.into_iter().collect();
            said += &format!("; that explains {}", broken.join(", "));
            self.violations.clear();
            self.vacuous.push(said);
            return;
        }
        self.note = Some(self.note.take().map_or(said.clone(), |note| format!("{said}; {note}")));
    }

    /// Disks were destroyed, and nothing could have brought back what they held. If that explains all that is violated,
    /// the run proves nothing; if not, it is noted.
    pub(crate) fn excuse_destruction(&mut self, Destruction { disks, replicated }: &Destruction) {
        // Of whom each replica follows nobody knows any more, if most of them have forgotten it.
        let votes = ["votes_kept", "single_leader"];
        let explains = |broken: &str| {
            FOLLOWS_FROM_ABSENCE.contains(&broken) || (*replicated && votes.contains(&broken))
        };
        let names = |which: &dyn Fn(&str) -> bool| -> Option<String> {
            let broken: BTreeSet<&str> = self.violations.iter().map(|v| v.invariant).collect();
            let broken: Vec<&str> = broken.into_iter().filter(|name| which(name)).collect();
            (!broken.is_empty()).then(|| broken.join(", "))
        };
        let Some(broken) = names(&|_| true) else { return };
        match names(&|broken| !explains(broken)) {
            None => {
                self.violations.clear();
                self.vacuous.push(format!("{disks}; no system could have kept {broken}"));
            }
            Some(unexplained) => {
                self.note = Some(format!("{disks}; that does not explain {unexplained}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_probe::NodeId;

    const DISKS: &str = "the disks of 2 of 3 broker nodes were destroyed: broker-1, broker-2";

    fn disks(replicated: bool) -> Destruction {
        Destruction { disks: DISKS.to_owned(), replicated }
    }

    fn broken(invariants: &[&'static str]) -> Verdict {
        let violation = |invariant: &&'static str| Violation {
            invariant,
            summary: String::new(),
            evidence: Vec::new(),
            since: 0,
            consequence_of: None,
        };
        Verdict { violations: invariants.iter().map(violation).collect(), ..Verdict::default() }
    }

    #[test]
    fn what_destroyed_disks_held_nobody_could_have_kept() {
        let mut verdict = broken(&["no_loss", "durability", "no_loss"]);
        verdict.excuse_destruction(&disks(true));
        assert!(verdict.violations.is_empty() && verdict.note.is_none());
        let vacuous = format!("{DISKS}; no system could have kept durability, no_loss");
        assert_eq!(verdict.vacuous, [vacuous]);
    }

    #[test]
    fn destroyed_disks_do_not_explain_what_happens_twice() {
        let mut verdict = broken(&["no_loss", "no_duplicate_effect"]);
        verdict.excuse_destruction(&disks(true));
        let left: Vec<&str> = verdict.violations.iter().map(|v| v.invariant).collect();
        assert_eq!(left, ["no_loss", "no_duplicate_effect"], "nothing is taken back");
        assert!(verdict.vacuous.is_empty());
        let note = format!("{DISKS}; that does not explain no_duplicate_effect");
        assert_eq!(verdict.note, Some(note));
    }

    #[test]
    fn what_replicas_have_promised_is_gone_with_the_disks_of_most_and_with_no_others() {
        let mut verdict = broken(&["votes_kept"]);
        verdict.excuse_destruction(&disks(true));
        assert!(verdict.violations.is_empty() && verdict.vacuous.len() == 1);
        let mut verdict = broken(&["votes_kept"]);
        verdict.excuse_destruction(&disks(false));
        assert!(verdict.violations.len() == 1 && verdict.vacuous.is_empty());
    }

    #[test]
    fn destroyed_disks_are_nothing_to_speak_of_when_all_was_kept() {
        let mut verdict = broken(&[]);
        verdict.excuse_destruction(&disks(true));
        assert!(verdict.vacuous.is_empty() && verdict.note.is_none());
    }

    #[test]
    fn what_is_still_under_way_excuses_what_is_missing_and_nothing_else() {
        let mut verdict = broken(&["eventual_consistency", "order"]);
        verdict.excuse_what_is_late("a message that comes late");
        let left: Vec<&str> = verdict.violations.iter().map(|v| v.invariant).collect();
        assert_eq!(left, ["order"]);
        assert_eq!(verdict.vacuous.len(), 1);
    }

    fn loss(lost: usize, whole: bool) -> Loss {
        let nodes = vec![NodeId(0)];
        Loss {
            nodes,
            to: 1_000_000,
            from: 2_500_000,
            acknowledged: 9,
            lost,
            derived: 0,
            undone: 0,
            excused: vec![],
            whole,
            forked: false,
        }
    }

    fn told(invariants: &[&'static str], loss: &Loss) -> (usize, Option<String>, Vec<String>) {
        let mut verdict = broken(invariants);
        verdict.tell_loss(loss, &["broker-1".to_owned(), "store-1".to_owned()]);
        (verdict.violations.len(), verdict.note, verdict.vacuous)
    }

    #[test]
    fn what_is_lost_with_a_log_that_went_back_is_told() {
        let said = "broker-1 went back from 2.500s to 1.000s: of 9 events acknowledged in between, 7 are lost, as was \
                    to be expected";
        assert_eq!(told(&[], &loss(7, false)), (0, Some(said.to_owned()), vec![]));
        assert_eq!(told(&[], &loss(0, false)), (0, None, vec![]));
    }

    #[test]
    fn a_log_that_went_back_explains_what_others_pass_over_and_nothing_else() {
        let (violations, _, vacuous) = told(&["drains", "no_loss", "no_skip"], &loss(7, false));
        assert!(
            violations == 0 && vacuous[0].ends_with("; that explains drains, no_loss, no_skip")
        );
        for unexplained in ["durability", "progress", "idempotency", "order"] {
            let (violations, note, vacuous) = told(&["drains", unexplained], &loss(7, false));
            assert!(violations == 2 && note.is_some() && vacuous.is_empty(), "{unexplained}");
        }
        assert_eq!(
            told(&["drains"], &loss(7, true)).0,
            1,
            "if all went back, nobody has seen what is gone"
        );
        assert_eq!(told(&["drains"], &loss(0, false)).0, 1, "nothing was lost");
        let forked = Loss { forked: true, ..loss(0, false) };
        // (One that nothing else explains.)
        assert_eq!(told(&["order", "durability"], &forked).0, 0);
        assert_eq!(told(&["order", "idempotency"], &forked).0, 2);
        // What a service had published, whose input is done.
        let derived = Loss { derived: 3, ..loss(0, false) };
        let (violations, _, vacuous) = told(&["saga_atomicity"], &derived);
        assert!(
            violations == 0 && vacuous[0].contains("0 are lost, and 3 that followed from others")
        );
        // A dead letter that the log has forgotten, or an event at a place that another has now.
        let undone = Loss { undone: 2, ..loss(0, false) };
        let (violations, _, vacuous) = told(&["no_loss", "dead_letters"], &undone);
        assert!(
            violations == 0
                && vacuous[0].contains("0 are lost, and 2 places, partitions or dead letters")
        );
    }

    #[test]
    fn a_panic_is_a_violation_of_the_node_in_which_it_was() {
        let mut verdict = broken(&[]);
        let panic = |node| Panic { node, message: "x".to_owned() };
        verdict.add_panic(&panic(NodeId(0)), &["broker-1".to_owned()]);
        verdict.add_panic(&panic(NodeId::HARNESS), &["broker-1".to_owned()]);
        let said: Vec<&str> = verdict.violations.iter().map(|v| v.summary.as_str()).collect();
        assert_eq!(said, ["broker-1 panicked: x", "the simulator panicked: x"]);
    }
}
