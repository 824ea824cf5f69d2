// One node of the reference system, on whatever `system` is compiled against. Included where it is used.

use bench_common::{Order, SystemJob, SystemNode};
use std::{cell::Cell, path::PathBuf, rc::Rc, time::Duration};
use tokio::{task::spawn_local, time::sleep_until};

/// One node.
#[derive(Clone)]
struct Software {
    node: SystemNode,
    brokers: Vec<String>,
    /// Publishes of all nodes that were acknowledged.
    acknowledged: Rc<Cell<u64>>,
}

impl Software {
    fn all(job: &SystemJob, acknowledged: &Rc<Cell<u64>>) -> Vec<Self> {
        let brokers = job.nodes.iter().filter(|node| node.role == "broker");
        let brokers: Vec<String> = brokers.map(|node| format!("{}:9000", node.name)).collect();
        let software = |node: &SystemNode| Self {
            node: node.clone(),
            brokers: brokers.clone(),
            acknowledged: acknowledged.clone(),
        };
        job.nodes.iter().map(software).collect()
    }

    async fn run(self) {
        use system::{broker, consumer, gateway, metrics::Metrics, mistakes, store};
        let policies = mistakes::policies([]).expect("none is known");
        let Self { node, brokers, .. } = &self;
        let (metrics, data) = (Metrics::default(), PathBuf::from("/").join(&node.name));
        let listen = |port: u16| format!("0.0.0.0:{port}");
        let ended = match node.role.as_str() {
            "broker" => {
                let config = broker::BrokerConfig {
                    id: u64::from(node.index),
                    listen: listen(9000),
                    brokers: brokers.clone(),
                    data,
                    rejoins: false,
                    policy: policies.broker,
                    metrics,
                };
                broker::run(config).await
            }
            "store" => {
                let policy = policies.store;
                store::run(store::StoreConfig { listen: listen(9100), data, policy, metrics }).await
            }
            "gateway" => {
                let listen = listen(9200);
                let policy = policies.gateway;
                gateway::run(gateway::GatewayConfig { listen, data, policy, metrics }).await
            }
            "consumer" => {
                let config = consumer::ConsumerConfig {
                    name: node.name.clone(),
                    brokers: brokers.clone(),
                    store: "store-1:9100".to_owned(),
                    gateway: "gateway-1:9200".to_owned(),
                    listen: listen(9300),
                    data,
                    policy: policies.consumer,
                    metrics,
                };
                consumer::run(config).await
            }
            _ => return self.publish(policies.producer).await,
        };
        ended.expect("nothing fails here");
    }

    async fn publish(self, policy: system::producer::ProducerPolicy) {
        let producer =
            Rc::new(system::producer::Producer::start(system::producer::ProducerConfig {
                name: self.node.name,
                brokers: self.brokers,
                delivery_timeout: Duration::from_secs(4),
                policy,
                metrics: system::metrics::Metrics::default(),
            }));
        let start = tokio::time::Instant::now();
        for Order { at_us, id, key, size } in self.node.orders {
            sleep_until(start + Duration::from_micros(at_us)).await;
            let (producer, acknowledged) = (producer.clone(), self.acknowledged.clone());
            spawn_local(async move {
                let order = system::producer::NewOrder { id, key, size, flaw: None };
                let outcome = producer.publish(order, Box::new(|_| {})).await;
                if let system::producer::Outcome::Ok(_) = outcome {
                    acknowledged.set(acknowledged.get() + 1);
                }
            });
        }
        std::future::pending().await
    }
}
