//! Brokers that squall knows: how each is started, what it promises, which variants of it are worth comparing, and a client
//! that speaks for it. One folder a broker: `system.yaml` and the client.
//!
//! A client is a process of its own, in the network namespace of its node: what is done to links is done to it.

mod address;
mod nats;
mod redis;
mod speaker;

use std::process::ExitCode;

/// A broker that squall knows.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// As after `--system`.
    pub name: &'static str,
    /// Its description, as in a file of one's own.
    pub description: &'static str,
    /// Its client program, until its standard input ends.
    pub client: fn() -> ExitCode,
}

/// All of them, by name.
pub const SYSTEMS: &[System] = &[
    System { name: "nats", description: include_str!("nats/system.yaml"), client: nats::main },
    System { name: "redis", description: include_str!("redis/system.yaml"), client: redis::main },
];
