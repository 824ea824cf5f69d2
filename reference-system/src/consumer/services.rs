//! What each service does about events: the choreographed saga, where services follow each other's events.

use super::{
    bank::Exhausted, delivered::Delivered, landing::Rejoin, membership::Membership, orchestrator,
};
use crate::{
    domain::{Effect, Happening, Service},
    wire::{groups::Letter, store::Item},
};
use squall_probe::{point, signal};
use std::collections::{BTreeMap, BTreeSet};

/// Does what the member's service does about these messages. Where calls are exhausted, events go to the dead-letter
/// queue. `ahead` is the number of events that wait behind them; everything before `next` was delivered.
pub(super) async fn act(
    member: &mut Membership,
    messages: Vec<Delivered>,
    ahead: u64,
    next: &BTreeMap<u32, u64>,
) -> Result<(), Rejoin> {
    match member.service {
        Service::Payment => {
            let messages = member.not_done(messages).await?;
            pay(member, &messages, ahead).await
        }
        Service::Fulfilment => {
            let messages = member.not_done(messages).await?;
            orchestrator::fulfil(member, &messages, next).await
        }
        Service::Shipping => ship(member, &messages).await,
        Service::Inventory => {
            member.apply(messages.iter().map(|m| m.item(stock(m), true)).collect()).await
        }
        Service::Loyalty => {
            let skips = (member.policy.skips)(Service::Loyalty, ahead);
            if skips {
                signal("degraded");
            }
            let points = |m: &Delivered| match m.message.happening {
                Happening::Paid if !skips => m.message.order.reward(),
                _ => Effect::Nothing,
            };
            member.apply(messages.iter().map(|m| m.item(points(m), true)).collect()).await
        }
    }
}

/// What an event means for the stock.
fn stock(delivered: &Delivered) -> Effect {
    let order = &delivered.message.order;
    match delivered.message.happening {
        Happening::Placed if !order.is_orchestrated() => order.reserve(),
        Happening::Declined | Happening::Unshippable => order.release(),
        Happening::Placed | Happening::Paid => Effect::Nothing,
    }
}

/// Charges what was placed, gives back what cannot be shipped, and says so to the other services.
async fn pay(member: &mut Membership, messages: &[Delivered], ahead: u64) -> Result<(), Rejoin> {
    let skips = (member.policy.skips)(Service::Payment, ahead);
    let placed: Vec<&Delivered> =
        messages.iter().filter(|m| m.is(Happening::Placed, false) && !skips).collect();
    let back: Vec<&Delivered> =
        messages.iter().filter(|m| m.is(Happening::Unshippable, false)).collect();
    let paid = member.charge(&placed).await;
    let refunded = member.refund(&back).await;
    let mut exhausted: BTreeSet<Letter> = BTreeSet::new();
    let mut follow = Vec::new();
    match paid {
        Ok(charged) => {
            for (delivered, charged) in placed.into_iter().zip(charged) {
                let happening = if charged { Happening::Paid } else { Happening::Declined };
                follow.push((delivered, happening));
            }
        }
        Err(Exhausted) => exhausted.extend(placed.iter().map(|m| m.letter())),
    }
    if refunded.is_err() {
        exhausted.extend(back.iter().map(|m| m.letter()));
    }
    point("payment.charged").await;
    member.emit(&follow).await?;
    let items = messages
        .iter()
        .filter(|m| !exhausted.contains(&m.letter()))
        .map(|m| m.item(Effect::Nothing, true))
        .collect();
    member.give_up(exhausted).await?;
    member.apply(items).await
}

/// Ships what was paid for, and says what cannot be shipped.
async fn ship(member: &mut Membership, messages: &[Delivered]) -> Result<(), Rejoin> {
    let mut follow = Vec::new();
    let mut items: Vec<Item> = Vec::with_capacity(messages.len());
    for delivered in messages {
        let order = &delivered.message.order;
        let effect = match delivered.message.happening {
            Happening::Paid if order.is_shippable() => order.ship(),
            Happening::Paid => {
                follow.push((delivered, Happening::Unshippable));
                Effect::Nothing
            }
            _ => Effect::Nothing,
        };
        items.push(delivered.item(effect, true));
    }
    member.emit(&follow).await?;
    member.apply(items).await
}
