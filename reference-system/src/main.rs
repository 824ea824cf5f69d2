//! The reference system as processes, on real TCP and a real disk.

use clap::{Parser, Subcommand};
use reference_system::{
    Error, broker, client, consumer,
    defects::Defects,
    producer::{NewOrder, Outcome, Producer, ProducerConfig},
    store,
};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::{sync::Mutex, task::JoinSet, time::sleep};

#[derive(Debug, Parser)]
#[command(version, about = "A small event platform: producer, broker, consumer, store")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Switch a known defect on (repeatable)
    #[arg(long = "defect", value_name = "ID", global = true)]
    defects: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
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
    let defects = Defects::parse(cli.defects.iter().map(String::as_str))?;
    match cli.command {
        Command::Broker { id, brokers, data } => {
            let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
            let listen = index
                .and_then(|index| brokers.get(index))
                .ok_or_else(|| format!("--id {id}: there are {} brokers", brokers.len()))?
                .clone();
            broker::run(broker::BrokerConfig { id, listen, brokers, data, defects }).await
        }
        Command::Store { listen, data } => store::run(store::StoreConfig { listen, data }).await,
        Command::Consumer { name, brokers, store } => {
            consumer::run(consumer::ConsumerConfig { name, brokers, store, defects }).await
        }
        Command::Producer { name, brokers, events, rate } => {
            let delivery_timeout = Duration::from_secs(4);
            let config = ProducerConfig { name, brokers, delivery_timeout, defects };
            publish(config, events, rate.max(1)).await
        }
        Command::Describe { broker: Some(address), .. } => {
            let (partitions, leader) = client::describe_broker(&address).await?;
            println!("leader {leader}");
            for (partition, end, digest) in partitions {
                println!("partition {partition} end {end} digest {digest:016x}");
            }
            Ok(())
        }
        Command::Describe { store, .. } => {
            for (group, effects, digest) in
                client::describe_store(&store.unwrap_or_default()).await?
            {
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
            let key = u32::try_from(id % 50).unwrap_or(0);
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
