//! The adapter for the reference system, and the model for your own: everything that the harness needs to
//! know of a system stands in one file like this, and `main.rs` gives it to the command.

use reference_system::{
    POINTS, SIGNALS, breaker, broker, client, consumer,
    domain::{Flaw, GROUPS, SAGA},
    gateway,
    metrics::{METRICS, Metrics},
    mistakes,
    policies::Policies,
    producer::{self, NewOrder, Producer, ProducerConfig},
    store,
    wire::MESSAGES,
};
use squall::system::{
    BreakerPolicy, Client, Cluster, DeadLetters, Defect, Error, Event, LocalFuture, Node, Outcome,
    Poison, Promises, RetryPolicy, Role, State, System,
};
use squall_probe::{Position, StateOf, name};
use std::{rc::Rc, sync::LazyLock, time::Duration};

/// A client calls a publish indeterminate after this, and its producer goes on asking.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(4);

const BROKER_PORT: u16 = 9000;
const STORE_PORT: u16 = 9100;
const GATEWAY_PORT: u16 = 9200;
const VIEW_PORT: u16 = 9300;

const ROLES: &[Role] = &[
    Role {
        name: "broker",
        plural: "brokers",
        default: 3,
        min: 2,
        max: 7,
        client: false,
        replica: true,
        about: "Holds a replica of the log; one of them leads",
    },
    Role {
        name: "producer",
        plural: "producers",
        default: 2,
        min: 1,
        max: 10,
        client: true,
        replica: false,
        about: "Publishes orders",
    },
    Role {
        name: "consumer",
        plural: "consumers",
        default: 2,
        min: 1,
        max: 10,
        client: false,
        replica: false,
        about: "Runs a member of each service's consumer group, and a projection",
    },
    Role {
        name: "store",
        plural: "stores",
        default: 1,
        min: 1,
        max: 1,
        client: false,
        replica: false,
        about: "Holds the services' ledgers, where effects land",
    },
    Role {
        name: "gateway",
        plural: "gateways",
        default: 1,
        min: 1,
        max: 1,
        client: false,
        replica: false,
        about: "Charges cards, as somebody else's service would",
    },
];

/// The words of lists in which each has its meaning beside it.
fn words(lists: &[&[(&'static str, &'static str)]]) -> Vec<&'static str> {
    lists.concat().into_iter().map(|(word, _)| word).collect()
}

static MESSAGE_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| words(&[MESSAGES]));
static POINT_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| words(&[POINTS]));
static SIGNAL_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| words(&[SIGNALS]));
static METRIC_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| words(&[METRICS]));
static MEANINGS: LazyLock<Vec<(&'static str, &'static str)>> =
    LazyLock::new(|| [MESSAGES, POINTS, SIGNALS, METRICS].concat());

static DEFECTS: LazyLock<Vec<Defect>> = LazyLock::new(|| {
    mistakes::known()
        .map(|known| Defect { id: known.id, about: known.about, breaks: known.breaks.to_vec() })
        .collect()
});

/// The reference system.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferenceSystem;

fn addresses(cluster: &Cluster) -> Vec<String> {
    cluster.role("broker").map(|node| format!("{}:{BROKER_PORT}", node.name)).collect()
}

fn address(cluster: &Cluster, role: &str, port: u16) -> String {
    cluster.role(role).next().map(|node| format!("{}:{port}", node.name)).unwrap_or_default()
}

fn policies(cluster: &Cluster) -> Result<Policies, Error> {
    Ok(mistakes::policies(cluster.defects.iter().map(String::as_str))?)
}

impl System for ReferenceSystem {
    fn name(&self) -> &str {
        "reference-system"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn config(&self) -> Vec<(String, String)> {
        vec![
            ("consensus".into(), "omnipaxos 0.2.4".into()),
            ("partitions".into(), broker::PARTITIONS.to_string()),
            ("delivery timeout".into(), format!("{DELIVERY_TIMEOUT:?}")),
        ]
    }

    fn roles(&self) -> &[Role] {
        ROLES
    }

    fn groups(&self) -> &[&'static str] {
        GROUPS
    }

    fn messages(&self) -> &[&'static str] {
        &MESSAGE_NAMES
    }

    fn points(&self) -> &[&'static str] {
        &POINT_NAMES
    }

    fn signals(&self) -> &[&'static str] {
        &SIGNAL_NAMES
    }

    fn metrics(&self) -> &[&'static str] {
        &METRIC_NAMES
    }

    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &MEANINGS
    }

    fn defects(&self) -> &[Defect] {
        &DEFECTS
    }

    fn canary(&self) -> Option<&'static str> {
        // The audit: every scenario notices it in its first run.
        Some("commit-before-apply")
    }

    fn waits_with_probe(&self) -> bool {
        true
    }

    fn promises(&self) -> Promises {
        Promises {
            key_has_one_partition: true,
            dead_letters: DeadLetters::Poison,
            saga: SAGA.to_vec(),
            retries: vec![RetryPolicy {
                name: consumer::GATEWAY,
                first: consumer::FIRST,
                factor: 2.0,
                cap: consumer::CAP,
                jitter: 1.0,
                attempts: Some(consumer::ATTEMPTS),
            }],
            breakers: vec![BreakerPolicy {
                dependency: consumer::GATEWAY,
                failures: breaker::FAILURES,
                cooldown: breaker::COOLDOWN,
                probes: 1,
            }],
            buffers: vec![
                (consumer::IN_FLIGHT_BUFFER, u64::from(consumer::IN_FLIGHT)),
                (store::QUEUED, store::QUEUE as u64),
            ],
            memory: vec![("producer", 1 << 20)],
            rotation: Some(client::FAILURES),
            ..Promises::default()
        }
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(async move {
            let policies = policies(&cluster)?;
            let (data, metrics) = (node.data.clone(), Metrics::default());
            match node.role {
                "broker" => {
                    broker::run(broker::BrokerConfig {
                        id: u64::from(node.index),
                        listen: format!("0.0.0.0:{BROKER_PORT}"),
                        brokers: addresses(&cluster),
                        data,
                        rejoins: node.incarnation > 0,
                        policy: policies.broker,
                        metrics,
                    })
                    .await
                }
                "store" => {
                    let listen = format!("0.0.0.0:{STORE_PORT}");
                    store::run(store::StoreConfig { listen, data, policy: policies.store, metrics })
                        .await
                }
                "gateway" => {
                    let listen = format!("0.0.0.0:{GATEWAY_PORT}");
                    gateway::run(gateway::GatewayConfig {
                        listen,
                        data,
                        policy: policies.gateway,
                        metrics,
                    })
                    .await
                }
                "consumer" => {
                    consumer::run(consumer::ConsumerConfig {
                        name: node.name.to_string(),
                        brokers: addresses(&cluster),
                        store: address(&cluster, "store", STORE_PORT),
                        gateway: address(&cluster, "gateway", GATEWAY_PORT),
                        listen: format!("0.0.0.0:{VIEW_PORT}"),
                        data,
                        policy: policies.consumer,
                        metrics,
                    })
                    .await
                }
                other => Err(format!("there is nothing to start on a {other}").into()),
            }
        })
    }

    fn client(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async move {
            let producer = Producer::start(ProducerConfig {
                name: node.name.to_string(),
                brokers: addresses(&cluster),
                delivery_timeout: DELIVERY_TIMEOUT,
                policy: policies(&cluster)?.producer,
                metrics: Metrics::default(),
            });
            Ok(Box::new(ProducerClient(Rc::new(producer))) as Box<dyn Client>)
        })
    }

    fn inspect(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async move {
            let state = |of, position, digest| State { node: node.id, of, position, digest };
            match node.role {
                "broker" => {
                    let address = format!("{}:{BROKER_PORT}", node.name);
                    let told = client::describe_broker(&address).await?;
                    // What was given up is redriven in the end.
                    let quantity = name("dead letters to be redriven");
                    let waiting = state(StateOf::Conserved { quantity }, told.exhausted, 0);
                    // And what was handled is committed, as every broker sees it: otherwise all of it comes
                    // again, and for ever more.
                    let quantity = name("events handled and not committed");
                    let owed = state(StateOf::Conserved { quantity }, told.uncommitted, 0);
                    Ok(told
                        .partitions
                        .into_iter()
                        .map(|(partition, end, digest)| {
                            state(StateOf::Replica { partition }, end, digest)
                        })
                        .chain([waiting, owed])
                        .collect())
                }
                "store" => {
                    let address = format!("{}:{STORE_PORT}", node.name);
                    let told = client::describe_store(&address).await?;
                    // In the beginning nothing was reserved, and in the end nothing is.
                    let reserved = u64::try_from(told.reserved).unwrap_or(u64::MAX);
                    let quantity = name("items reserved");
                    let conserved = state(StateOf::Conserved { quantity }, reserved, 0);
                    Ok(told
                        .groups
                        .into_iter()
                        .map(|(group, effects, digest)| {
                            state(StateOf::Projection { group: name(&group) }, effects, digest)
                        })
                        .chain([conserved])
                        .collect())
                }
                "consumer" => {
                    let address = format!("{}:{VIEW_PORT}", node.name);
                    let (events, digest) = client::describe_view(&address).await?;
                    Ok(vec![state(StateOf::View { name: name("customers") }, events, digest)])
                }
                "gateway" => {
                    let address_of_it = format!("{}:{GATEWAY_PORT}", node.name);
                    let (_, paid) = client::describe_gateway(&address_of_it).await?;
                    let store = address(&cluster, "store", STORE_PORT);
                    let shipped = client::describe_store(&store).await?.shipped;
                    // In the end the two ledgers are reconciled: what a gateway has forgotten, and what nobody
                    // asks it for again, shows nowhere else.
                    let quantity = name("orders paid for, against those shipped");
                    Ok(vec![state(StateOf::Conserved { quantity }, paid, shipped)])
                }
                _ => Ok(Vec::new()),
            }
        })
    }
}

struct ProducerClient(Rc<Producer>);

impl Client for ProducerClient {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let producer = self.0.clone();
        Box::pin(async move {
            let flaw = event.poison.map(|poison| match poison {
                Poison::Undecodable => Flaw::Garbled,
                Poison::Rejected => Flaw::Void,
                Poison::Oversized => Flaw::Oversized,
            });
            let order = NewOrder { id: event.id.0, key: event.key, size: event.size, flaw };
            match producer.publish(order, early).await {
                producer::Outcome::Ok(at) => {
                    Outcome::Ok(at.map(|(partition, offset)| Position::new(partition, offset)))
                }
                producer::Outcome::Fail(reason) => Outcome::Fail(reason),
                producer::Outcome::Info(reason) => Outcome::Info(reason),
            }
        })
    }
}
