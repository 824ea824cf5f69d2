//! The orchestrated saga: one service leads an order through reservation, payment and shipment, and undoes what was
//! done where it cannot go on.

use super::{
    bank::Exhausted,
    delivered::Delivered,
    landing::Rejoin,
    membership::{Membership, Stage},
};
use crate::{
    domain::{Effect, Happening, Order},
    wire::{groups::Letter, store::Item},
};
use squall_probe::point;
use std::collections::{BTreeMap, BTreeSet};

/// Leads a batch of orders. Every step lands once, whoever repeats it: so whoever takes over begins at the
/// beginning.
pub(super) async fn fulfil(
    member: &mut Membership,
    messages: &[Delivered],
    next: &BTreeMap<u32, u64>,
) -> Result<(), Rejoin> {
    let (mine, rest): (Vec<&Delivered>, Vec<&Delivered>) =
        messages.iter().partition(|m| m.is(Happening::Placed, true));
    let rest: Vec<Item> = rest.iter().map(|m| m.item(Effect::Nothing, true)).collect();
    if mine.is_empty() {
        return member.apply(rest).await;
    }
    let step = |effect: fn(&Order) -> Effect, of: &[&Delivered]| {
        of.iter().map(|m| m.item(effect(&m.message.order), false)).collect::<Vec<_>>()
    };
    member.apply(step(Order::reserve, &mine)).await?;
    member.reached(Stage::Reserved, next).await;
    point("orchestrator.reserved").await;
    let Ok(charged) = member.charge(&mine).await else {
        member.give_up(mine.iter().map(|m| m.letter()).collect()).await?;
        return member.apply(rest).await;
    };
    point("orchestrator.charged").await;
    let (mut good, mut undone, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for (delivered, paid) in mine.iter().copied().zip(charged) {
        match (paid, delivered.message.order.is_shippable()) {
            (true, true) => good.push(delivered),
            (true, false) => {
                back.push(delivered);
                undone.push(delivered);
            }
            (false, _) => undone.push(delivered),
        }
    }
    let refunded = member.refund(&back).await;
    point("orchestrator.compensating").await;
    member.apply(step(Order::release, &undone)).await?;
    member.apply(step(Order::ship, &good)).await?;
    let given_up: BTreeSet<Letter> = match refunded {
        Ok(()) => BTreeSet::new(),
        Err(Exhausted) => back.iter().map(|m| m.letter()).collect(),
    };
    let done = mine.iter().filter(|m| !given_up.contains(&m.letter()));
    let items = done.map(|m| m.item(Effect::Nothing, true)).chain(rest).collect();
    member.give_up(given_up).await?;
    member.apply(items).await
}
