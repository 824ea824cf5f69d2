//! A system that nobody starts: the words that scenarios in unit tests are made of.

use crate::system::{Client, Cluster, Error, LocalFuture, Node, Role, State, System};

/// The roles, messages and fault points that the examples of faults name.
pub(crate) struct Sample;

const fn role(name: &'static str, plural: &'static str, default: u32) -> Role {
    Role {
        name,
        plural,
        default,
        min: 1,
        max: 10,
        client: false,
        replica: false,
        about: "For examples",
    }
}

const ROLES: &[Role] = &[
    Role { replica: true, ..role("broker", "brokers", 3) },
    Role { client: true, ..role("producer", "producers", 2) },
    role("consumer", "consumers", 2),
    role("store", "stores", 1),
    role("gateway", "gateways", 1),
];

impl System for Sample {
    fn name(&self) -> &str {
        "reference-system"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &["shipping"]
    }
    fn messages(&self) -> &[&'static str] {
        &["publish", "publish_ack", "deliver", "store", "store_ack"]
    }
    fn points(&self) -> &[&'static str] {
        &["broker.appended"]
    }
    fn start(&self, _: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        unreachable!("nobody starts it")
    }
    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        unreachable!("nobody starts it")
    }
    fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        unreachable!("nobody starts it")
    }
}
