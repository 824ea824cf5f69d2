//! Reading the topic again, for people.

use super::{policy::ClientPolicy, rotation::Brokers};
use crate::{
    Error,
    wire::{
        self,
        broker::{BrokerReply, BrokerRequest},
        groups::Claim,
    },
};
use std::{sync::Arc, time::Duration};

/// Reads the topic from `start` on into a new consumer group, and hands each event to `each` until nothing
/// new has come for a while. Returns how many there were.
///
/// # Errors
/// No broker leads, or the group was dealt anew.
pub async fn replay(
    brokers: &[String],
    group: &str,
    start: wire::Start,
    mut each: impl FnMut(u32, u64, &wire::EventData),
) -> Result<u64, Error> {
    let within = Duration::from_secs(1);
    let mut brokers = Brokers::new("replay", brokers, 0, ClientPolicy::default());
    let (group, member): (Arc<str>, Arc<str>) = (group.into(), "replay".into());
    let join = BrokerRequest::Join { group: group.clone(), member: member.clone(), start };
    let mut joined = None;
    for _ in 0..20 {
        if let Ok(BrokerReply::Joined { generation, partitions }) =
            brokers.ask("group", &join, within).await
        {
            joined = Some((generation, partitions));
            break;
        }
        squall_probe::time::sleep(Duration::from_millis(250)).await;
    }
    let (generation, mut positions) = joined.ok_or("no broker leads")?;
    let claim = Claim { group: group.clone(), member: member.clone(), generation };
    let (mut count, mut idle) = (0, 0);
    while idle < 3 {
        let fetch = BrokerRequest::Fetch {
            claim: claim.clone(),
            positions: positions.clone(),
            commits: positions.clone(),
            limit: 256,
        };
        match brokers.ask("fetch", &fetch, within).await {
            Ok(BrokerReply::Events { events, .. }) => {
                idle = if events.is_empty() { idle + 1 } else { 0 };
                for (partition, offset, event) in events {
                    each(partition, offset, &event);
                    count += 1;
                    for position in &mut positions {
                        if position.0 == partition {
                            position.1 = offset + 1;
                        }
                    }
                }
            }
            Ok(BrokerReply::Rebalanced) => return Err("another member took the group".into()),
            Ok(_) | Err(_) => idle += 1,
        }
    }
    let leave = BrokerRequest::Leave { group, member };
    let _ = brokers.ask("group", &leave, within).await;
    Ok(count)
}
