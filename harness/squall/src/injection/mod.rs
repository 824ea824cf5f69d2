//! What a fault wants done, as plain data.
//!
//! Whoever can do these things can carry a fault out: a simulator (`sim/nemesis/inject.rs`), or something that drives real
//! processes. This room knows neither, nor how scenarios are written. What an injection begins ends with the
//! occurrence of the fault that began it.

mod links;
mod target;

pub use crate::system::Poison;
pub use links::{Links, Messages};
pub use squall_probe::Tampering;
pub use target::Target;

use std::time::Duration;

/// What is done once the time of a fault has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Injection {
    /// Power is cut at all of these nodes in one moment.
    PowerOff {
        /// At whom.
        nodes: Target,
        /// When each is up again.
        back: Back,
        /// Their disks are empty then.
        wiped: bool,
    },
    /// Power is cut at each of these nodes again and again.
    PowerLoop {
        /// At whom.
        nodes: Target,
        /// How often.
        times: u32,
        /// How long each is up in between.
        up: Duration,
        /// How long each is down.
        down: Duration,
    },
    /// Nodes are asked to stop, and are started again.
    Stop {
        /// Who.
        nodes: Target,
        /// From one to the next; zero: all in one moment.
        every: Duration,
        /// Whoever has not ended after this is killed.
        grace: Duration,
        /// Each starts again this long after it has ended.
        down: Duration,
    },
    /// Links are in another state.
    Links {
        /// Which.
        links: Links,
        /// What is wrong with them.
        state: LinkState,
    },
    /// Disks are as they were: a snapshot is taken of each now, and put in the disk's place later, when the machine has
    /// lost its power.
    GoBack {
        /// Whose.
        nodes: Target,
        /// How much later.
        age: Duration,
    },
    /// Something is done to single messages.
    Messages {
        /// To which.
        which: Carried,
        /// What.
        tampering: Tampering,
        /// How late a late message or copy comes.
        delay: Delay,
        /// It is felt only where a message that was sent later is read first.
        by_order: bool,
    },
    /// Nodes are in another state.
    Nodes {
        /// Which.
        nodes: Target,
        /// What is wrong with them.
        state: NodeState,
    },
    /// Disks are in another state.
    Disks {
        /// Whose.
        nodes: Target,
        /// What is wrong with them.
        state: DiskState,
    },
    /// What is on disks is damaged, once.
    Damage {
        /// Whose.
        nodes: Target,
        /// How.
        damage: Damage,
    },
    /// A share of the publishes is poison.
    Poison {
        /// The share, 0 to 1.
        share: f64,
        /// What is wrong with them; each kind by turns if `None`.
        kind: Option<Poison>,
    },
    /// Events are published beside the workload's.
    Load(Load),
}

/// When a node that lost power is up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// After the step's `restart_after`, or when everything is healed.
    RestartAfter,
    /// After this.
    After(Duration),
    /// At a random time of its own within this.
    Within(Duration),
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// What is on the wire or sent is lost.
    Cut,
    /// What is on the wire or sent waits for the end.
    Held,
    /// It is held, and released at a random time of its own within this.
    Clogged(Duration),
    /// It is cut and healed by turns.
    Flapping {
        /// How long it is up.
        up: Duration,
        /// How long it is down.
        down: Duration,
    },
    /// It takes longer than it should.
    Slow(Delay, Distribution),
    /// Each direction carries this many bytes a second.
    Narrow(u32),
    /// The connections over it are reset, once.
    Reset,
}

/// A time from `min_ms` to `max_ms`, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// At least.
    pub min_ms: u32,
    /// At most.
    pub max_ms: u32,
}

/// How a latency is drawn between its least and its most, for each message by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Near the least for most messages.
    Exponential,
    /// Every value is as likely.
    Uniform,
    /// Around the middle, which is three standard deviations from both ends.
    Normal,
    /// Near the least, and now and then very long (a Pareto distribution of shape 1.2, cut off at the most).
    HeavyTailed,
}

/// Which messages something is done to.
#[derive(Clone, Debug, PartialEq)]
pub enum Carried {
    /// These.
    Of(Messages),
    /// A share, 0 to 1, of all that these nodes send.
    From(Target, f64),
    /// A share, 0 to 1, of all that is sent to these nodes.
    To(Target, f64),
}

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Nothing runs on it, and it does not know.
    Paused,
    /// It runs in one of `one_in` moments.
    Starved {
        /// One in how many.
        one_in: u32,
    },
    /// Each message that it reads takes this long to handle.
    SlowReader(Duration),
    /// Connections that it closes stay half open for this long.
    SlowClose(Duration),
    /// Nobody can connect to it, and open connections are reset.
    Unavailable,
    /// It can have this many connections.
    Connections(u32),
    /// It is killed when it holds more than this many bytes.
    Memory(u32),
    /// While it holds more than this many bytes it reads nothing that clients have sent.
    Watermark(u32),
    /// Its wall clock is wrong.
    Clock {
        /// By this much, in microseconds; negative: behind.
        offset_us: i64,
        /// And by this much more for each second since, in microseconds.
        drift_us: i64,
    },
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// Writes fail with "no space left", after a part of the first.
    Full,
    /// Every sync fails, and what it should have saved no later sync saves.
    SyncFails,
    /// Reads, writes or both fail with nothing done.
    Errors {
        /// Reads do.
        reads: bool,
        /// Writes do.
        writes: bool,
    },
    /// Each write and each sync takes this long.
    Slow(Duration),
    /// The power fails in the middle of the next write.
    TornWrite,
    /// The power fails just before one of this many syncs, drawn; no content that was not synced stays.
    LostUnsynced(u64),
}

/// How what is on a disk is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// This many bits of a file turn over.
    Bits(u32),
    /// A file loses its end, at most this many bytes.
    Truncated(u32),
}

/// Events beside the workload's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// This many times the workload's rate at first, growing evenly to this many times at last.
    Rate {
        /// Times the rate, at first.
        first: f64,
        /// Times the rate, at last.
        last: f64,
        /// How long.
        lasting: Duration,
    },
    /// A number of events at random times.
    Events {
        /// How many.
        count: u32,
        /// In how long.
        within: Duration,
    },
}

impl Injection {
    /// It brings nodes down, and the step's `restart_after` says when they come back.
    #[must_use]
    pub fn takes_restart_after(&self) -> bool {
        matches!(
            self,
            Self::PowerOff { back: Back::RestartAfter, .. }
                | Self::GoBack { .. }
                | Self::Disks { state: DiskState::TornWrite | DiskState::LostUnsynced(_), .. }
        )
    }

    /// It makes a node's own timers late.
    #[must_use]
    pub fn stalls_timers(&self) -> bool {
        matches!(
            self,
            Self::Nodes { state: NodeState::Paused | NodeState::Starved { .. }, .. }
                | Self::Disks { state: DiskState::Slow(_), .. }
        )
    }

    /// It takes something from a disk for good that had been synced.
    #[must_use]
    pub fn destroys_disks(&self) -> bool {
        matches!(
            self,
            Self::PowerOff { wiped: true, .. } | Self::GoBack { .. } | Self::Damage { .. }
        )
    }

    /// It leaves disks with something else on them than their owner believes, without a restart of its own.
    #[must_use]
    pub fn harms_disks(&self) -> bool {
        matches!(
            self,
            Self::Damage { .. }
                | Self::Disks {
                    state: DiskState::Full | DiskState::SyncFails | DiskState::Errors { .. },
                    ..
                }
        )
    }

    /// It publishes events beside the workload's.
    #[must_use]
    pub fn adds_load(&self) -> bool {
        matches!(self, Self::Load(_))
    }
}
