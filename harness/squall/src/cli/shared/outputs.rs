//! Renderings of a report, for whoever reads it: files that were asked for, and what GitHub shows.

use super::{
    files::{replace, writable},
    stop::Stop,
    terminal::say,
};
use clap::{
    Arg, ArgMatches, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser},
};
use squall_reports::{
    Report,
    render::{self, RENDERINGS, Reader, Rendering},
};
use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

/// What the summary of a step may hold, in bytes.
const STEP_SUMMARY: u64 = 1 << 20;

/// Renderings to be written beside the report: one option for each that has one.
#[derive(Debug, Default)]
pub(in crate::cli) struct Outputs(Vec<(&'static Rendering, PathBuf)>);

impl clap::Args for Outputs {
    fn augment_args(command: Command) -> Command {
        let options = RENDERINGS.iter().filter_map(|rendering| {
            let option = Arg::new(rendering.name).long(rendering.name).value_name("FILE");
            Some(option.value_parser(ValueParser::path_buf()).help(rendering.option?))
        });
        command.args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut outputs = Self::default();
        outputs.update_from_arg_matches(matches)?;
        Ok(outputs)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let asked = RENDERINGS.iter().filter(|rendering| rendering.option.is_some());
        self.0.extend(asked.filter_map(|rendering| {
            Some((rendering, matches.get_one::<PathBuf>(rendering.name)?.clone()))
        }));
        Ok(())
    }
}

/// Reads the name of a rendering.
pub(in crate::cli) fn rendering() -> impl TypedValueParser<Value = &'static Rendering> {
    let names =
        RENDERINGS.iter().map(|rendering| PossibleValue::new(rendering.name).help(rendering.help));
    PossibleValuesParser::new(names).try_map(|name| {
        let named = RENDERINGS.iter().find(|rendering| rendering.name == name);
        named.ok_or("no rendering has this name")
    })
}

impl Outputs {
    /// Whether all of them can be written; better told before the runs than after.
    pub(in crate::cli) fn check(&self) -> Result<(), Stop> {
        self.0.iter().try_for_each(|(_, path)| writable(path))
    }

    /// Writes them, and tells GitHub if it runs this process and the report is of the whole.
    pub(in crate::cli) fn write(&self, report: &Report) -> Result<(), Stop> {
        for (rendering, path) in &self.0 {
            replace(path, rendering.render(report, Reader::OF_A_FILE).as_bytes())?;
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
