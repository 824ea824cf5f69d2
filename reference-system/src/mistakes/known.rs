//! A mistake as a value.

use crate::{client::policy::ClientPolicy, policies::Policies};

/// A mistake.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name, as on a command line.
    pub id: &'static str,
    /// What it is, and who shipped it.
    pub about: &'static str,
    /// The invariants of which one should fall.
    pub breaks: &'static [&'static str],
    pub(super) make: fn(&mut Policies),
}

/// The same mistake of consumers and producers.
pub(super) fn every_client(policies: &mut Policies, change: fn(&mut ClientPolicy)) {
    change(&mut policies.consumer.client);
    change(&mut policies.producer.client);
}
