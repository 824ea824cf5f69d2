//! `squall corpus`

use super::shared::{stop::Stop, terminal::say};
use crate::{exit::PASSED, explore::Corpus, system::System};
use clap::{Args, Subcommand};
use squall_reports::{plural, printable};
use std::{
    io,
    path::{Path, PathBuf},
};

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
    for folder in from {
        if !folder.is_dir() {
            return Err(Stop::input(format!("{} is no folder", folder.display())));
        }
    }
    let mut target = corpus_of(into, system)?;
    let before = target.len();
    for folder in from {
        let other = corpus_of(folder, system)?;
        other.copy_into(&mut target).map_err(|error| refused(into, error))?;
    }
    let dropped = target.thin_out();
    say(&format!(
        "{}: {} before, {} now ({dropped} reached nothing that no other does)\n",
        into.display(),
        plural(before, "scenario"),
        target.len()
    ));
    Ok(PASSED)
}

/// The corpus of a folder; tells on standard error what in it is none.
pub(super) fn corpus_of(folder: &Path, system: &dyn System) -> Result<Corpus, Stop> {
    let corpus = Corpus::of_folder(folder, system).map_err(|error| refused(folder, error))?;
    let strange = corpus.passed_over();
    if let Some(first) = strange.first() {
        let more = match strange.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let line = format!(
            "{}: {first}{more}: no entry of a corpus for {}, left as it is",
            folder.display(),
            system.name()
        );
        eprintln!("{}", printable(&line));
    }
    Ok(corpus)
}

fn refused(folder: &Path, error: io::Error) -> Stop {
    Stop::input(format!("{}: {error}", folder.display()))
}
