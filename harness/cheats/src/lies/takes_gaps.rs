//! A server that takes messages as they come, whatever is missing before them. The twin hangs up where one is missing,
//! and gets them again in order.

use crate::{
    cheat::{Cheat, Honesty},
    pipeline::{self, Rules},
};

pub const CHEAT: Cheat = Cheat {
    id: "takes-gaps",
    about: "its server stores messages in the order in which they come",
    breaks: &["order"],
    serve: |node, honesty| Box::pin(pipeline::serve(node, rules(honesty))),
    client: |honesty| pipeline::client(rules(honesty)),
    inspect: |node, _| Box::pin(pipeline::inspect(node)),
};

fn rules(honesty: Honesty) -> Rules {
    match honesty {
        Honesty::Lies => Rules { takes_gaps: true, ..Rules::default() },
        Honesty::Honest => Rules::default(),
    }
}
