//! Which lines of a run's timeline are asked for.

use clap::Args;
use squall_reports::Run;
use std::collections::BTreeSet;

/// What a line must be about. Of what is said several times one suffices; of different things, each.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which lines")]
pub(in crate::cli) struct Picked {
    /// Lines about this event, such as e17 (repeatable)
    #[arg(long, value_name = "EVENT", value_parser = event)]
    event: Vec<u64>,
    /// Lines of this node, such as broker-1; squall for the faults themselves (repeatable)
    #[arg(long, value_name = "NODE")]
    node: Vec<String>,
    /// Lines about events with this key, and about those that follow from them (repeatable)
    #[arg(long, value_name = "KEY")]
    key: Vec<u64>,
    /// Lines from this time on, such as 1.5s
    #[arg(long, value_name = "TIME", value_parser = micros)]
    from: Option<u64>,
    /// Lines up to this time
    #[arg(long, value_name = "TIME", value_parser = micros)]
    to: Option<u64>,
    /// Lines so near to the evidence of a violation, such as 200ms
    #[arg(long, value_name = "TIME", value_parser = micros)]
    around: Option<u64>,
}

fn event(text: &str) -> Result<u64, String> {
    let number = text.strip_prefix('e').unwrap_or(text);
    number.parse().map_err(|_| "expected an event, such as e17".to_owned())
}

/// A time, also as timelines show it: `1.250s`.
pub(in crate::cli) fn micros(text: &str) -> Result<u64, String> {
    let seconds = text.strip_suffix('s').and_then(|number| number.parse::<f64>().ok());
    if let Some(seconds) = seconds.filter(|seconds| (0.0..1e9).contains(seconds)) {
        return Ok((seconds * 1e6).round() as u64);
    }
    let time = humantime::parse_duration(text).ok();
    let time = time.and_then(|time| u64::try_from(time.as_micros()).ok());
    time.ok_or_else(|| "expected a time, such as 1.5s or 200ms".to_owned())
}

/// A line of a timeline, taken apart.
struct Line<'l> {
    /// In microseconds.
    at: u64,
    node: &'l str,
    text: &'l str,
}

impl<'l> Line<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let (at, rest) = line.trim_start().split_once("s  ")?;
        let (node, text) = rest.split_once(' ')?;
        Some(Self { at: micros(&format!("{at}s")).ok()?, node, text: text.trim_start() })
    }

    /// The events that it speaks of.
    fn events(&self) -> impl Iterator<Item = u64> {
        let words = self.text.split(|c: char| !c.is_alphanumeric());
        words.filter_map(|word| word.strip_prefix('e')?.parse().ok())
    }
}

impl Picked {
    /// All are asked for.
    pub(in crate::cli) fn is_all(&self) -> bool {
        let Self { event, node, key, from, to, around } = self;
        let times = [from, to, around];
        event.is_empty() && node.is_empty() && key.is_empty() && times.iter().all(|t| t.is_none())
    }

    /// Those of a run's lines that are asked for, in the order of time.
    ///
    /// # Errors
    /// There is no such node, or no evidence around which something could be.
    pub(in crate::cli) fn of(
        &self,
        lines: Vec<String>,
        run: &Run,
        nodes: &[&str],
    ) -> Result<Vec<String>, String> {
        for node in &self.node {
            if !nodes.contains(&node.as_str()) {
                let near = crate::syntax::nearest(node, nodes.iter().copied());
                let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("--node: this run has no node `{node}`.{near}"));
            }
        }
        let evidence: Vec<u64> = run
            .violations
            .iter()
            .flat_map(|violation| violation.evidence.iter().map(|evidence| evidence.at_us))
            .collect();
        if self.around.is_some() && evidence.is_empty() {
            return Err("--around: nothing is violated, so there is no evidence".to_owned());
        }
        let events = self.events(&lines);
        let fits = |line: &Line<'_>| {
            let near = |around: u64| evidence.iter().any(|at| at.abs_diff(line.at) <= around);
            (self.node.is_empty() || self.node.iter().any(|node| node == line.node))
                && self.from.is_none_or(|from| line.at >= from)
                && self.to.is_none_or(|to| line.at <= to)
                && self.around.is_none_or(near)
                && events.as_ref().is_none_or(|events| line.events().any(|e| events.contains(&e)))
        };
        let mut picked: Vec<(u64, String)> = lines
            .into_iter()
            .filter_map(|text| {
                let line = Line::of(&text)?;
                fits(&line).then_some((line.at, text))
            })
            .collect();
        picked.sort_by_key(|(at, _)| *at);
        Ok(picked.into_iter().map(|(_, line)| line).collect())
    }

    /// The events that are asked for; `None`: all.
    fn events(&self, lines: &[String]) -> Option<BTreeSet<u64>> {
        if self.event.is_empty() && self.key.is_empty() {
            return None;
        }
        let mut events: BTreeSet<u64> = self.event.iter().copied().collect();
        for line in lines.iter().filter_map(|line| Line::of(line)) {
            let mut named = line.events();
            let Some(first) = named.next() else { continue };
            let key = line.text.split_once("(key ").and_then(|(_, rest)| rest.split(')').next());
            let key = key.and_then(|key| key.parse().ok());
            let follows = line.text.contains(" follows from ")
                && !self.key.is_empty()
                && named.next().is_some_and(|from| events.contains(&from));
            if follows || key.is_some_and(|key| self.key.contains(&key)) {
                events.insert(first);
            }
        }
        Some(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 6] = [
        "   0.100s  producer-1   publish e1 (key 3)",
        "   0.200s  broker-1     has e1 at 0/7 (term 1)",
        "   0.300s  producer-2   publish e17 (key 4)",
        "   0.400s  consumer-1   e9 follows from e1",
        "   0.500s  consumer-1   shipping: effect of e9 at 0/8 is durable",
        "  12.000s  squall       fault 1 begins on broker-1 (crash: leader)",
    ];

    fn picked(picked: &Picked) -> Vec<usize> {
        let lines = LINES.map(str::to_owned).to_vec();
        let found = picked.of(lines, &Run::default(), &["broker-1", "squall"]).unwrap();
        found.iter().map(|line| LINES.iter().position(|known| known == line).unwrap()).collect()
    }

    #[test]
    fn lines_are_picked_by_what_they_are_about() {
        let none = Picked::default;
        assert!(none().is_all());
        assert_eq!(picked(&Picked { event: vec![1], ..none() }), [0, 1, 3]);
        assert_eq!(picked(&Picked { event: vec![7], ..none() }), [0; 0]);
        assert_eq!(picked(&Picked { key: vec![3], ..none() }), [0, 1, 3, 4]);
        assert_eq!(picked(&Picked { key: vec![3, 4], ..none() }), [0, 1, 2, 3, 4]);
        assert_eq!(picked(&Picked { node: vec!["squall".to_owned()], ..none() }), [5]);
        let from = micros("0.2s").ok();
        assert_eq!(picked(&Picked { from, to: micros("400ms").ok(), ..none() }), [1, 2, 3]);
        assert_eq!(picked(&Picked { from, event: vec![1], ..none() }), [1, 3]);
    }

    #[test]
    fn what_cannot_be_picked_is_told() {
        let of =
            |picked: Picked| picked.of(Vec::new(), &Run::default(), &["broker-1"]).unwrap_err();
        let node = Picked { node: vec!["broker1".to_owned()], ..Picked::default() };
        assert!(of(node).contains("Did you mean `broker-1`?"));
        let around = Picked { around: Some(1), ..Picked::default() };
        assert!(of(around).contains("no evidence"));
        assert!(event("x").is_err() && micros("2").is_err() && micros("-1s").is_err());
        assert_eq!((micros("1.250s"), micros("1m 2s")), (Ok(1_250_000), Ok(62_000_000)));
    }
}
