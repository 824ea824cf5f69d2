//! `squall schema`: what files look like, for editors and programs.

use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::PASSED;
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
}

pub(super) fn schema(args: &SchemaArgs) -> Result<u8, Stop> {
    let schema = match args.what {
        Schema::Report => squall_reports::schema(),
    };
    say(&(schema + "\n"));
    Ok(PASSED)
}
