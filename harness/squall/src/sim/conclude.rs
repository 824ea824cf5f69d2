//! What came of a run: the judges' findings, why it may prove nothing, and what excuses a failure.

use super::{build::Built, nemesis::Remains};
use crate::{
    determinism::Panic,
    injection::{DiskState, Injection, NodeState},
    outcome::{Fates, RunOutcome, Verdict, signals, why_vacuous},
    plan::{Plan, PlannedFault},
};
use squall_judge::Judgement;
use squall_probe::{Record, What, sim};
use squall_reports::Counters;
use std::rc::Rc;

/// The simulation is over; `panic` ended it, if one did.
pub(super) fn conclude(plan: &Plan, built: Built<'_>, panic: Option<Panic>) -> RunOutcome {
    let Built { nemesis, recorder, .. } = built;
    let elapsed = nemesis.now();
    let Remains { notes, unfired, begun, begun_steps, destruction, late } = nemesis.end();
    let world = sim::uninstall();
    let recorder = Rc::into_inner(recorder).expect("nemesis and world, who shared it, are gone");
    let recorder = recorder.into_inner();

    let recovery = recorder.recovery();
    let signals = signals(
        plan,
        &recorder,
        &world.names,
        world.points.iter().map(|(point, count)| (point, u64::from(*count))),
        &world.felt,
    );
    let counters = Counters { messages: world.frames, faults: begun, ..recorder.counters };
    let mut hash = recorder.hash;
    world.names.texts().for_each(|text| hash.text(text));
    let judgement = recorder.judge.finish(&|name| world.names.text(name).to_owned());
    let nodes: Vec<String> = plan.nodes.iter().map(|node| node.name.clone()).collect();

    let fates = Fates { unfired: &unfired, begun_steps: &begun_steps, felt: &world.felt };
    let near = |fault: &PlannedFault| how_near(plan, fault, &world, &judgement.history);
    let vacuous = why_vacuous(plan, fates, &signals, counters.acknowledged, &judgement, near);

    // What was violated; and what of it nobody could have kept.
    let Judgement { violations, judged, history, loss, .. } = judgement;
    let mut verdict = Verdict { violations, vacuous, note: None };
    verdict.add_forbidden(plan, &signals);
    if let Some(panic) = panic {
        verdict.add_panic(&panic, &nodes);
    }
    if let Some(what) = late {
        verdict.excuse_what_is_late(&what);
    }
    if let Some(disks) = destruction {
        verdict.excuse_destruction(&disks);
    }
    if let Some(loss) = loss {
        verdict.tell_loss(&loss, &nodes);
    }
    verdict.expect_violations(plan, true);
    let Verdict { violations, vacuous, note } = verdict;

    RunOutcome {
        hash: hash.hex(),
        elapsed,
        violations,
        judged,
        vacuous,
        inconclusive: Vec::new(),
        note,
        signals,
        felt: world.felt.keys().copied().collect(),
        counters,
        latency: recorder.latency,
        recovery,
        notes,
        said: world.said,
        measures: world.measures,
        escape: None,
        unwatched: None,
        history,
        flights: world.flights,
        names: world.names,
        nodes,
    }
}

/// How near a fault came that nothing felt, or what is missing for it.
fn how_near(
    plan: &Plan,
    fault: &PlannedFault,
    world: &sim::Summary,
    history: &[Record],
) -> Option<String> {
    let on = history.iter().filter_map(|record| match record.what {
        What::FaultBegan { fault: step, target } if step == fault.step => Some(target.index()),
        _ => None,
    });
    let name = |node: usize| plan.nodes.get(node).map_or("?", |node| node.name.as_str());
    match fault.fault.injection() {
        Injection::Nodes { state: NodeState::Memory(_) | NodeState::Watermark(_), .. } => {
            let (peak, node) =
                on.filter_map(|node| Some((world.peaks.get(node)?.0, node))).max()?;
            Some(format!("{} held {peak} bytes at most", name(node)))
        }
        Injection::Nodes { state: NodeState::Connections(_), .. } => {
            let (most, node) =
                on.filter_map(|node| Some((world.peaks.get(node)?.1, node))).max()?;
            Some(match most {
                0 => format!("{} wanted no connection while it lasted", name(node)),
                most => {
                    format!("{} had {most} connections at most when it wanted one more", name(node))
                }
            })
        }
        Injection::Damage { .. } => {
            Some("the file was never read again: add a restart of the node after it".to_owned())
        }
        Injection::Disks { state: DiskState::Errors { reads: true, writes: false }, .. } => {
            Some("nothing was read: add a restart of the node while it lasts".to_owned())
        }
        Injection::Disks { .. } => Some("nothing was written or synced there".to_owned()),
        Injection::Messages { .. } => Some(
            "of what was sent there while it lasted nothing was hit, or nothing of that arrived"
                .to_owned(),
        ),
        Injection::Links { .. } => Some(
            "nothing was sent over a connection there while it lasted: let it last longer"
                .to_owned(),
        ),
        _ => None,
    }
}
