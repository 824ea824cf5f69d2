//! What a cheat is, beside its honest twin.

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

/// Asks a node for its state.
type Inspect = fn(Node, Honesty) -> LocalFuture<Result<Vec<State>, Error>>;

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
    pub inspect: Inspect,
}

impl Cheat {
    /// Tells the truth in everything; a cheat names what it does otherwise.
    pub(crate) const BASE: Self = Self {
        id: "",
        about: "",
        breaks: &[],
        serve: |node, _| Box::pin(base::serve(node, base::Disk::default())),
        client: |_| base::client(),
        inspect: |node, _| Box::pin(base::inspect(node)),
    };
}
