//! What can go wrong: one file a fault, and one line here.
//!
//! Each file holds the fault's parameters, how they are read from a scenario, and how it begins in a
//! [`Storm`]. What it began ends with it.

mod links;
mod messages;
mod parts;
mod target;

pub use latency::Distribution;
pub use links::Links;
pub use parts::Operations;
pub use target::Target;

use crate::{
    scenario::{Node, Reader},
    sim::{Act, Began, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a fault does once its time has come.
pub trait Inject {
    /// Begins. What it begins through the storm ends with this occurrence of the fault, by itself.
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began;
}

/// What a fault is, beside what it does.
trait Kind: Inject + fmt::Display + Sized {
    /// As scenarios write it.
    const KEY: &'static str;
    /// What it does, in a sentence.
    const ABOUT: &'static str;
    /// A step with it, as scenarios write it.
    const EXAMPLE: &'static str;
    /// The outage it stands for.
    const OUTAGE: &'static str;
    /// When it counts as felt.
    const FELT: &'static str;
    /// It lasts: it begins, and is over later.
    const LASTS: bool;
    /// It brings nodes down, of which `restart_after` can say when they come back.
    const CRASHES: bool = false;
    /// Reads its parameters, telling every mistake.
    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self>;
}

/// A fault, for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As scenarios write it.
    pub key: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// A step with it, as scenarios write it.
    pub example: &'static str,
    /// The outage it stands for.
    pub outage: &'static str,
    /// When it counts as felt. How often it was is the run's signal `<key>_felt`.
    pub felt: &'static str,
    /// That signal.
    pub signal: &'static str,
    /// It lasts: it begins, and is over later.
    pub lasts: bool,
}

macro_rules! faults {
    ($($module:ident: $name:ident,)*) => {
        $(mod $module; pub use $module::$name;)*

        /// A fault with its parameters.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)] // Each is documented where it is defined.
        pub enum Fault {
            $($name($name),)*
        }

        /// Every kind of fault.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            key: $name::KEY,
            about: $name::ABOUT,
            example: $name::EXAMPLE,
            outage: $name::OUTAGE,
            felt: $name::FELT,
            signal: concat!(stringify!($module), "_felt"),
            lasts: $name::LASTS,
        },)*];

        pub(crate) fn read(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Fault> {
            match key {
                $($name::KEY => $name::read(reader, node).map(Fault::$name),)*
                _ => None,
            }
        }

        impl Fault {
            /// It begins, and is over later.
            #[must_use]
            pub fn lasts(&self) -> bool {
                match self {
                    $(Self::$name(_) => $name::LASTS,)*
                }
            }

            /// It brings nodes down, of which `restart_after` can say when they come back.
            pub(crate) fn crashes(&self) -> bool {
                match self {
                    $(Self::$name(_) => $name::CRASHES,)*
                }
            }

            /// Its name.
            #[cfg(test)]
            fn key(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $name::KEY,)*
                }
            }

            /// The signal that counts how often it was felt.
            #[must_use]
            pub fn signal(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => concat!(stringify!($module), "_felt"),)*
                }
            }

            /// What it does.
            #[must_use]
            pub fn inject(&self) -> &dyn Inject {
                match self {
                    $(Self::$name(fault) => fault,)*
                }
            }
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(fault) => write!(f, "{}: {fault}", $name::KEY),)*
                }
            }
        }
    };
}

faults! {
    // Nodes.
    crash: Crash,
    restart: Restart,
    stop: Stop,
    rolling_restart: RollingRestart,
    crash_loop: CrashLoop,
    power_failure: PowerFailure,
    zone_failure: ZoneFailure,
    wipe: Wipe,
    pause: Pause,
    slow_node: SlowNode,
    // The network.
    partition: Partition,
    flap: Flap,
    hold: Hold,
    clog: Clog,
    latency: Latency,
    bandwidth: Bandwidth,
    reset: Reset,
    slow_close: SlowClose,
    lose: Lose,
    duplicate: Duplicate,
    reorder: Reorder,
    corrupt: Corrupt,
    // Messages.
    late: Late,
    replay: Replay,
    poison: Poison,
    // Disks.
    disk_full: DiskFull,
    fail_sync: FailSync,
    io_error: IoError,
    slow_disk: SlowDisk,
    lose_unsynced: LoseUnsynced,
    torn_write: TornWrite,
    bit_rot: BitRot,
    truncate: Truncate,
    // Clocks.
    clock_offset: ClockOffset,
    clock_drift: ClockDrift,
    clock_jump: ClockJump,
    // Resources.
    memory_limit: MemoryLimit,
    connection_limit: ConnectionLimit,
    // Dependencies.
    dependency_down: DependencyDown,
    dependency_slow: DependencySlow,
    dependency_fails: DependencyFails,
    dependency_late: DependencyLate,
    // Load.
    spike: Spike,
    burst: Burst,
    ramp: Ramp,
    slow_consumer: SlowConsumer,
}

impl Fault {
    /// It makes a node's own timers late.
    pub(crate) fn stalls(&self) -> bool {
        matches!(self, Self::Pause(_) | Self::SlowNode(_) | Self::SlowDisk(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    #[test]
    fn the_example_of_each_fault_is_a_step_with_it() {
        for Entry { key, example, .. } in CATALOGUE {
            let text = format!("name: x\nzones: {{ a: [broker-1] }}\nfaults:\n  - {example}\n");
            let scenario = parse("x", text.as_bytes(), &Sample);
            let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
            assert_eq!(scenario.faults[0].fault.key(), *key, "{example}");
        }
    }
}
