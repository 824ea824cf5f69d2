//! Annotations of a pull request on GitHub: workflow commands, printed by a step.

use crate::{
    digest,
    format::{Report, Verdict},
    render::{
        problems::{self, Problem},
        rendering::Rendering,
    },
    text::{
        clip,
        markup::{message, property},
        words::plural,
    },
};
use std::fmt;

pub(super) const RENDERING: Rendering = Rendering {
    name: "annotations",
    help: "GitHub's annotations (workflow commands)",
    option: None,
    render: |report, _| workflow_commands(report),
};

/// The most annotations of a step that GitHub shows; it says nothing of the others.
const MOST: usize = 10;

/// How much an annotation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Something proves nothing.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A remark at a line of a file. Its texts are printable, but for the message's own line ends; as a
/// text it is a workflow command on one line, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How much it weighs.
    pub level: Level,
    /// The scenario's file, and its line from 1; none if it speaks of no scenario.
    pub place: Option<(String, u32)>,
    /// What is wrong, in a few words.
    pub title: String,
    /// What is wrong, in lines.
    pub message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::{} ", self.level)?;
        if let Some((path, line)) = &self.place {
            write!(f, "file={},line={line},", property(path))?;
        }
        write!(f, "title={}::{}", property(&self.title), message(&self.message))
    }
}

/// What did not pass, one for each scenario and invariant, the most severe first. They are ten at
/// most: where there are more, the last says how many.
#[must_use]
pub fn annotations(report: &Report) -> Vec<Annotation> {
    let mut all = outside(report);
    all.extend(problems::problems(report).iter().map(annotation));
    if all.len() > MOST {
        let rest = all.split_off(MOST - 1);
        let errors = rest.iter().any(|annotation| annotation.level == Level::Error);
        all.push(Annotation {
            level: if errors { Level::Error } else { Level::Warning },
            place: None,
            title: format!("{} more", rest.len()),
            message: format!(
                "{} of scenarios and invariants did not pass: the report has all of them.",
                plural(rest.len(), "more pair"),
            ),
        });
    }
    all
}

/// [`annotations`] as a step prints them, one a line; empty if everything passed.
#[must_use]
pub fn workflow_commands(report: &Report) -> String {
    annotations(report).iter().map(|annotation| format!("{annotation}\n")).collect()
}

/// What is wrong and belongs to no scenario.
pub(super) fn outside(report: &Report) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = unnoticed(report).into_iter().collect();
    if all.is_empty() && report.runs().next().is_none() {
        all.push(Annotation {
            level: Level::Error,
            place: None,
            title: "nothing was run".to_owned(),
            message: "squall made no run: nothing is proved.".to_owned(),
        });
    }
    all
}

/// A suite that does not notice a known defect is worth nothing.
fn unnoticed(report: &Report) -> Option<Annotation> {
    let canary = report.canary.as_ref().filter(|canary| canary.noticed_by.is_none())?;
    Some(Annotation {
        level: Level::Error,
        place: None,
        title: "a known defect was not noticed".to_owned(),
        message: format!(
            "{} was switched on for {}, and none violated an invariant that it should break.",
            clip(&canary.defect, 300),
            plural(usize::try_from(canary.runs).unwrap_or(usize::MAX), "run"),
        ),
    })
}

fn annotation(problem: &Problem<'_>) -> Annotation {
    let path = problems::path(problem.scenario);
    let replay =
        problem.runs.first().map_or_else(String::new, |run| digest::command(run, "squall"));
    Annotation {
        level: match problem.verdict {
            Verdict::Vacuous | Verdict::Inconclusive => Level::Warning,
            _ => Level::Error,
        },
        place: (!path.is_empty()).then(|| (path, problem.line())),
        title: match problem.invariant {
            Some(_) => format!("{} is violated: {}", problem.check(), problem.name()),
            None => format!("{}: {}", problem.verdict, problem.name()),
        },
        message: format!("{}\nin {}\n{replay}", problem.what(), problem.how_often()),
    }
}
