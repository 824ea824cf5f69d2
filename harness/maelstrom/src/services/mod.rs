//! Nodes that answer as Maelstrom's own services do.
//!
//! Their semantics are those of its `service.clj` and `doc/services.md`. One thing is added: a request that a service
//! does not know is answered with an error (`not-supported`, or `malformed-request`), where Maelstrom says nothing.

mod kv;
mod lww;
mod sequential;
mod service;
mod tso;

pub(crate) use service::Service;

/// A service, as the protocol names it.
pub(crate) struct Entry {
    /// The name of its node.
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Box<dyn Service>,
}

/// All of them.
pub(crate) const SERVICES: &[Entry] = &[
    Entry { name: "lin-kv", make: || Box::new(kv::Linearizable::default()) },
    Entry { name: "lin-tso", make: || Box::new(tso::Oracle::default()) },
    Entry { name: "lww-kv", make: || Box::new(lww::LastWriteWins::default()) },
    Entry { name: "seq-kv", make: || Box::new(sequential::Sequential::default()) },
];
