//! A consumer process: one member for each of the four services.

mod member;

use crate::{Error, defects::Defects, domain::GROUPS};
use member::Member;

/// How a consumer is set up.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Its name, unique among consumers.
    pub name: String,
    /// All brokers' addresses, in the order of their numbers.
    pub brokers: Vec<String>,
    /// The store's address.
    pub store: String,
    /// Mistakes switched on.
    pub defects: Defects,
}

/// Runs a consumer for ever.
///
/// # Errors
/// A member ended, which it never should.
pub async fn run(config: ConsumerConfig) -> Result<(), Error> {
    let mut members = Vec::new();
    for group in GROUPS {
        let member = Member::new(group, &config);
        members.push(squall_probe::task::spawn(member.run()));
    }
    for member in members {
        member.await?;
    }
    Err("every member has ended".into())
}
