//! What a node can have only so much of: memory and connections.

use super::{state::Hindrance, world::World};
use crate::record::{NodeId, What};
use std::time::Duration;

/// A node whose memory was found to be short looks again after this, in microseconds.
const LOOKS_EVERY: u64 = 100_000;

/// Below this nobody is told what a node holds, in bytes.
const MUCH: u64 = 64 << 10;

impl World {
    /// The node takes no connection now.
    pub(crate) fn refuses(&mut self, node: NodeId) -> bool {
        self.unavailable(node) || self.out_of_connections(node)
    }

    /// Nobody can connect to the node now.
    pub(crate) fn unavailable(&mut self, node: NodeId) -> bool {
        let by = self.delay(node, |hindrance| (*hindrance == Hindrance::Unavailable).then_some(0));
        self.feel_if(by)
    }

    fn feel_if(&mut self, by: Option<(Duration, u16)>) -> bool {
        if let Some((_, fault)) = by {
            self.feel(fault);
        }
        by.is_some()
    }

    /// The node may not have another connection.
    pub(crate) fn out_of_connections(&mut self, node: NodeId) -> bool {
        if self.hindrances == 0 {
            return false;
        }
        let open = self.open_of(node);
        if let Some(hindered) = self.hindered_mut(node) {
            hindered.most_open = hindered.most_open.max(open);
        }
        let by = self.delay(node, |hindrance| match hindrance {
            Hindrance::Connections { most } => (open >= *most).then_some(0),
            _ => None,
        });
        self.feel_if(by)
    }

    /// The node holds `bytes` more, or fewer if it is negative.
    pub(crate) fn hold(&mut self, node: NodeId, bytes: i64) {
        let now = self.now;
        let Some(hindered) = self.hindered_mut(node) else { return };
        // What is given back after its node went down was forgotten with it.
        hindered.memory = hindered.memory.saturating_add_signed(bytes);
        let memory = hindered.memory;
        hindered.peak = hindered.peak.max(memory);
        // A quarter more each time: enough to judge by, and a handful of records whatever comes.
        if memory >= MUCH && memory - memory / 5 > hindered.most_told {
            hindered.most_told = memory;
            self.record(node, What::Held { bytes: memory });
        }
        if self.hindrances == 0 {
            return;
        }
        let Some(hindered) = self.hindered_mut(node) else { return };
        for (_, hindrance) in &mut hindered.active {
            if let Hindrance::Watermark { most, until, .. } = hindrance
                && memory > *most
            {
                *until = now + LOOKS_EVERY;
            }
        }
        let limit = hindered.active.iter().find_map(|(id, hindrance)| match hindrance {
            Hindrance::Memory { most } if memory > *most => Some(*id),
            _ => None,
        });
        let Some(id) = limit.filter(|_| !hindered.killed) else { return };
        hindered.killed = true;
        self.bring_down(node, id, false);
        self.kill(node);
    }

    /// The fault that keeps a node from reading what another one has sent, if its memory is short now.
    pub(crate) fn is_held_back(&self, node: NodeId, from: NodeId) -> Option<u16> {
        if self.hindrances == 0 {
            return None;
        }
        let hindered = self.hindered(node)?;
        hindered.active.iter().find_map(|(id, hindrance)| match hindrance {
            Hindrance::Watermark { most, blocks, until }
                if (hindered.memory > *most || self.now < *until) && blocks.contains(&from) =>
            {
                Some(id.step)
            }
            _ => None,
        })
    }

    /// Records what each node holds, if it is much.
    pub fn tell_held(&mut self) {
        for node in (0..self.machines.len()).map(NodeId::of_index) {
            let bytes = self.hindered(node).map_or(0, |hindered| hindered.memory);
            if bytes >= MUCH {
                self.record(node, What::Held { bytes });
            }
        }
    }
}
