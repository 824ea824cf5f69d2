//! The reference system as processes, on real TCP and a real disk.

use clap::{Parser, Subcommand};
use reference_system::{
    Error, broker, client, consumer, gateway,
    metrics::Metrics,
    mistakes,
    producer::{NewOrder, Outcome, Producer, ProducerConfig},
    store,
    wire::{EventData, Start},
};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::{sync::Mutex, task::JoinSet, time::sleep};

#[derive(Debug, Parser)]
#[command(version, about = "A small event platform: producer, broker, consumer, store")]
struct Cli {
    #[command(subcommand)]
    action: Action,
    /// Switch a known defect on (repeatable)
    #[arg(long = "defect", value_name = "ID", global = true)]
    defects: Vec<String>,
    /// Serve what the node counts at http://ADDRESS/metrics
    #[arg(long = "metrics", value_name = "ADDRESS", global = true)]
    metrics: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Hold a replica of the log, and lead when elected
    Broker {
        /// Its number, from 1
        #[arg(long)]
        id: u64,
        /// All brokers' addresses, in the order of their numbers
        #[arg(long, value_delimiter = ',', required = true)]
        brokers: Vec<String>,
        /// Folder for its log
        #[arg(long)]
        data: PathBuf,
        /// It was part of the cluster before: if its log is gone, get another's before voting
        #[arg(long)]
        rejoin: bool,
    },
    /// Hold the services' ledgers
    Store {
        /// Address to listen on
        #[arg(long)]
        listen: String,
        /// Folder for its journal
        #[arg(long)]
        data: PathBuf,
    },
    /// Run a member of each service's consumer group
    Consumer {
        /// Its name, unique among consumers
        #[arg(long)]
        name: String,
        /// All brokers' addresses, in the order of their numbers
        #[arg(long, value_delimiter = ',', required = true)]
        brokers: Vec<String>,
        /// The store's address
        #[arg(long)]
        store: String,
        /// The payment gateway's address
        #[arg(long)]
        gateway: String,
        /// Address to answer questions about its projection on
        #[arg(long)]
        listen: String,
        /// Folder for its projection's snapshots
        #[arg(long)]
        data: PathBuf,
    },
    /// Charge cards, as somebody else's service would
    Gateway {
        /// Address to listen on
        #[arg(long)]
        listen: String,
        /// Folder for its journal
        #[arg(long)]
        data: PathBuf,
    },
    /// Read the topic into a new consumer group, from a place or a time on
    Replay {
        /// All brokers' addresses, in the order of their numbers
        #[arg(long, value_delimiter = ',', required = true)]
        brokers: Vec<String>,
        /// The group's name; it must be new
        #[arg(long)]
        group: String,
        /// Begin with this offset of each partition
        #[arg(long, conflicts_with = "from_time_ms")]
        from_offset: Option<u64>,
        /// Begin with what was appended at this time or later, in milliseconds since 1970
        #[arg(long)]
        from_time_ms: Option<u64>,
    },
    /// Publish orders, and say how they ended
    Producer {
        /// Its name, unique among producers
        #[arg(long)]
        name: String,
        /// All brokers' addresses, in the order of their numbers
        #[arg(long, value_delimiter = ',', required = true)]
        brokers: Vec<String>,
        /// How many orders
        #[arg(long, default_value_t = 1000)]
        events: u64,
        /// How many a second
        #[arg(long, default_value_t = 200)]
        rate: u32,
    },
    /// Print the state of a broker or of the store
    Describe {
        /// A broker's address
        #[arg(long, conflicts_with = "store", required_unless_present = "store")]
        broker: Option<String>,
        /// The store's address
        #[arg(long)]
        store: Option<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Ok(()),
        result = run(cli) => result,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Error> {
    let policies = mistakes::policies(cli.defects.iter().map(String::as_str))?;
    let metrics = Metrics::default();
    if let Some(address) = cli.metrics {
        let serving = metrics.clone();
        tokio::spawn(async move {
            if let Err(error) = serving.serve(&address).await {
                eprintln!("warning: no metrics at {address}: {error}");
            }
        });
    }
    match cli.action {
        Action::Broker { id, brokers, data, rejoin } => {
            let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
            let listen = index
                .and_then(|index| brokers.get(index))
                .ok_or_else(|| format!("--id {id}: there are {} brokers", brokers.len()))?
                .clone();
            let rejoins = rejoin;
            broker::run(broker::BrokerConfig {
                id,
                listen,
                brokers,
                data,
                rejoins,
                policy: policies.broker,
                metrics,
            })
            .await
        }
        Action::Store { listen, data } => {
            store::run(store::StoreConfig { listen, data, policy: policies.store, metrics }).await
        }
        Action::Gateway { listen, data } => {
            gateway::run(gateway::GatewayConfig { listen, data, policy: policies.gateway, metrics })
                .await
        }
        Action::Replay { brokers, group, from_offset, from_time_ms } => {
            let start = match (from_offset, from_time_ms) {
                (Some(offset), _) => Start::Offset(offset),
                (None, Some(time)) => Start::Time(time),
                (None, None) => Start::Earliest,
            };
            let each = |partition, offset, event: &EventData| {
                println!("{partition}:{offset} event {} key {}", event.id, event.key);
            };
            let count = client::replay(&brokers, &group, start, each).await?;
            println!("replayed {count}");
            Ok(())
        }
        Action::Consumer { name, brokers, store, gateway, listen, data } => {
            consumer::run(consumer::ConsumerConfig {
                name,
                brokers,
                store,
                gateway,
                listen,
                data,
                policy: policies.consumer,
                metrics,
            })
            .await
        }
        Action::Producer { name, brokers, events, rate } => {
            let delivery_timeout = Duration::from_secs(4);
            let policy = policies.producer;
            let config = ProducerConfig { name, brokers, delivery_timeout, policy, metrics };
            publish(config, events, rate.max(1)).await
        }
        Action::Describe { broker: Some(address), .. } => {
            let state = client::describe_broker(&address).await?;
            println!("leader {}", state.leader);
            for (partition, end, digest) in state.partitions {
                println!("partition {partition} end {end} digest {digest:016x}");
            }
            Ok(())
        }
        Action::Describe { store, .. } => {
            let store = store.expect("one of the two is required");
            let state = client::describe_store(&store).await?;
            println!("reserved {}", state.reserved);
            for (group, effects, digest) in state.groups {
                println!("group {group} effects {effects} digest {digest:016x}");
            }
            Ok(())
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    acked: u64,
    indeterminate: u64,
    failed: u64,
}

async fn publish(config: ProducerConfig, events: u64, rate: u32) -> Result<(), Error> {
    let producer = Arc::new(Producer::start(config));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut publishes = JoinSet::new();
    for id in 1..=events {
        let (producer, tally) = (producer.clone(), tally.clone());
        publishes.spawn(async move {
            let key = (id % 50) as u32;
            let order = NewOrder { id, key, size: 100, flaw: None };
            let outcome = producer.publish(order, |_| ()).await;
            let mut tally = tally.lock().await;
            match outcome {
                Outcome::Ok(_) => tally.acked += 1,
                Outcome::Info(_) => tally.indeterminate += 1,
                Outcome::Fail(_) => tally.failed += 1,
            }
        });
        sleep(Duration::from_secs(1) / rate).await;
    }
    while publishes.join_next().await.is_some() {}
    let tally = tally.lock().await;
    println!("acked {} indeterminate {} failed {}", tally.acked, tally.indeterminate, tally.failed);
    Ok(())
}
