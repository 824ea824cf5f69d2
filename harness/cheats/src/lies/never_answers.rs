//! A server that takes connections and answers nobody. The twin answers.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::net::TcpListener;

pub const CHEAT: Cheat = Cheat {
    id: "never-answers",
    about: "the server answers nobody",
    breaks: &["progress"],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let listener = TcpListener::bind("0.0.0.0:7000").await?;
                    let mut taken = Vec::new();
                    loop {
                        taken.push(listener.accept().await?);
                    }
                }
                Honesty::Honest => base::serve(node, Disk::default()).await,
            }
        })
    },
    ..Cheat::BASE
};
