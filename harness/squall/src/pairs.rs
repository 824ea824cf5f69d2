//! Which fault has hit which role: (fault, role) pairs that no scenario of a suite exercises.
//!
//! A pair counts where it was felt, not where it was planned. A fault on messages is felt by the roles at both
//! ends of a message that felt it, a fault of disks where an operation was refused; all others by the roles of
//! the nodes on which they began, in a run in which they were felt at all. Faults that act on the workload (a
//! spike, poison) hit no role and are left out.

use crate::{
    faults,
    outcome::RunOutcome,
    plan::Plan,
    scenario::Scenario,
    sim::{self, IsolationError},
    system::System,
};
use squall_probe::{NodeId, What};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// How many scenarios exercise each pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// The roles, as scenarios write them.
    pub roles: Vec<&'static str>,
    /// Each fault that acts on nodes, with the number of scenarios in which each role felt it.
    pub rows: Vec<(&'static str, Vec<usize>)>,
}

/// Runs every scenario with `runs` seeds, one after the other, and looks at what was felt where.
///
/// # Errors
/// The harness itself failed.
pub fn pairs(
    scenarios: &[Scenario],
    system: &Arc<dyn System>,
    seeds: impl Iterator<Item = u64> + Clone,
    mut done: impl FnMut(),
) -> Result<Pairs, IsolationError> {
    let roles = system.roles();
    let mut felt: BTreeMap<(&str, usize), BTreeSet<usize>> = BTreeMap::new();
    let mut on_the_workload: BTreeSet<&str> = BTreeSet::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        for seed in seeds.clone() {
            let plan = Plan::new(scenario, seed, system.as_ref(), &[]);
            let outcome = sim::execute(&plan, system)?;
            for (fault, node) in felt_where(&plan, &outcome) {
                let role = plan
                    .nodes
                    .get(usize::from(node.0))
                    .and_then(|node| roles.iter().position(|role| role.name == node.role));
                match role {
                    Some(role) => {
                        felt.entry((fault, role)).or_default().insert(number);
                    }
                    None => {
                        on_the_workload.insert(fault);
                    }
                }
            }
        }
        done();
    }
    let count = |fault, role| felt.get(&(fault, role)).map_or(0, BTreeSet::len);
    let rows = faults::CATALOGUE
        .iter()
        .filter(|entry| !on_the_workload.contains(entry.key))
        .map(|entry| (entry.key, (0..roles.len()).map(|role| count(entry.key, role)).collect()))
        .collect();
    Ok(Pairs { roles: roles.iter().map(|role| role.plural).collect(), rows })
}

/// Each fault that was felt, and a node that felt it.
fn felt_where(plan: &Plan, outcome: &RunOutcome) -> BTreeSet<(&'static str, NodeId)> {
    let kinds: BTreeMap<u16, &faults::FaultKind> =
        plan.faults.iter().map(|fault| (fault.step, fault.fault.kind)).collect();
    let (mut began, mut told) = (BTreeSet::new(), BTreeSet::new());
    for record in &outcome.history {
        let (step, nodes, told_of) = match record.what {
            What::FaultBegan { fault, target } => (fault, vec![target], &mut began),
            What::Tampered { fault, to, .. } => (fault, vec![record.node, to], &mut told),
            What::DiskRefused { fault } => (fault, vec![record.node], &mut told),
            _ => continue,
        };
        if let Some(entry) = kinds.get(&step) {
            told_of.extend(nodes.into_iter().map(|node| (entry.key, node)));
        }
    }
    let exact: BTreeSet<&str> = told.iter().map(|(fault, _)| *fault).collect();
    let was_felt = |fault: &str| {
        let entry = faults::CATALOGUE.iter().find(|entry| entry.key == fault);
        entry.is_some_and(|entry| outcome.signals.contains_key(&entry.signal()))
    };
    told.into_iter()
        .chain(began.into_iter().filter(|(fault, _)| !exact.contains(fault) && was_felt(fault)))
        .collect()
}

impl Pairs {
    /// The pairs that no scenario exercises: fault and role.
    #[must_use]
    pub fn missing(&self) -> Vec<(&'static str, &'static str)> {
        let of_row = |(fault, counts): &(&'static str, Vec<usize>)| {
            let fault = *fault;
            let missing = self.roles.iter().zip(counts).filter(|(_, count)| **count == 0);
            missing.map(|(role, _)| (fault, *role)).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(of_row).collect()
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(fault, _)| fault.len()).max().unwrap_or(0);
        write!(f, "{:width$}", "")?;
        for role in &self.roles {
            write!(f, "  {role}")?;
        }
        writeln!(f)?;
        for (fault, counts) in &self.rows {
            write!(f, "{fault:width$}")?;
            for (role, count) in self.roles.iter().zip(counts) {
                let count = if *count == 0 { "-".to_owned() } else { count.to_string() };
                write!(f, "  {count:>width$}", width = role.len())?;
            }
            writeln!(f)?;
        }
        let missing = self.missing();
        let all = self.rows.len() * self.roles.len();
        writeln!(f, "\n{} of {all} pairs of fault and role are in no scenario", missing.len())?;
        let mut by_role: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (fault, role) in missing {
            by_role.entry(role).or_default().push(fault);
        }
        for (role, faults) in by_role {
            writeln!(f, "  {role}: {}", faults.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_what_is_missing() {
        let pairs = Pairs {
            roles: vec!["brokers", "stores"],
            rows: vec![("crash", vec![12, 1]), ("wipe", vec![2, 0])],
        };
        assert_eq!(pairs.missing(), [("wipe", "stores")]);
        assert_eq!(
            pairs.to_string(),
            "       brokers  stores\n\
             crash       12       1\n\
             wipe         2       -\n\n\
             1 of 4 pairs of fault and role are in no scenario\n  stores: wipe\n"
        );
    }
}
