//! Renderings of a report, for whoever reads it: files that were asked for, and what GitHub shows.

use super::{Stop, program, run::writable, say};
use clap::{Args, ValueEnum};
use squall_reports::{self as reports, Report, render};
use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// Renderings to be written beside the report.
#[derive(Debug, Args)]
pub(super) struct Outputs {
    /// Write JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page (HTML, one file) to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write Markdown, as for a pull request's comment, to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write a GitLab code-quality report (JSON) to this file
    #[arg(long, value_name = "FILE")]
    gitlab: Option<PathBuf>,
    /// Write totals (OpenMetrics text) to this file
    #[arg(long, value_name = "FILE")]
    openmetrics: Option<PathBuf>,
}

/// A rendering of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Rendering {
    /// Tables, failures first
    Terminal,
    /// JUnit XML
    Junit,
    /// Markdown, as for a pull request's comment
    Markdown,
    /// GitHub's annotations (workflow commands)
    Annotations,
    /// GitLab's code-quality JSON
    Gitlab,
    /// One page, which needs nothing else
    Html,
    /// Totals as OpenMetrics text
    Openmetrics,
    /// A line of JSON for each run
    JsonLines,
}

/// What a comment on a pull request may hold, in bytes.
const COMMENT: usize = 65_536;

/// What the summary of a step may hold, in bytes.
const STEP_SUMMARY: u64 = 1 << 20;

impl Rendering {
    pub(super) fn render(self, report: &Report, color: bool) -> String {
        // Files are read elsewhere: how this process was started is nothing to them.
        match self {
            Self::Terminal => reports::summary_all(report, &program(), color),
            Self::Junit => render::junit(report, "squall"),
            Self::Markdown => render::markdown_within(report, "squall", COMMENT),
            Self::Annotations => render::workflow_commands(report),
            Self::Gitlab => render::gitlab(report),
            Self::Html => reports::html(report, "squall"),
            Self::Openmetrics => render::openmetrics(report),
            Self::JsonLines => json_lines(report),
        }
    }
}

/// What `run --message-format json` printed while the report was made, in the report's order.
fn json_lines(report: &Report) -> String {
    let runs = report.runs().count() as u64;
    let mut lines = vec![render::started_line(report, runs)];
    lines.extend(report.runs().map(|(scenario, run)| render::run_line(scenario, run)));
    lines.push(render::finished_line(report));
    lines.join("\n") + "\n"
}

impl Outputs {
    fn wanted(&self) -> impl Iterator<Item = (&Path, Rendering)> {
        [
            (&self.junit, Rendering::Junit),
            (&self.html, Rendering::Html),
            (&self.markdown, Rendering::Markdown),
            (&self.gitlab, Rendering::Gitlab),
            (&self.openmetrics, Rendering::Openmetrics),
        ]
        .into_iter()
        .filter_map(|(path, rendering)| Some((path.as_deref()?, rendering)))
    }

    /// Whether all of them can be written; better told before the runs than after.
    pub(super) fn check(&self) -> Result<(), Stop> {
        self.wanted().try_for_each(|(path, _)| writable(path))
    }

    /// Writes them, and tells GitHub if it runs this process and the report is of the whole.
    pub(super) fn write(&self, report: &Report) -> Result<(), Stop> {
        for (path, rendering) in self.wanted() {
            let text = rendering.render(report, false);
            reports::write_atomically(path, text.as_bytes())
                .map_err(|error| Stop::Broken(error.to_string()))?;
        }
        if report.shard.is_none() {
            tell_github(report)?;
        }
        Ok(())
    }
}

fn tell_github(report: &Report) -> Result<(), Stop> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    say(&render::workflow_commands(report));
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let append = || -> std::io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&path)?;
        // Other commands of the step may have written before.
        let room = STEP_SUMMARY.saturating_sub(file.seek(SeekFrom::End(0))?);
        let room = usize::try_from(room).unwrap_or(0);
        file.write_all(render::markdown_within(report, "squall", room).as_bytes())
    };
    append().map_err(|error| Stop::Broken(format!("{}: {error}", path.display())))
}
