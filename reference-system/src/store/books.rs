//! All services' ledgers, and the journal in which they are durable.

use super::{ledger::Ledger, policy::StorePolicy, transaction::Transaction};
use crate::{
    Error,
    domain::{Effect, GROUPS},
    journal::{self, Journal},
    wire::{
        groups::Claim,
        store::{Item, StoreReply, StoreRequest},
    },
};
use squall_probe::{What, record, record_unless_recorded};
use std::{collections::BTreeMap, path::Path};

/// The services' ledgers.
#[derive(Debug)]
pub(super) struct Books {
    journal: Journal,
    ledgers: BTreeMap<String, Ledger>,
    /// Items that are reserved, and neither shipped nor put back.
    reserved: i64,
    /// How many orders were shipped.
    shipped: u64,
    /// What was done since the last sync, as the journal will hold it.
    buffer: Vec<u8>,
    policy: StorePolicy,
}

impl Books {
    /// Recovers the ledgers from the journal in `directory`.
    pub(super) fn open(directory: &Path, policy: StorePolicy) -> Result<Self, Error> {
        let (journal, records) = Journal::open(directory, "ledger", &policy.care)?;
        let ledger = |group: &&str| ((*group).to_owned(), Ledger::new((policy.marks)()));
        let mut books = Self {
            journal,
            ledgers: GROUPS.iter().map(ledger).collect(),
            reserved: 0,
            shipped: 0,
            buffer: Vec::new(),
            policy,
        };
        let (mut landed, mut marked) = (Vec::new(), Vec::new());
        for (bytes, index) in records.into_iter().zip(0..) {
            let transaction: Transaction = postcard::from_bytes(&bytes)?;
            if index >= books.journal.marked() {
                // The power failed when it was on disk and nobody had been told.
                transaction.tell(&mut landed);
            } else {
                // Somebody was told, unless the process ended just then.
                transaction.tell(&mut marked);
            }
            books.apply(&transaction);
        }
        for what in marked {
            record_unless_recorded(what);
        }
        for what in landed {
            record(what);
        }
        Ok(books)
    }

    /// Does what is asked, in memory. `landed` gets what is to be recorded of it after the next [`Self::sync`], and
    /// the reply must not be given before.
    pub(super) fn handle(
        &mut self,
        request: StoreRequest,
        landed: &mut Vec<What>,
    ) -> Result<StoreReply, Error> {
        match request {
            StoreRequest::Fence { claim, partitions } => {
                let may_own = self.policy.may_own;
                if !may_own(self.ledger(&claim.group), &partitions, claim.generation) {
                    return Ok(StoreReply::Fenced);
                }
                self.write(&Transaction::Fence { claim, partitions }, landed)?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Apply { claim, mut items } => {
                self.ledger(&claim.group).marks.retain_new(&mut items);
                self.effects(claim, items, true, landed)
            }
            StoreRequest::ApplyUnmarked { claim, items } => {
                self.effects(claim, items, false, landed)
            }
            StoreRequest::Seen { group, events } => {
                Ok(StoreReply::Seen(self.ledger(&group).marks.seen(&events)))
            }
            StoreRequest::Mark { group, events } => {
                self.write(&Transaction::Marks { group, events }, landed)?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Describe => Ok(StoreReply::Described {
                groups: self
                    .ledgers
                    .iter()
                    .map(|(group, ledger)| (group.clone(), ledger.effects, ledger.digest))
                    .collect(),
                reserved: self.reserved,
                shipped: self.shipped,
            }),
        }
    }

    /// Makes durable what was done.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.journal.append(&self.buffer)?;
        self.buffer.clear();
        Ok(self.journal.sync()?)
    }

    fn ledger(&mut self, group: &str) -> &mut Ledger {
        if !self.ledgers.contains_key(group) {
            self.ledgers.insert(group.to_owned(), Ledger::new((self.policy.marks)()));
        }
        self.ledgers.get_mut(group).expect("it was inserted if it was not there")
    }

    /// Only the owner of a partition may act on it.
    fn effects(
        &mut self,
        claim: Claim,
        items: Vec<Item>,
        marked: bool,
        landed: &mut Vec<What>,
    ) -> Result<StoreReply, Error> {
        let may_act = self.policy.may_act;
        if !may_act(self.ledger(&claim.group), &items, claim.generation) {
            return Ok(StoreReply::Fenced);
        }
        if !items.is_empty() {
            self.write(&Transaction::Effects { claim, items, marked }, landed)?;
        }
        Ok(StoreReply::Done)
    }

    fn write(&mut self, transaction: &Transaction, landed: &mut Vec<What>) -> Result<(), Error> {
        transaction.tell(landed);
        journal::frame(&mut self.buffer, &postcard::to_stdvec(transaction)?);
        self.apply(transaction);
        Ok(())
    }

    fn apply(&mut self, transaction: &Transaction) {
        match transaction {
            Transaction::Fence { claim, partitions } => {
                self.ledger(&claim.group).claim(partitions, claim.generation);
            }
            Transaction::Effects { claim, items, marked } => {
                items.iter().for_each(|item| self.count(item));
                self.ledger(&claim.group).add(items, *marked);
            }
            Transaction::Marks { group, events } => self.ledger(group).marks.add_events(events),
        }
    }

    fn count(&mut self, item: &Item) {
        match item.effect {
            Effect::Reserve(goods) => self.reserved += i64::from(goods.quantity),
            Effect::Release(goods) => self.reserved -= i64::from(goods.quantity),
            Effect::Ship(goods) => {
                self.reserved -= i64::from(goods.quantity);
                self.shipped += 1;
            }
            Effect::Nothing | Effect::Reward { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_probe::mix;

    fn items(events: &[u64]) -> Vec<Item> {
        events
            .iter()
            .map(|event| Item {
                partition: 0,
                offset: *event,
                event: *event,
                effect: Effect::Nothing,
                done: true,
            })
            .collect()
    }

    fn ask(store: &mut Books, request: StoreRequest) -> (StoreReply, usize) {
        let mut landed = Vec::new();
        let reply = store.handle(request, &mut landed).unwrap();
        store.sync().unwrap();
        (reply, landed.len())
    }

    #[test]
    fn an_effect_lands_once_also_after_a_restart_and_never_for_an_older_generation() {
        let folder = tempfile::tempdir().unwrap();
        let claim = |generation| Claim { group: "payment".into(), member: "m".into(), generation };
        let fence =
            |generation| StoreRequest::Fence { claim: claim(generation), partitions: vec![0] };
        let apply = |generation, events: &[u64]| StoreRequest::Apply {
            claim: claim(generation),
            items: items(events),
        };
        let mut store = Books::open(folder.path(), StorePolicy::default()).unwrap();
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[1, 2])), (StoreReply::Done, 2));
        assert_eq!(ask(&mut store, apply(1, &[2, 3])), (StoreReply::Done, 1));
        let mut store = Books::open(folder.path(), StorePolicy::default()).unwrap();
        assert_eq!(ask(&mut store, apply(1, &[1, 2, 3, 4])), (StoreReply::Done, 1));
        assert_eq!(ask(&mut store, fence(2)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[5])), (StoreReply::Fenced, 0));
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Fenced);
        let (described, _) = ask(&mut store, StoreRequest::Describe);
        let digest = (1..=4).fold(0_u64, |sum, event| sum.wrapping_add(mix(event)));
        let StoreReply::Described { groups, .. } = described else { panic!() };
        assert!(groups.contains(&("payment".to_owned(), 4, digest)));
    }
}
