//! What can go wrong: one file a fault, its `mod` and one line in `each_fault`.
//!
//! Each file holds one constant: what the fault is, its parameters, and what it wants done as an [`Injection`]. It does
//! not know how scenarios are written, nor what carries the injection out.
//!
//! [`Injection`]: crate::injection::Injection

mod bandwidth;
mod bit_rot;
mod burst;
mod clock_drift;
mod clock_jump;
mod clock_offset;
mod clog;
mod connection_limit;
mod corrupt;
mod crash;
mod crash_loop;
mod dependency_down;
mod dependency_fails;
mod dependency_late;
mod dependency_slow;
mod disk_full;
mod duplicate;
mod fail_sync;
mod flap;
mod hold;
mod io_error;
mod kill;
mod kind;
mod late;
mod latency;
mod lose;
mod lose_unsynced;
mod memory_limit;
mod memory_watermark;
mod partition;
mod pause;
mod poison;
mod power_failure;
mod ramp;
mod reorder;
mod replay;
mod reset;
mod restart;
mod restore;
mod rolling_restart;
mod slow_close;
mod slow_consumer;
mod slow_disk;
mod slow_node;
mod spike;
mod stop;
mod torn_write;
mod truncate;
mod wipe;
mod zone_failure;

pub use kind::FaultKind;

/// Hands every fault to a macro, by its file and its constant. The catalogue is made of this list, and so are tests, one a
/// fault: nothing else names them all.
#[doc(hidden)]
#[macro_export]
macro_rules! each_fault {
    ($make:ident) => {
        $make! {
            // Nodes.
            crash::CRASH,
            restart::RESTART,
            kill::KILL,
            stop::STOP,
            rolling_restart::ROLLING_RESTART,
            crash_loop::CRASH_LOOP,
            power_failure::POWER_FAILURE,
            zone_failure::ZONE_FAILURE,
            wipe::WIPE,
            restore::RESTORE,
            pause::PAUSE,
            slow_node::SLOW_NODE,
            // The network.
            partition::PARTITION,
            flap::FLAP,
            hold::HOLD,
            clog::CLOG,
            latency::LATENCY,
            bandwidth::BANDWIDTH,
            reset::RESET,
            slow_close::SLOW_CLOSE,
            lose::LOSE,
            duplicate::DUPLICATE,
            reorder::REORDER,
            corrupt::CORRUPT,
            // Messages.
            late::LATE,
            replay::REPLAY,
            poison::POISON,
            // Disks.
            disk_full::DISK_FULL,
            fail_sync::FAIL_SYNC,
            io_error::IO_ERROR,
            slow_disk::SLOW_DISK,
            lose_unsynced::LOSE_UNSYNCED,
            torn_write::TORN_WRITE,
            bit_rot::BIT_ROT,
            truncate::TRUNCATE,
            // Clocks.
            clock_offset::CLOCK_OFFSET,
            clock_drift::CLOCK_DRIFT,
            clock_jump::CLOCK_JUMP,
            // Resources.
            memory_limit::MEMORY_LIMIT,
            memory_watermark::MEMORY_WATERMARK,
            connection_limit::CONNECTION_LIMIT,
            // Dependencies.
            dependency_down::DEPENDENCY_DOWN,
            dependency_slow::DEPENDENCY_SLOW,
            dependency_fails::DEPENDENCY_FAILS,
            dependency_late::DEPENDENCY_LATE,
            // Load.
            spike::SPIKE,
            burst::BURST,
            ramp::RAMP,
            slow_consumer::SLOW_CONSUMER,
        }
    };
}

macro_rules! catalogue {
    ($($file:ident::$constant:ident,)*) => {
        /// Every kind of fault.
        pub const CATALOGUE: &[&FaultKind] = &[$(&$file::$constant),*];

        /// The file of each, by its key: the comment at its head says what happens at its edges.
        const FILES: &[(&str, &str)] = &[$((
            stringify!($file),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/src/faults/", stringify!($file), ".rs"
            )),
        )),*];
    };
}

each_fault!(catalogue);

/// What each group of faults acts on, by the first of it in the catalogue.
const GROUPS: &[(&str, &str)] = &[
    ("crash", "nodes"),
    ("partition", "the network"),
    ("late", "messages"),
    ("disk_full", "disks"),
    ("clock_offset", "clocks"),
    ("memory_limit", "resources"),
    ("dependency_down", "dependencies"),
    ("spike", "load"),
];

impl FaultKind {
    /// What it acts on: nodes, the network, messages, …
    #[must_use]
    pub fn group(&self) -> &'static str {
        let mut group = "";
        for kind in CATALOGUE {
            let begins = GROUPS.iter().find(|(first, _)| *first == kind.key);
            group = begins.map_or(group, |(_, name)| name);
            if kind.key == self.key {
                break;
            }
        }
        group
    }

    /// What happens at its edges, in paragraphs: the comment at the head of its file, without the line that names it.
    #[must_use]
    pub fn edges(&self) -> Vec<String> {
        let text = FILES.iter().find(|(key, _)| *key == self.key).map_or("", |(_, text)| text);
        let lines: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let paragraphs = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
        let plain = |lines: &[&str]| lines.join(" ").replace("[`", "`").replace("`]", "`");
        let mut paragraphs: Vec<String> = paragraphs.map(plain).collect();
        // The first sentence names it.
        let first = paragraphs.remove(0);
        let rest = first.split_once(". ").map(|(_, rest)| rest.to_owned());
        rest.into_iter().chain(paragraphs).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_group_and_edges() {
        for kind in CATALOGUE {
            assert!(!kind.group().is_empty() && !kind.edges().is_empty(), "{}", kind.key);
        }
        let firsts = GROUPS.iter().map(|(first, _)| *first);
        let known = CATALOGUE.iter().map(|kind| kind.key);
        assert!(firsts.clone().all(|first| known.clone().any(|key| key == first)));
        assert_eq!(CATALOGUE[1].group(), "nodes");
    }
}
