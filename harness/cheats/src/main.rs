//! Small systems that lie, each in exactly one way, and beside each its honest twin.
//!
//!     cargo run -p squall-cheats -- run my.yaml --defect sync-in-drop
//!     cargo run -p squall-cheats -- run my.yaml --defect sync-in-drop.honest
//!
//! Every lie is one file in `lies/` and one line in [`lies::ALL`]; its tests are in `tests/it`. squall
//! must not pass the liar and must pass the twin, under the same scenario.

mod base;
mod cheat;
mod lies;
mod pipeline;

use cheat::{Cheat, Honesty};
use squall::system::{
    Client, Cluster, Defect, Error, LocalFuture, Node, Promises, Role, State, System,
};
use std::{process::ExitCode, sync::Arc};

/// All of them as one system; a defect chooses which, and whether it lies.
struct Cheats {
    defects: Vec<Defect>,
}

/// The cheat that is chosen, and whether it lies. Without one, the honest base.
fn chosen(cluster: &Cluster) -> Option<(&'static Cheat, Honesty)> {
    let id = cluster.defects.first()?;
    let (id, honesty) = match id.strip_suffix(".honest") {
        Some(id) => (id, Honesty::Honest),
        None => (id.as_str(), Honesty::Lies),
    };
    lies::ALL.iter().find(|cheat| cheat.id == id).map(|cheat| (cheat, honesty))
}

impl System for Cheats {
    fn name(&self) -> &str {
        "cheats"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn roles(&self) -> &[Role] {
        base::ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[base::GROUP]
    }
    fn messages(&self) -> &[&'static str] {
        &["send", "answer"]
    }
    fn points(&self) -> &[&'static str] {
        &["server.written", "server.synced", "server.answered"]
    }
    fn defects(&self) -> &[Defect] {
        &self.defects
    }
    fn promises(&self) -> Promises {
        Promises::default()
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        match chosen(&cluster) {
            Some((cheat, honesty)) => (cheat.serve)(node, honesty),
            None => Box::pin(base::serve(node, base::Disk::default())),
        }
    }

    fn client(&self, _: Node, cluster: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async move {
            Ok(match chosen(&cluster) {
                Some((cheat, honesty)) => (cheat.client)(honesty),
                None => base::client(),
            })
        })
    }

    fn inspect(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        match chosen(&cluster) {
            Some((cheat, honesty)) => (cheat.inspect)(node, honesty),
            None => Box::pin(base::inspect(node)),
        }
    }
}

fn main() -> ExitCode {
    let defects = lies::ALL
        .iter()
        .flat_map(|cheat| {
            let lie = Defect { id: cheat.id, about: cheat.about, breaks: cheat.breaks.to_vec() };
            let twin = Defect {
                id: Box::leak(format!("{}.honest", cheat.id).into_boxed_str()),
                about: "its honest twin",
                breaks: Vec::new(),
            };
            [lie, twin]
        })
        .collect();
    squall::main(Arc::new(Cheats { defects }))
}
