//! The state of a run at one moment, as a table: who leads, what each node is, how far each group is, what acts.

use super::{
    board::{Board, Labels},
    told::Told,
};
use crate::{metrics, outcome::RunOutcome, plan::Plan, system::System};
use squall_judge::seconds;
use squall_probe::{NodeChange, NodeId, Phase, What};
use squall_reports::{TraceFault, fit, printable};
use std::collections::{BTreeMap, BTreeSet};

/// No line is longer, in characters.
const WIDTH: usize = 80;

/// What became of a node last.
#[derive(Default)]
struct Life {
    /// When it started or stopped, in microseconds, and how.
    change: Option<(u64, NodeChange)>,
    /// Since when it does not run, though it does not know, in microseconds.
    paused: Option<u64>,
    /// The term that it said it leads.
    term: u64,
}

/// The state of a run after all that happened up to `at`, in microseconds; without it, up to the last record that proves the
/// first violation, or to the end of a run that has none. `faults` are those that acted.
pub(crate) fn state(
    plan: &Plan,
    system: &dyn System,
    outcome: &RunOutcome,
    faults: &[TraceFault],
    at: Option<u64>,
) -> Vec<String> {
    let proven = outcome.violations.iter().find_map(|violation| {
        let at = violation.evidence.iter().map(|evidence| evidence.record.at).max()?;
        Some((at, format!(", the last evidence of {}", violation.invariant)))
    });
    let (at, why) = match (at, proven) {
        (Some(at), _) => (at, String::new()),
        (None, Some(proven)) => proven,
        (None, None) => (outcome.elapsed, String::new()),
    };
    let mut board = Board::default();
    let mut told = Told::new(plan, system, &outcome.names, &mut board);
    let mut lives: Vec<Life> = plan.nodes.iter().map(|_| Life::default()).collect();
    let mut publishes: BTreeMap<Phase, usize> = BTreeMap::new();
    let mut open = BTreeSet::new();
    for record in outcome.history.iter().take_while(|record| record.at <= at) {
        told.record(&mut board, record);
        let life = lives.get_mut(record.node.index());
        match (record.what, life) {
            (What::Node { change }, Some(life)) => life.change = Some((record.at, change)),
            (What::Lead { term }, Some(life)) => life.term = term,
            (What::Publish { phase, event, .. }, _) => {
                *publishes.entry(phase).or_default() += 1;
                let _ =
                    if phase == Phase::Invoke { open.insert(event) } else { open.remove(&event) };
            }
            _ => {}
        }
        if let What::Node { .. }
        | What::FaultBegan { .. }
        | What::FaultHealed { .. }
        | What::Mark(_) = record.what
        {
            for (index, life) in lives.iter_mut().enumerate() {
                let silent = board.is_silent(NodeId::of_index(index));
                life.paused = silent.then(|| life.paused.unwrap_or(record.at));
            }
        }
    }
    let mut lines = vec![format!("state at {} of {}{why}", seconds(at), seconds(outcome.elapsed))];
    lines.push(String::new());
    lines.extend(nodes(plan, &board, &lives));
    let groups = groups(&board);
    if !groups.is_empty() {
        lines.push(String::new());
        lines.extend(groups);
    }
    lines.push(String::new());
    let of = |phase| publishes.get(&phase).copied().unwrap_or(0);
    lines.push(format!(
        "publishes: {} begun, {} acknowledged, {} failed, {} indeterminate, {} open",
        of(Phase::Invoke),
        of(Phase::Ok),
        of(Phase::Fail),
        of(Phase::Info),
        open.len()
    ));
    let mut acting = faults.iter().filter(|fault| fault.acts_at(at)).peekable();
    lines.push(
        if acting.peek().is_some() { "faults that act:" } else { "no fault acts" }.to_owned(),
    );
    for fault in acting {
        let on: Vec<&str> = fault
            .nodes
            .iter()
            .filter_map(|node| Some(plan.nodes.get(usize::from(*node))?.name.as_str()))
            .collect();
        let on = if on.is_empty() { String::new() } else { format!(", on {}", on.join(", ")) };
        let text = printable(&fault.text);
        lines.push(format!("  since {}  line {}: {text}{on}", seconds(fault.from_us), fault.line));
    }
    lines.iter().map(|line| fit(line.trim_end(), WIDTH)).collect()
}

/// A line a node: what it is and since when, what it believes that it leads, and its breakers that are not closed.
fn nodes(plan: &Plan, board: &Board, lives: &[Life]) -> Vec<String> {
    let mut rows = vec![["node", "is", "since", "leads", "breakers"].map(str::to_owned)];
    for (node, life) in plan.nodes.iter().zip(lives) {
        let here = |labels: &Labels| label(labels, "instance") == node.name;
        let shown = |name| board.now(name).filter(|(labels, _)| here(labels));
        let (is, since) = match (life.change, life.paused) {
            (Some((_, NodeChange::Up)), Some(since)) => ("paused", Some(since)),
            (Some((since, NodeChange::Up)), None) => ("up", Some(since)),
            (Some((since, NodeChange::Crashed)), _) => ("down: crashed", Some(since)),
            (Some((since, NodeChange::Exited)), _) => ("down: ended", Some(since)),
            (Some((since, NodeChange::Panicked)), _) => ("down: panicked", Some(since)),
            (None, _) => ("not started", None),
        };
        let leads = shown(metrics::LEADER).any(|(_, leads)| leads > 0.0);
        let breakers: Vec<String> = shown(metrics::BREAKER_STATE)
            .filter(|(_, state)| *state > 0.0)
            .map(|(labels, state)| {
                let state = if state > 1.0 { "open" } else { "half open" };
                format!("{} {state}", printable(label(labels, "dependency")))
            })
            .collect();
        rows.push([
            fit(&node.name, 20),
            is.to_owned(),
            since.map(seconds).unwrap_or_default(),
            if leads { format!("term {}", life.term) } else { String::new() },
            breakers.join(", "),
        ]);
    }
    table(&rows, 2)
}

/// A line a group.
fn groups(board: &Board) -> Vec<String> {
    let mut rows = vec![["group", "lag", "dead letters"].map(str::to_owned)];
    let dead: BTreeMap<&str, f64> = board
        .now(metrics::DEAD_LETTERS)
        .map(|(labels, count)| (label(labels, "group"), count))
        .collect();
    for (labels, lag) in board.now(metrics::LAG) {
        let group = label(labels, "group");
        let dead = dead.get(group).copied().unwrap_or(0.0);
        rows.push([fit(group, 40), lag.to_string(), dead.to_string()]);
    }
    if rows.len() > 1 { table(&rows, 1) } else { Vec::new() }
}

fn label<'l>(labels: &'l Labels, name: &str) -> &'l str {
    labels.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// Rows in columns. Those before `words` and those after the third hold words, the others numbers, which end where their
/// columns end.
fn table<const N: usize>(rows: &[[String; N]], words: usize) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let cell = |(column, text): (usize, &String)| {
        let width = widths[column];
        if column < words || column > 2 {
            format!("{text:<width$}")
        } else {
            format!("{text:>width$}")
        }
    };
    rows.iter().map(|row| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")).collect()
}
