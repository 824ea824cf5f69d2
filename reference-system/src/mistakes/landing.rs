//! Ways for effects to reach the store that are not idempotent.

use crate::{
    consumer::landing::{Landing, Rejoin, StoreClient},
    domain::Effect,
    wire::store::{Item, StoreRequest},
};
use squall_probe::point;
use std::{collections::BTreeSet, pin::Pin};

type Landed<'a> = Pin<Box<dyn Future<Output = Result<(), Rejoin>> + Send + 'a>>;

async fn apply(mut store: StoreClient<'_>, items: Vec<Item>) -> Result<(), Rejoin> {
    let claim = store.claim().clone();
    store.ask(StoreRequest::Apply { claim, items }).await.map(|_| ())
}

async fn apply_unmarked(store: &mut StoreClient<'_>, items: Vec<Item>) -> Result<(), Rejoin> {
    let claim = store.claim().clone();
    store.ask(StoreRequest::ApplyUnmarked { claim, items }).await.map(|_| ())
}

fn end_their_events(items: &[Item]) -> bool {
    items.iter().all(|item| item.done)
}

/// Checks the processed ids, acts, then marks: the tutorials' idempotent consumer.
#[derive(Debug)]
pub(super) struct CheckThenMark;

impl Landing for CheckThenMark {
    fn apply<'a>(&'a mut self, mut store: StoreClient<'a>, mut items: Vec<Item>) -> Landed<'a> {
        Box::pin(async move {
            if !end_their_events(&items) {
                return apply(store, items).await;
            }
            let seen = store.seen(items.iter().map(|item| item.event).collect()).await?;
            let mut seen = seen.into_iter();
            items.retain(|_| !seen.next().unwrap_or(false));
            let events = items.iter().map(|item| item.event).collect();
            apply_unmarked(&mut store, items).await?;
            point("consumer.effect_applied").await;
            let group = store.claim().group.clone();
            store.ask(StoreRequest::Mark { group, events }).await.map(|_| ())
        })
    }
}

/// Keeps the processed ids in the consumer's memory.
#[derive(Debug, Default)]
pub(super) struct InMemory {
    processed: BTreeSet<u64>,
}

impl Landing for InMemory {
    fn apply<'a>(&'a mut self, mut store: StoreClient<'a>, mut items: Vec<Item>) -> Landed<'a> {
        Box::pin(async move {
            if !end_their_events(&items) {
                return apply(store, items).await;
            }
            items.retain(|item| !self.processed.contains(&item.event));
            let events: Vec<u64> = items.iter().map(|item| item.event).collect();
            apply_unmarked(&mut store, items).await?;
            self.processed.extend(events);
            Ok(())
        })
    }
}

/// Puts items back as often as it is asked to.
#[derive(Debug)]
pub(super) struct ReleaseAgain;

impl Landing for ReleaseAgain {
    fn apply<'a>(&'a mut self, mut store: StoreClient<'a>, items: Vec<Item>) -> Landed<'a> {
        Box::pin(async move {
            if items.iter().any(|item| matches!(item.effect, Effect::Release(_))) {
                return apply_unmarked(&mut store, items).await;
            }
            apply(store, items).await
        })
    }
}
