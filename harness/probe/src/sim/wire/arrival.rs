//! When faults feel what they did to a frame.

use super::{
    connections::{Coming, Overtaken},
    feels::Feels,
};
use crate::{
    record::NodeId,
    sim::{state::SLACK, world::World},
};

impl World {
    /// What is sent now, and matters to faults.
    pub(super) fn coming(
        &self,
        end: u64,
        most_ms: u32,
        number: Option<u64>,
        feels: Vec<Feels>,
    ) -> Coming {
        let sent = self.now_here();
        let lands_by = sent + self.links.latency_us(most_ms) + SLACK;
        Coming { end, sent, lands_by, number, feels }
    }

    /// What mattered to faults was read.
    pub(super) fn arrive(&mut self, direction: (NodeId, NodeId), coming: &Coming) {
        self.feel_arrival(&coming.feels, coming.sent);
        if let Some(number) = coming.number {
            self.overtake(direction, number);
        }
    }

    pub(in crate::sim) fn feel_arrival(&mut self, feels: &[Feels], since: u64) {
        let took = self.now_here().saturating_sub(since);
        let usual = self.links.latency_us(0) + SLACK;
        for feels in feels {
            match feels {
                Feels::Read(fault) | Feels::Late(fault) => self.feel(*fault),
                Feels::Slow(fault) if took > usual => self.feel(*fault),
                Feels::Slow(_) | Feels::Overtaken(_) => {}
            }
        }
    }

    /// A frame was read: those that were sent before it, and have not come, feel that.
    fn overtake(&mut self, direction: (NodeId, NodeId), number: u64) {
        let Some(waiting) = self.wires.overtaken.get_mut(&direction) else { return };
        let (over, still): (Vec<Overtaken>, _) =
            waiting.iter().partition(|before| before.number <= number);
        *waiting = still;
        for before in over.into_iter().filter(|before| before.number < number) {
            if self.wires.still_comes(&before) {
                self.feel(before.fault);
            }
        }
    }

    /// Frames came, or would have, and nobody listens any more: since its software `left`, or it crashed.
    pub(super) fn feel_late<'a>(&mut self, left: bool, feels: impl Iterator<Item = &'a Feels>) {
        for feels in feels {
            if let Feels::Late(fault) = feels
                && left
            {
                self.feel(*fault);
            }
        }
    }
}
