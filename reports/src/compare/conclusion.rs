//! What every rendering says alike: the sides, the table, the sum, and how much could have been seen.

use crate::{
    compare::model::{
        Comparison, Finding, FindingKind, Metric, ScenarioComparison, Side, VerdictCounts, Weight,
    },
    stats::{NUMBERS, upper_median},
    text::{
        numbers::{percent, times},
        words::{list, plural},
    },
};

/// Titles of the columns.
pub(super) const COLUMNS: [&str; 8] =
    ["scenario", "base", "head", "p", "recov", "p99", "thrpt", "sees"];

/// What the columns are, in a sentence.
pub(super) const LEGEND: &str = "base and head: % of runs passed that are not vacuous; p: of no \
     difference, corrected; recov, p99, thrpt: head / base, * beyond chance; sees: the smallest drop \
     in points that is found in four of five comparisons.";

/// What a side is.
pub(super) fn side(side: &Side) -> String {
    if side.reports == 0 {
        return "no report".to_owned();
    }
    format!(
        "{}, {}, {}",
        list(&side.systems, 3),
        plural(side.scenarios, "scenario"),
        plural(side.runs, "run"),
    )
}

/// A row of the table, all columns but the name.
pub(super) fn cells(scenario: &ScenarioComparison) -> [String; 7] {
    let rate = |side: &Option<VerdictCounts>| match side {
        None => "-".to_owned(),
        Some(runs) if runs.passed.of == 0 => "?".to_owned(),
        Some(runs) => percent(runs.passed.rate()),
    };
    let ratio = |name: &str| scenario.metrics.get(name).map_or_else(|| "-".to_owned(), factor);
    let p = match scenario.corrected {
        None => "-".to_owned(),
        Some(p) if p < 0.001 => "<.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    };
    let sees = scenario.detectable_drop.map_or_else(|| "-".to_owned(), percent);
    [
        rate(&scenario.base),
        rate(&scenario.head),
        p,
        ratio("recovery"),
        ratio("latency"),
        ratio("throughput"),
        sees,
    ]
}

pub(super) fn factor(metric: &Metric) -> String {
    let mark = if metric.corrected <= NUMBERS { "*" } else { "" };
    match metric.ratio {
        None => format!("never{mark}"),
        Some(ratio) if ratio <= 0.0 => format!("again{mark}"),
        Some(ratio) if ratio < 0.995 => format!("{ratio:.2}x{mark}"),
        Some(ratio) => format!("{}x{mark}", times(ratio)),
    }
}

/// Scenarios that were compared.
pub(super) fn compared(comparison: &Comparison) -> impl Iterator<Item = &ScenarioComparison> {
    comparison.scenarios.iter().filter(|scenario| scenario.compared)
}

/// The sum.
pub(super) fn conclusion(comparison: &Comparison) -> String {
    if comparison.compared == 0 {
        return "Nothing was compared: this is not a pass.".to_owned();
    }
    let proven = comparison.findings.iter().filter(|finding| finding.proof).count();
    let regressions = match comparison.count(Weight::Regression) {
        0 => "No regression was found".to_owned(),
        count if proven > 0 => {
            format!("{} ({proven} by proof)", plural(count, "regression"))
        }
        count => plural(count, "regression"),
    };
    let missing = match comparison.missing() {
        0 => String::new(),
        _ if comparison.options.allow_missing => String::new(),
        missing => format!(", {} missing", plural(missing, "scenario")),
    };
    format!(
        "{regressions}{missing}, {} to look at, {}; {} compared.",
        comparison.count(Weight::Attention),
        plural(comparison.count(Weight::Improvement), "improvement"),
        plural(comparison.compared, "scenario"),
    )
}

/// What could have been seen.
pub(super) struct Seen {
    /// The smallest drop of the pass rate that the median scenario would have shown, as a share; none if it has too few
    /// runs to show any.
    pub(super) drop: Option<f64>,
    /// Scenarios with too few runs to show any drop.
    pub(super) blind: usize,
    /// A failure of a new kind that hits this share of the median scenario's runs would have come up.
    pub(super) shows_by: Option<f64>,
}

/// What could have been seen; none if nothing was compared.
pub(super) fn seen(comparison: &Comparison) -> Option<Seen> {
    let scenarios: Vec<_> = compared(comparison).collect();
    let mut drops: Vec<Option<f64>> = scenarios.iter().map(|s| s.detectable_drop).collect();
    // None sees nothing: as if only a drop beyond all were seen.
    drops.sort_by(|a, b| a.unwrap_or(2.0).total_cmp(&b.unwrap_or(2.0)));
    let drop = *upper_median(&drops)?;
    let blind = drops.iter().filter(|drop| drop.is_none()).count();
    let mut rates: Vec<f64> = scenarios.iter().filter_map(|scenario| scenario.shows_by).collect();
    rates.sort_by(f64::total_cmp);
    Some(Seen { drop, blind, shows_by: upper_median(&rates).copied() })
}

/// The same, in words.
pub(super) fn power(comparison: &Comparison) -> Option<String> {
    let Seen { drop, blind, shows_by } = seen(comparison)?;
    let mut out = match drop {
        Some(drop) => format!(
            "In four of five comparisons like this, a drop of the pass rate of {} points would have been \
             called a regression in the median scenario",
            percent(drop)
        ),
        None => "Too few runs to see any drop of the pass rate in the median scenario".to_owned(),
    };
    if blind > 0 && drop.is_some() {
        out.push_str(&format!("; in {} too few runs to see any", plural(blind, "scenario")));
    }
    if let Some(rate) = shows_by {
        out.push_str(&format!(
            ". A failure of a new kind that hits {} % of its runs would have come up",
            percent(rate)
        ));
    }
    out.push('.');
    Some(out)
}

impl Finding {
    /// What it is, in a word or two.
    pub(super) fn title(&self) -> &'static str {
        match (self.weight, self.kind) {
            (Weight::Regression, _) => "REGRESSION",
            (Weight::Improvement, FindingKind::Resolved) => "RESOLVED",
            (Weight::Improvement, _) => "BETTER",
            (_, FindingKind::New) => "NEW",
            (_, FindingKind::Resolved) => "RESOLVED",
            (_, FindingKind::Ongoing) => "ONGOING",
            (_, FindingKind::Rare) => "RARE",
            (_, FindingKind::NotExercised) => "NOT EXERCISED",
            (_, FindingKind::Changed | FindingKind::Edited) => "CHANGED",
            (_, FindingKind::Vanished) => "VANISHED",
            (_, FindingKind::Added) => "ADDED",
        }
    }

    /// The replay command without the program's name.
    pub(super) fn arguments(&self) -> Option<&str> {
        self.replay.as_deref().map(|replay| replay.strip_prefix("squall ").unwrap_or(replay))
    }

    /// What it is about: the subject, unless that is the scenario.
    pub(super) fn about(&self) -> String {
        if self.subject == "scenario" {
            self.name.clone()
        } else {
            format!("{}: {}", self.name, self.subject)
        }
    }
}
