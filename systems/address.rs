//! Where the nodes of a run are, as each process is told in its environment.

use std::env;

/// The servers of the broker: name and address of each, in the order of their numbers.
pub(crate) fn servers() -> Vec<(String, String)> {
    let all = env::var("SQUALL_SERVERS").unwrap_or_default();
    let each = all.split(',').filter(|address| !address.is_empty());
    each.zip(1..).map(|(address, index)| (format!("server-{index}"), address.to_owned())).collect()
}

/// The name of the server at an address.
pub(crate) fn name_of(address: &str) -> Option<String> {
    servers().into_iter().find(|(_, known)| known == address).map(|(name, _)| name)
}

/// A setting of a variant, or what holds without one.
pub(crate) fn setting(name: &str, usual: &str) -> String {
    env::var(name).unwrap_or_else(|_| usual.to_owned())
}

/// Whether this process is the first of its node: what the broker needs is set up once.
pub(crate) fn is_first_life() -> bool {
    env::var("SQUALL_LIVES").is_ok_and(|lives| lives == "0")
}

/// What tells this process from every other client of the run: the number of its node, and how often that was started.
pub(crate) fn own() -> u64 {
    let number = |name| setting(name, "0").parse::<u64>().unwrap_or_default();
    number("SQUALL_INDEX") * 1_000 + number("SQUALL_LIVES")
}
