//! Short runs.

use squall_maelstrom::{Effect, Host, Load, Network, Outcome, Rule, Settings, workloads};
use std::{collections::BTreeSet, path::Path, time::Duration};

/// The command of one of the examples.
pub fn example(file: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/maelstrom");
    let program = if file.ends_with(".js") { "node" } else { "python3" };
    vec![program.to_owned(), folder.join(file).display().to_string()]
}

/// A program that is given in Python.
pub fn python(text: &str) -> Vec<String> {
    vec!["python3".to_owned(), "-u".to_owned(), "-c".to_owned(), text.to_owned()]
}

pub fn settings(command: Vec<String>) -> Settings {
    Settings { command, ..Settings::new(&[]) }
}

pub fn load(ms: u64, recovery_ms: u64) -> Load {
    let (lasting, recovery) = (Duration::from_millis(ms), Duration::from_millis(recovery_ms));
    let patience = Duration::from_millis(500);
    Load { rate: 100.0, lasting, patience, recovery, ..Load::of(3) }
}

/// A run of a workload, in which `storm` is done while clients ask.
pub fn run(workload: &str, command: Vec<String>, load: Load, storm: impl FnOnce(&Host)) -> Outcome {
    let host = Host::start(settings(command), workloads::named(workload).unwrap()).unwrap();
    let driving = host.drive(load);
    storm(&host);
    host.conclude(driving)
}

pub fn wait(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// All links of a node to other nodes, and to services if those are named too, both ways.
pub fn around(host: &Host, node: &str, services: bool) -> BTreeSet<(String, String)> {
    let mut others: Vec<String> = host.names().iter().filter(|n| *n != node).cloned().collect();
    if services {
        others.extend(Network::services().iter().map(|s| (*s).to_owned()));
    }
    let pairs =
        others.iter().flat_map(|o| [(node.to_owned(), o.clone()), (o.clone(), node.to_owned())]);
    pairs.collect()
}

/// Does something to all messages of some links for a while, and tells how many it hit.
pub fn storm(host: &Host, links: BTreeSet<(String, String)>, effect: Effect, ms: u64) -> u64 {
    let rule = host.network().add(Rule { links, kinds: Vec::new(), effect });
    wait(ms);
    host.network().remove(rule);
    host.network().hits(rule)
}

pub fn names(outcome: &Outcome) -> BTreeSet<&str> {
    outcome.findings.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect()
}
