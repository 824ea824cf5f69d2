//! Listens on a port of the real machine. The twin listens in the simulated network.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "opens-a-real-socket",
    about: "opens a real socket",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let _ = std::net::TcpListener::bind("127.0.0.1:0");
                }
                Honesty::Honest => {
                    let _ = squall_probe::net::TcpListener::bind("0.0.0.0:7002").await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
