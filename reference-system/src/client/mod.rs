//! The client's side: asking one node (`rpc.rs`), asking whichever broker leads (`rotation.rs`).

mod describe;
pub(crate) mod policy;
mod replay;
pub(crate) mod rotation;
pub(crate) mod rpc;

pub use describe::{
    BrokerState, StoreState, describe_broker, describe_gateway, describe_store, describe_view,
};
pub use policy::FAILURES;
pub use replay::replay;
