//! What can go wrong: one file a fault, and one line here.
//!
//! Each file holds the fault's parameters, how they are read from a scenario, and how it begins and
//! ends in a [`Storm`].

mod links;
mod messages;
mod target;

pub use links::Links;
pub use target::Target;

use crate::{
    scenario::{Node, Reader},
    sim::{Act, Began, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a fault does once its time has come.
pub trait Inject {
    /// Begins.
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began;
    /// Ends; only what lasts.
    fn heal(&self, _storm: &mut Storm<'_>, _act: &mut Act) {}
}

/// What a fault is, beside what it does.
trait Kind: Inject + fmt::Display + Sized {
    /// As scenarios write it.
    const KEY: &'static str;
    /// What it does, in a sentence.
    const ABOUT: &'static str;
    /// The outage it stands for.
    const OUTAGE: &'static str;
    /// It lasts: it begins, and is over later.
    const LASTS: bool;
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
    /// The outage it stands for.
    pub outage: &'static str,
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
            outage: $name::OUTAGE,
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
    crash: Crash,
    restart: Restart,
    crash_loop: CrashLoop,
    partition: Partition,
    hold: Hold,
    latency: Latency,
    duplicate: Duplicate,
    reorder: Reorder,
    lose: Lose,
    disk_full: DiskFull,
    fail_sync: FailSync,
}

impl Fault {
    /// A crash, of which `restart_after` can say when it ends.
    pub(crate) fn crashes(&self) -> bool {
        matches!(self, Self::Crash(_))
    }
}
