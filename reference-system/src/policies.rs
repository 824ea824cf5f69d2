//! What the nodes decide where one could decide otherwise.

use crate::{
    broker::BrokerPolicy, consumer::ConsumerPolicy, gateway::GatewayPolicy,
    producer::ProducerPolicy, store::StorePolicy,
};

/// The policies of all kinds of node. By default they are those of a correct system; [`crate::mistakes`] has others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies {
    /// Of brokers.
    pub broker: BrokerPolicy,
    /// Of consumers.
    pub consumer: ConsumerPolicy,
    /// Of producers.
    pub producer: ProducerPolicy,
    /// Of the store.
    pub store: StorePolicy,
    /// Of the payment gateway.
    pub gateway: GatewayPolicy,
}
