//! Looks a node up in the real DNS. The twin lets the simulated network do it.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "asks-the-real-dns",
    about: "asks the real DNS",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let _ = tokio::net::lookup_host("server-1:7000").await;
                }
                Honesty::Honest => {
                    let _ = squall_probe::net::lookup_host("server-1:7000").await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
