//! Ends of connections that their software leaves.

use super::segment::{EndId, Payload};
use crate::{record::NodeId, sim::world::World};

impl World {
    /// An end says that nothing more comes from it.
    pub(super) fn stop_writing(&mut self, id: EndId) {
        let Some(end) = self.end_mut(id) else { return };
        if !std::mem::replace(&mut end.writes, false) {
            return;
        }
        let node = end.node;
        self.send_rest(id);
        let going_down = self.going_down() == Some(node);
        let late = if going_down { None } else { self.closing_takes(node) };
        self.send_end(id, late);
    }

    /// Software drops the half of an end that writes, and says so to nobody as long as it has the other.
    pub(super) fn forget_writing(&mut self, id: EndId) {
        match self.end_mut(id) {
            Some(end) if end.reads => end.forgotten = true,
            _ => self.close(id, false),
        }
    }

    /// Software drops a half of an end. That of a machine without power has lost it already.
    pub(super) fn close(&mut self, id: EndId, reads: bool) {
        if self.end_mut(id).is_none_or(|end| end.gone()) {
            return;
        }
        let Some(end) = self.end_mut(id) else { return };
        if reads {
            end.reads = false;
            if end.forgotten {
                return self.close(id, false);
            }
        }
        // The last half goes; the half that writes may have gone before it, with what it had still to send.
        let last = if reads { !end.writes } else { !end.reads };
        if last && end.resets_when_closed() {
            // Nothing of it is sent any more, no end either.
            end.writes = false;
            let now = self.now_here();
            self.give_up(|waiting| waiting.from == id);
            self.send_reset(id, now);
        } else if !reads {
            self.stop_writing(id);
        }
        self.leave_end(id);
    }

    /// Software has done with one half of an end, or both.
    pub(super) fn leave_end(&mut self, id: EndId) {
        let here = self.here();
        let Some(end) = self.end_mut(id) else { return };
        let left = end.node == here;
        end.left = left;
        if !end.gone() {
            return;
        }
        let unread = std::mem::take(&mut end.inbox);
        if !unread.is_empty() {
            // As a kernel does if something that came was not read.
            let now = self.now_here();
            self.send_reset(id, now);
        }
        for arrived in unread {
            self.feel_late(left, &arrived.feels);
        }
        self.network.forget_if_over(id.connection);
    }

    /// There is no such connection any more. What it had still to send would come behind that, and is not sent.
    pub(super) fn send_reset(&mut self, id: EndId, at: u64) {
        self.give_up(|waiting| waiting.from == id && waiting.felt_leaving.is_none());
        self.transmit(id, Payload::Reset, Vec::new(), at);
    }

    /// How many ends of connections a node has, with those that are being made.
    pub(in crate::sim) fn open_of(&self, node: NodeId) -> usize {
        let live = self.network.all().filter(|(_, known)| known.broken.is_none());
        live.flat_map(|(_, known)| &known.ends)
            .filter(|end| end.node == node && (!end.gone() || end.closing))
            .count()
    }
}
