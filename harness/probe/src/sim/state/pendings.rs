//! What was injected and has not come to its end.

use crate::record::NodeId;
use std::collections::BTreeMap;

/// Two steps of the simulation, the longest that there are: what a frame may take beside its latency, in
/// microseconds.
pub(in crate::sim) const SLACK: u64 = 10_000;

/// What was injected and has not come to its end.
#[derive(Debug)]
pub(in crate::sim) struct Pending {
    pub(in crate::sim) what: &'static str,
    pub(in crate::sim) kind: &'static str,
    pub(in crate::sim) from: NodeId,
    pub(in crate::sim) to: NodeId,
    /// It should have ended by then, in microseconds; what goes on longer is no fault's doing.
    pub(in crate::sim) until: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(in crate::sim) struct Pendings {
    open: BTreeMap<u64, Pending>,
    /// Handed out so far.
    numbers: u64,
}

impl Pendings {
    /// Something goes on: the number by which it ends.
    pub(in crate::sim) fn begin(&mut self, pending: Pending) -> u64 {
        let number = self.numbers;
        self.numbers += 1;
        self.open.insert(number, pending);
        number
    }

    pub(in crate::sim) fn end(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Something that goes on, and may.
    pub(in crate::sim) fn under_way(&self, now: u64) -> Option<&Pending> {
        self.open.values().find(|pending| pending.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goes_on_until_it_ends_or_should_have_ended() {
        let pending = |what, until| {
            let (from, to) = (NodeId(0), NodeId(1));
            Pending { what, kind: "publish", from, to, until }
        };
        let mut pendings = Pendings::default();
        let under_way = |all: &Pendings, now| all.under_way(now).map(|pending| pending.what);
        let numbers = [("first", 5), ("second", 7), ("third", 6)]
            .map(|(what, until)| pendings.begin(pending(what, until)));
        assert_eq!(under_way(&pendings, 4), Some("first"));
        assert_eq!((under_way(&pendings, 5), under_way(&pendings, 7)), (Some("second"), None));
        pendings.end(numbers[1]);
        assert_eq!((under_way(&pendings, 5), under_way(&pendings, 6)), (Some("third"), None));
        pendings.end(numbers[0]);
        pendings.end(numbers[2]);
        assert_eq!(under_way(&pendings, 0), None);
    }
}
