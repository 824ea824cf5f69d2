//! A run's phases, one after the other.
//!
//! While faults come and go the workload is offered. Then everything is healed and every client is asked for a few
//! publishes more: the system recovers, and must converge by a deadline. When it has, it is watched for the settling
//! time, for what comes late, and looked at once more.

use super::{
    nemesis::Nemesis,
    observer::{self, Observation, Told},
};
use crate::{
    determinism::{self, Panic},
    outcome,
    plan::Micros,
    signals::PANIC_HANDLED,
};
use squall_probe::{Mark, NodeId, What, sim};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Steps made by this process, for a watchdog that looks whether it still moves.
pub static STEPS: AtomicU64 = AtomicU64::new(0);

/// Said of a node whose code waits with timers that nobody knows of.
const STRAY: &str = "another timer than those of squall_probe::time went off, such as one of tokio::time; its system says that \
                     there is none (System::waits_with_probe)";

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Faults come and go.
    Faults,
    /// Everything is healed, and the system has until then to converge.
    Recovery { deadline: Micros },
    /// It has converged, and is watched until then.
    Settling { until: Micros },
    /// It is looked at for the last time, until then at most: it missed its deadline.
    Missed { since: Micros, until: Micros },
    /// It is looked at for the last time, until then at most: it has settled.
    Settled { until: Micros },
    /// There is nothing more to see.
    Over,
}

struct Driver<'r, 's> {
    nemesis: &'r mut Nemesis<'s>,
    observation: &'r Observation,
    offered: bool,
    /// How many effects had landed when the observer was last asked.
    seen: u32,
}

/// Steps until the run is over. A panic of the system ends it.
pub(super) fn drive(nemesis: &mut Nemesis<'_>, observation: &Observation) -> Option<Panic> {
    nemesis.begin();
    let mut run = Driver { nemesis, observation, offered: false, seen: 0 };
    let mut phase = Stage::Faults;
    while !matches!(phase, Stage::Over) {
        if let Err(panic) = run.step(phase) {
            return Some(panic);
        }
        phase = run.next(phase);
    }
    None
}

impl Driver<'_, '_> {
    fn step(&mut self, phase: Stage) -> Result<(), Panic> {
        self.nemesis.act();
        let limit = self.limit(phase);
        let step = catch_unwind(AssertUnwindSafe(|| self.nemesis.step(limit)));
        STEPS.fetch_add(1, Ordering::Relaxed);
        if determinism::escaped() {
            return Err(Panic { node: NodeId::HARNESS, message: "the run escaped".to_owned() });
        }
        if let Some(panic) = self.unhandled(step.is_err()) {
            return Err(panic);
        }
        if let Some((node, at)) = sim::with(sim::World::take_stray) {
            let seconds = Duration::from_micros(at).as_secs_f64();
            return Err(Panic { node, message: format!("by {seconds:.3}s {STRAY}") });
        }
        let message = "a panic without a message".to_owned();
        step.map_err(|_| Panic { node: NodeId::HARNESS, message })
    }

    /// When a phase ends by time alone.
    fn limit(&self, phase: Stage) -> Micros {
        let now = self.nemesis.now();
        match phase {
            Stage::Faults if now < self.nemesis.plan.workload_us => self.nemesis.plan.workload_us,
            // Triggers and the agenda have limits of their own.
            Stage::Faults => Micros::MAX,
            // What was injected comes to its end by time alone, too.
            _ if self.nemesis.under_way().is_some() => now,
            Stage::Recovery { deadline } if !self.nemesis.drained() => deadline,
            Stage::Settling { until } => until,
            // The observer is asked between two steps.
            Stage::Recovery { .. } | Stage::Missed { .. } | Stage::Settled { .. } | Stage::Over => {
                now
            }
        }
    }

    /// The panic that nobody handled, if there was one: it unwound out of the step, or out of a task whose handle
    /// nobody held. One that was handled is told, and judged by what follows.
    fn unhandled(&mut self, unwound: bool) -> Option<Panic> {
        let panics = determinism::take_panics();
        let left = sim::with(sim::World::take_unhandled);
        // Without the flag tokio keeps to itself what panics in its own tasks, handled or not.
        let unwound = unwound || cfg!(not(tokio_unstable));
        for panic in panics {
            if unwound || left.contains(&panic.node) {
                return Some(panic);
            }
            sim::with(|world| {
                let signal = world.intern(PANIC_HANDLED);
                world.record(panic.node, What::Signal { signal });
            });
            self.nemesis.note(panic.node, format!("a panic, handled: {}", panic.message));
        }
        None
    }

    fn next(&mut self, phase: Stage) -> Stage {
        if !self.offered && self.nemesis.offered() {
            self.offered = true;
            self.nemesis.mark(Mark::WorkloadOffered);
        }
        let now = self.nemesis.now();
        match phase {
            Stage::Faults if self.nemesis.is_over() => {
                self.nemesis.heal_all();
                self.observation.leave_out(self.nemesis.left_out());
                let patience = outcome::patience(&self.nemesis.plan.expect);
                Stage::Recovery { deadline: now + patience }
            }
            Stage::Recovery { deadline } if now >= deadline => {
                self.nemesis.miss_deadline();
                Stage::Missed { since: now, until: now + self.look() }
            }
            Stage::Recovery { .. } => match self.look_at_rest() {
                Some(told) if told.agrees() => {
                    self.tell(&told);
                    self.nemesis.mark(Mark::Converged);
                    Stage::Settling { until: now + self.nemesis.plan.settle_us }
                }
                _ => phase,
            },
            Stage::Settling { until } if now >= until => {
                Stage::Settled { until: now + self.look() }
            }
            Stage::Missed { since, until } => {
                self.observation.ask();
                match self.observation.take() {
                    // One round may still be under way from before.
                    Some(told) if now > since => self.conclude(&told, None),
                    _ if now >= until => Stage::Over,
                    _ => phase,
                }
            }
            Stage::Settled { until } => match self.look_at_rest() {
                Some(told) if told.agrees() || now >= until => {
                    self.conclude(&told, Some(Mark::Settled))
                }
                None if now >= until => {
                    self.observation.ask();
                    Stage::Missed { since: now, until: until + self.look() }
                }
                _ => phase,
            },
            Stage::Faults | Stage::Settling { .. } | Stage::Over => phase,
        }
    }

    /// How long the last look may take: every node may be silent.
    fn look(&self) -> Micros {
        let patience = u64::try_from(observer::PATIENCE.as_micros()).expect("half a second");
        (self.nemesis.plan.nodes.len() as u64 + 1) * 2 * patience
    }

    /// Asks every node for its state if nothing is owed and nothing that was injected is still to come. The answer
    /// counts only if nothing took effect meanwhile: that would not be in what the observer was told.
    fn look_at_rest(&mut self) -> Option<Told> {
        let rests = self.offered && self.nemesis.drained() && self.nemesis.under_way().is_none();
        if rests && self.observation.ask() {
            self.seen = self.nemesis.applied();
        }
        self.observation.take().filter(|_| rests && self.seen == self.nemesis.applied())
    }

    fn tell(&self, told: &Told) {
        for state in &told.states {
            let (of, position, digest) = (state.of, state.position, state.digest);
            self.nemesis.record(state.node, What::State { of, position, digest });
        }
        for node in &told.silent {
            self.nemesis.record(*node, What::Unanswered);
        }
    }

    fn conclude(&self, told: &Told, mark: Option<Mark>) -> Stage {
        self.tell(told);
        if let Some(mark) = mark {
            self.nemesis.mark(mark);
        }
        Stage::Over
    }
}
