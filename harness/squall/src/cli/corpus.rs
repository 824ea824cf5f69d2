//! `squall corpus`

use super::shared::{stop::Stop, terminal::say};
use crate::{exit::PASSED, explore::Corpus, system::System};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct CorpusArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put what several explorers reached into one folder, without what others of it reached too
    Merge {
        /// The folder that is put into; it is made if it is not there
        into: PathBuf,
        /// Folders of other explorers; they stay as they are
        #[arg(required = true)]
        from: Vec<PathBuf>,
    },
}

pub(super) fn corpus(args: &CorpusArgs, system: &dyn System) -> Result<u8, Stop> {
    let What::Merge { into, from } = &args.what;
    let refused =
        |path: &Path, error: std::io::Error| Stop::input(format!("{}: {error}", path.display()));
    for folder in from {
        if !folder.is_dir() {
            return Err(Stop::input(format!("{} is no folder", folder.display())));
        }
    }
    let mut target = Corpus::of_folder(into, system).map_err(|error| refused(into, error))?;
    let before = target.len();
    for folder in from {
        let other = Corpus::of_folder(folder, system).map_err(|error| refused(folder, error))?;
        other.copy_into(&mut target).map_err(|error| refused(into, error))?;
    }
    let dropped = target.thin_out();
    say(&format!(
        "{}: {before} scenarios before, {} now ({dropped} reached nothing that no other does)\n",
        into.display(),
        target.len()
    ));
    Ok(PASSED)
}
