//! The lies: one file each, and one line in [`ALL`].

mod gives_up;
mod hangs;
mod no_sync;
mod repeats_later;
mod silent;

use crate::base;
use squall::system::{Client, Error, LocalFuture, Node, State};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honesty {
    /// The cheat.
    Lies,
    /// Its twin.
    Honest,
}

/// A cheat and its twin. What it does not change is the base's.
pub struct Cheat {
    /// The defect that chooses it; the twin is `<id>.honest`.
    pub id: &'static str,
    /// The lie, in a sentence.
    pub about: &'static str,
    /// Invariants of which it breaks one; empty if another verdict than `failed` is expected.
    pub breaks: &'static [&'static str],
    /// The server.
    pub serve: fn(Node, Honesty) -> LocalFuture<Result<(), Error>>,
    /// The client.
    pub client: fn(Honesty) -> Box<dyn Client>,
    /// What a node tells of itself.
    pub inspect: fn(Node, Honesty) -> LocalFuture<Result<Vec<State>, Error>>,
}

impl Cheat {
    /// Tells the truth in everything; a cheat names what it does otherwise.
    const BASE: Self = Self {
        id: "",
        about: "",
        breaks: &[],
        serve: |node, _| Box::pin(base::serve(node, base::Disk::default())),
        client: |_| base::client(),
        inspect: |node, _| Box::pin(base::inspect(node)),
    };
}

/// Every cheat.
pub const ALL: &[Cheat] =
    &[no_sync::CHEAT, gives_up::CHEAT, hangs::CHEAT, repeats_later::CHEAT, silent::CHEAT];
