//! Never tells the observer its state. The twin does.

use crate::{
    base,
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "silent",
    about: "does not answer who asks for its state",
    breaks: &["converges"],
    inspect: |node, honesty| match honesty {
        Honesty::Lies if node.role == "server" => Box::pin(std::future::pending()),
        _ => Box::pin(base::inspect(node)),
    },
    ..Cheat::BASE
};
