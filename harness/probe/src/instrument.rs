//! What a system's code says of itself and asks of whoever runs it: simulated on a thread on which a simulation runs, and
//! nothing, or as in production, everywhere else.

#[cfg(feature = "live")]
use crate::live;
use crate::{
    generator::Rng,
    record::{Name, What},
};
#[cfg(feature = "sim")]
use crate::{record::NodeId, sim};
use rand_chacha::rand_core::SeedableRng as _;
use std::hash::{BuildHasher as _, RandomState};

/// Interns a name for use in records. Outside a simulation nothing is recorded and every name is 0.
#[must_use]
pub fn name(text: &str) -> Name {
    #[cfg(feature = "sim")]
    if let Some(name) = sim::try_with(|world| world.intern(text)) {
        return name;
    }
    #[cfg(feature = "live")]
    if let Some(name) = live::name(text) {
        return name;
    }
    let _ = text;
    Name(0)
}

/// Says that something happened on this node, now. Outside a simulation this does nothing.
///
/// What there is to say, and which invariants need it: [`What`].
///
/// ```
/// use squall_probe::{EventId, Name, What, name, record};
///
/// fn leased(queue: Name, message: u64, event: EventId, worker: &str, count: u32) {
///     let (consumer, lasts) = (name(worker), 30_000_000); // Microseconds.
///     record(What::Lease { queue, message, event, consumer, count, lasts });
/// }
/// # leased(name("work"), 1, EventId(1), "worker-1", 1);
/// ```
pub fn record(what: What) {
    #[cfg(feature = "sim")]
    if sim::try_with(|world| world.record_here(what)).is_some() {
        return;
    }
    #[cfg(feature = "live")]
    live::record(what);
    let _ = what;
}

/// Records what an earlier life of this node may have recorded just before it ended, or not any more: not again, if it did.
///
/// For a log that finds, when it is opened, what it had made durable: between that and the record the process can have been
/// killed, or its disk have failed. In a simulation nothing comes in between, and nothing is recorded here.
pub fn record_unless_recorded(what: What) {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        return;
    }
    #[cfg(feature = "live")]
    live::record_unless_recorded(what);
    let _ = what;
}

/// Counts something worth counting by its name: `retried`, `rebalanced`, …
pub fn signal(name: &str) {
    #[cfg(feature = "sim")]
    if let Some(()) = sim::try_with(|world| {
        let signal = world.intern(name);
        world.record_here(What::Signal { signal });
    }) {
        return;
    }
    #[cfg(feature = "live")]
    live::signal(name);
    let _ = name;
}

/// Says something in words on this node, now: a line of the run's replay. It is no record, and nothing is judged by it.
/// Outside a simulation and a live run this does nothing.
pub fn say(text: &str) {
    #[cfg(feature = "sim")]
    if sim::try_with(|world| world.say_here(text)).is_some() {
        return;
    }
    #[cfg(feature = "live")]
    live::say(text);
    let _ = text;
}

/// A number of this node, as a monitoring system would scrape it from now on (`orders_lag`). It is no record, and no
/// invariant sees it: `squall replay --as openmetrics` writes it, and rules for alerts are tried on it. The names are those
/// that your own exporter has. Outside a simulation and a live run this does nothing.
pub fn gauge(name: &'static str, labels: &[(&'static str, &str)], value: f64) {
    measure(name, labels, false, value);
}

/// As [`gauge`], of a number that only grows and begins at 0 with the node: by how much it grows now. Its name has no
/// `_total`, which OpenMetrics adds. To grow by 0 says that it is there.
pub fn counter(name: &'static str, labels: &[(&'static str, &str)], by: u64) {
    #[allow(clippy::cast_precision_loss)] // Monitoring systems keep 64-bit floats.
    measure(name, labels, true, by as f64);
}

fn measure(name: &'static str, labels: &[(&'static str, &str)], counts: bool, value: f64) {
    #[cfg(feature = "sim")]
    if sim::try_with(|world| world.measure_here(name, labels, counts, value)).is_some() {
        return;
    }
    #[cfg(feature = "live")]
    live::measure(name, labels, counts, value);
    let _ = (name, labels, counts, value);
}

/// A fault point: a place in the code where a scenario may make something go wrong.
///
/// Put one between any two steps of which the first may happen without the second. If a trigger
/// waits for this passage, the future does not return before the fault has been injected (which may
/// kill the node here). Outside a simulation it is ready at once.
///
/// ```
/// # use squall_probe::point;
/// # async fn store() {}
/// # async fn answer() {}
/// # async fn serve() {
/// store().await;
/// point("server.stored").await; // `when: { reaches: server.stored, hit: 3 }`
/// answer().await;
/// # }
/// ```
pub async fn point(name: &'static str) {
    #[cfg(feature = "sim")]
    if let Some(Some(step)) = sim::try_with(|world| world.pass_point(name)) {
        // The harness acts between steps; virtual time moves on within one.
        while sim::with(|world| world.step()) == step {
            crate::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    #[cfg(feature = "live")]
    live::point(name);
    let _ = name;
}

/// Returns when this node is asked to stop: end what is under way, and return from the node's software.
/// Whoever does not is killed after a while. Outside a simulation it never returns: use the system's signals.
pub async fn stop_asked() {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        return sim::stop_asked().await;
    }
    #[cfg(feature = "live")]
    if live::is_active() {
        return live::stop_asked().await;
    }
    std::future::pending::<()>().await;
}

/// Memory of this node that is in use until it is dropped; counted against a simulated limit.
#[derive(Debug)]
pub struct Reserved {
    #[cfg(feature = "sim")]
    node: NodeId,
    #[cfg(feature = "sim")]
    bytes: i64,
}

/// Counts `bytes` of memory as used by this node. Queued frames are counted without it.
#[must_use]
pub fn reserve(bytes: usize) -> Reserved {
    #[cfg(feature = "sim")]
    {
        let bytes = i64::try_from(bytes).expect("no memory has 2^63 bytes");
        let node = sim::current_node();
        sim::try_with(|world| world.hold(node, bytes));
        Reserved { node, bytes }
    }
    #[cfg(not(feature = "sim"))]
    {
        let _ = bytes;
        Reserved {}
    }
}

#[cfg(feature = "sim")]
impl Drop for Reserved {
    fn drop(&mut self) {
        sim::try_with(|world| world.hold(self.node, -self.bytes));
    }
}

/// A random generator for one purpose (`"retry jitter"`).
///
/// In a simulation its seed is a function of the run's seed, the node, how often the node has been
/// started, and the purpose, so that a draw in one place moves no draw elsewhere.
///
/// ```
/// use rand::RngExt as _; // The crate `rand` has the methods.
///
/// let mut rng = squall_probe::rng("retry jitter");
/// assert!((50..150).contains(&rng.random_range(50..150)));
/// ```
#[must_use]
pub fn rng(purpose: &str) -> Rng {
    #[cfg(feature = "sim")]
    if let Some(seed) = sim::try_with(|world| world.seed_here(purpose)) {
        return Rng::seed_from_u64(seed);
    }
    // std's hasher keys are fresh OS randomness; jitter needs no more.
    Rng::seed_from_u64(RandomState::new().hash_one(purpose))
}
