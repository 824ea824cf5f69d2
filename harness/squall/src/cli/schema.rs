//! `squall schema`: what files look like, for editors and programs.

use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::{exit::PASSED, schema, system::System};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    what: Schema,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Schema {
    /// The report (JSON)
    Report,
    /// Scenarios (YAML), for this system: draft-07, as the YAML language server reads it
    Scenario,
}

pub(super) fn schema(args: &SchemaArgs, system: &dyn System) -> Result<u8, Stop> {
    let schema = match args.what {
        Schema::Report => squall_reports::schema(),
        Schema::Scenario => {
            serde_json::to_string_pretty(&schema::scenario(system)).map_err(Stop::broken)?
        }
    };
    say(&(schema + "\n"));
    Ok(PASSED)
}
