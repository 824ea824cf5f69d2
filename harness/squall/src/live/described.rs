//! A system as a file describes it: which commands are its nodes, which program is its client, and what it promises.

use crate::{
    syntax::{Words, choices},
    system::{
        Client, Cluster, DeadLetters, Deduplication, Defect, Delivery, Error, Groups, LocalFuture,
        Node, Order, Promises, Role, State, Storage, System,
    },
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A system whose nodes are programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Described {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The file that describes it.
    pub(crate) file: String,
    /// The folder in which its commands run: that of the file.
    pub(crate) folder: PathBuf,
    /// Its roles, in the order in which nodes are numbered.
    pub(crate) roles: Vec<DescribedRole>,
    /// Consumer groups.
    pub(crate) groups: Vec<String>,
    /// What it promises.
    pub(crate) promises: Promised,
    /// Clients can tell at the end all that the system holds.
    pub(crate) reads: bool,
    /// How many times as long as scenarios say everything takes.
    pub(crate) pace: f64,
    /// How long it may take until it is ready, in milliseconds.
    pub(crate) ready_within_ms: u64,
    /// Set for every command.
    pub(crate) env: Vec<(String, String)>,
    /// Programs without which it cannot be run.
    pub(crate) programs: Vec<Program>,
    /// Other ways to set it up.
    pub(crate) variants: Vec<Variant>,
    /// The one that was chosen.
    pub(crate) variant: Option<String>,
    /// Mistakes that it can be told to make.
    pub(crate) defects: Vec<DescribedDefect>,
}

/// A program that a system needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// As in `PATH`.
    pub(crate) name: String,
    /// The arguments with which it prints its version; empty: it does not tell.
    pub(crate) version: String,
    /// What `sh -c` runs to print its version, for a program that has no arguments for that.
    #[serde(default)]
    pub(crate) version_run: Option<String>,
    /// How to get it, in a line.
    pub(crate) get: Option<String>,
}

/// Another way to set a system up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variant {
    /// As after `--variant`.
    pub(crate) id: String,
    /// In one line.
    pub(crate) about: String,
    /// What is set for every command.
    pub(crate) env: Vec<(String, String)>,
}

/// One kind of node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DescribedRole {
    /// As in a node's name.
    pub(crate) name: String,
    /// As scenarios write it.
    pub(crate) plural: String,
    /// How many there are when a scenario does not say.
    pub(crate) count: u32,
    /// What such a node does, in one line.
    pub(crate) about: String,
    /// What `sh -c` runs.
    pub(crate) command: String,
    /// The command is a client that speaks lines of JSON.
    pub(crate) client: bool,
    /// Its nodes hold replicas.
    pub(crate) replica: bool,
    /// When such a node is ready.
    pub(crate) ready: Ready,
    /// Set for its command.
    pub(crate) env: Vec<(String, String)>,
}

/// When a node is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ready {
    /// As soon as it runs; of a client: when it says so.
    AtOnce,
    /// When it takes connections on this port.
    Connect(u16),
    /// When this command, run on the node, ends with 0.
    Run(String),
    /// When this text stands in what it has printed.
    Says(String),
}

/// A mistake that it can be told to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DescribedDefect {
    /// As on the command line.
    pub(crate) id: String,
    /// In one line.
    pub(crate) about: String,
    /// The invariants of which it should break one.
    pub(crate) breaks: Vec<String>,
    /// What is set for every command to switch it on.
    pub(crate) env: Vec<(String, String)>,
}

/// What can be promised of a system that is judged from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promised {
    /// How often an event is handed out, or takes effect.
    pub(crate) delivery: PromisedDelivery,
    /// Which events keep an order.
    pub(crate) order: PromisedOrder,
    /// A publish that is repeated is stored once.
    pub(crate) deduplicates: bool,
    /// One of the groups must be done with an event, not every.
    pub(crate) one_group: bool,
}

/// As [`Delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "the field's own terms")]
pub(crate) enum PromisedDelivery {
    /// Once or never.
    AtMostOnce,
    /// Once or more often.
    AtLeastOnce,
    /// Once.
    EffectivelyOnce,
}

/// As [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PromisedOrder {
    /// None.
    None,
    /// Of each producer and key.
    PerKey,
    /// Of each producer.
    Total,
}

/// The group of who reads all that a system holds, where no consumers are described.
pub(crate) const READERS: &str = "readers";

impl Described {
    /// The promises in the words of the judge.
    pub(crate) fn promises(&self) -> Promises {
        let Promised { delivery, order, deduplicates, one_group } = self.promises;
        Promises {
            storage: Storage::Log,
            delivery: match delivery {
                PromisedDelivery::AtMostOnce => Delivery::AtMostOnce,
                PromisedDelivery::AtLeastOnce => Delivery::AtLeastOnce,
                PromisedDelivery::EffectivelyOnce => Delivery::EffectivelyOnce,
            },
            order: match order {
                PromisedOrder::None => Order::None,
                PromisedOrder::PerKey => Order::PerKey,
                PromisedOrder::Total => Order::Total,
            },
            key_has_one_partition: false,
            groups: if one_group { Groups::One } else { Groups::Every },
            replicas: false,
            leader_terms: false,
            deduplication: if deduplicates { Deduplication::Always } else { Deduplication::None },
            dead_letters: DeadLetters::None,
            ..Promises::default()
        }
    }

    /// Set up in another way, by the name of the variant.
    ///
    /// # Errors
    /// There is none of this name; in words.
    pub(crate) fn in_variant(mut self, id: &str) -> Result<Self, String> {
        let Some(variant) = self.variants.iter().find(|variant| variant.id == id) else {
            let known: Vec<&str> =
                self.variants.iter().map(|variant| variant.id.as_str()).collect();
            let name = &self.name;
            return Err(if known.is_empty() {
                format!("{name} has no variants")
            } else {
                let help = choices(id, Words { all: &known, list: "list systems" });
                format!("{name} has no variant `{id}`\n  {help}")
            });
        };
        for (name, value) in &variant.env {
            self.env.retain(|(known, _)| known != name);
            self.env.push((name.clone(), value.clone()));
        }
        self.variant = Some(id.to_owned());
        Ok(self)
    }

    /// The role of a node, by the role's name.
    pub(crate) fn role(&self, name: &str) -> Option<&DescribedRole> {
        self.roles.iter().find(|role| role.name == name)
    }
}

/// A described system for all that asks a [`System`]; it never runs in a simulation.
#[derive(Debug)]
pub(crate) struct DescribedSystem {
    described: Described,
    roles: Vec<Role>,
    groups: Vec<&'static str>,
    defects: Vec<Defect>,
}

impl DescribedSystem {
    /// Of what a file says. What the trait wants to live for ever does: a process reads one description.
    pub(crate) fn new(described: Described) -> Self {
        let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let roles = described.roles.iter().map(|role| Role {
            name: kept(&role.name),
            plural: kept(&role.plural),
            default: role.count,
            min: 1,
            max: 50,
            client: role.client,
            replica: role.replica,
            about: kept(&role.about),
        });
        let defects = described.defects.iter().map(|defect| Defect {
            id: kept(&defect.id),
            about: kept(&defect.about),
            breaks: defect.breaks.iter().map(|name| kept(name)).collect(),
        });
        Self {
            roles: roles.collect(),
            groups: described.groups.iter().map(|group| kept(group)).collect(),
            defects: defects.collect(),
            described,
        }
    }
}

/// What a system whose nodes are programs answers a simulator.
pub(crate) fn live_only<T>() -> LocalFuture<Result<T, Error>> {
    Box::pin(async { Err("its nodes are programs, which no simulator hosts".into()) })
}

impl System for DescribedSystem {
    fn name(&self) -> &str {
        &self.described.name
    }
    fn version(&self) -> &str {
        &self.described.version
    }
    fn config(&self) -> Vec<(String, String)> {
        let variant = self.described.variant.clone();
        let variant = variant.map(|variant| ("variant".to_owned(), variant));
        self.described.env.iter().cloned().chain(variant).collect()
    }
    fn variants(&self) -> Vec<&str> {
        self.described.variants.iter().map(|variant| variant.id.as_str()).collect()
    }
    fn variant(&self) -> Option<&str> {
        self.described.variant.as_deref()
    }
    fn roles(&self) -> &[Role] {
        &self.roles
    }
    fn groups(&self) -> &[&'static str] {
        &self.groups
    }
    fn defects(&self) -> &[Defect] {
        &self.defects
    }
    fn promises(&self) -> Promises {
        self.described.promises()
    }
    fn start(&self, _: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        live_only()
    }
    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        live_only()
    }
    fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        live_only()
    }
}
