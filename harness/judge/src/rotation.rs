//! `rotation`: a client that has several servers to ask takes one out of rotation after some failures in a
//! row, as the system promises, and asks it again only when a check has found it well.
//!
//! As load balancers do (health checks and passive outlier detection of HAProxy and Envoy): whoever goes on
//! asking a dead server loses a timeout each time, and hides the outage in its latencies. What `breaker` judges
//! of calls to a dependency, of which there is one, is judged here of servers, of which there are several. A
//! client belongs to a process, and forgets with it.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Name, NodeChange, NodeId, Phase, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "rotation",
    about: "No client goes on asking a server that is out of rotation.",
    safety: true,
    layer: Layer::Means,
    needs: &[&["Asked"]],
    promise: Some(promised::ROTATION),
    limit: None,
    judged: "each question that a server has failed to answer",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let most = setup.promises.rotation?;
    Some(Box::new(Rotation {
        setup: setup.clone(),
        most,
        failed: BTreeMap::new(),
        findings: Findings::default(),
    }))
}

struct Rotation {
    setup: Setup,
    most: u32,
    /// Failures in a row of each client at each server: how many, and the first of them.
    failed: BTreeMap<(NodeId, Name, Name), (u32, Evidence)>,
    findings: Findings,
}

impl Invariant for Rotation {
    fn hears(&self) -> Variants {
        heard![Asked, Node]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Asked { client, server, phase: Phase::Fail | Phase::Info } => {
                self.findings.judged(1);
                let most = self.most;
                let (count, first) =
                    self.failed.entry((node, client, server)).or_insert((0, *evidence));
                *count += 1;
                let first = *first;
                if *count == most.saturating_add(1) {
                    self.findings.add(
                        || {
                            format!(
                                "a client of {} asked a server for the {}. time that had failed it {most} \
                                 times in a row, with no check between",
                                self.setup.node(node),
                                most + 1
                            )
                        },
                        || vec![first, *evidence],
                    );
                }
            }
            What::Asked { client, server, .. } => {
                self.failed.remove(&(node, client, server));
            }
            What::Node { change: NodeChange::Up } => {
                self.failed.retain(|(other, ..), _| *other != node);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_dead_server_is_asked_again_and_again() {
        let mut h = History::new();
        h.asked_in_vain(1).asked_in_vain(1).up(0).asked_in_vain(1).asked_in_vain(1);
        assert_eq!(
            h.violations("rotation"),
            [
                "a client of c asked a server for the 3. time that had failed it 2 times in a row, with no \
                 check between [0, 3]"
            ]
        );
    }

    #[test]
    fn one_after_the_other_and_again_when_it_is_well() {
        let mut h = History::new();
        h.asked_in_vain(1).asked_in_vain(2).asked_in_vain(1).asked_in_vain(2);
        h.answered(1).asked_in_vain(1).asked_in_vain(1);
        h.consumer_up().asked_in_vain(1).asked_in_vain(2);
        assert_eq!(h.violations("rotation"), [] as [&str; 0]);
    }
}
