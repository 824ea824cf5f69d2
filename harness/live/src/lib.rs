//! What can be done to real processes on one Linux machine.
#![doc = ""]
//! A [`Lab`] is a run's world. Its [`Node`]s are machines as far as their processes can tell: each has an address and a host
//! name, a disk, a processor and memory that can be limited, and power that can be cut. Between them is a switch, which has a
//! [`Rule`] for each direction of each link, and counts what it did ([`Counters`]): a fault counts when it hit a packet.
//!
//! ```no_run
//! use squall_live::{Command, Lab, LabOptions, NodeOptions, Rule};
//!
//! # fn main() -> squall_live::Result<()> {
//! let lab = Lab::create(LabOptions::default())?;
//! let one = lab.add_node("n1", NodeOptions::with_disk(64 << 20))?;
//! let two = lab.add_node("n2", NodeOptions::with_disk(64 << 20))?;
//! one.spawn(&Command::new("my-server").args(["--peer", "n2", "--data"]).arg(one.disk()))?;
//! two.spawn(&Command::new("my-server").args(["--peer", "n1", "--data"]).arg(two.disk()))?;
//! lab.set_rule(&one, &two, Rule::cut());
//! one.power_off()?;
//! one.power_on()?;
//! # Ok(())
//! # }
//! ```
//!
//! # How
//! - A node's network, mount table and host name are namespaces of a thread of this process. No name holds them: when this
//!   process dies, the kernel takes them down, with the disk that is mounted there and its loop device. The host's mounts,
//!   interfaces and firewall are never touched. `/etc/hosts` is the lab's there, and `/dev/shm` is empty at first; all else is
//!   the host's.
//! - Processes are in a cgroup per node, so that none escapes. A guardian, a child that this process starts, kills them and removes
//!   cgroups and files when this process dies; [`sweep`] does it for those whose guardian died, too.
//! - The switch is a thread that reads packets from one tun device and writes them to another. It needs neither `netem` nor
//!   a firewall, and it forwards IPv4 alone, to single addresses.
//! - A disk is a loop-mounted ext4 image. When its power is cut the file system is shut down without flushing its log. One that
//!   can be slow or fail has a file system in user space between the image and the loop device, which a child serves.
//!
//! [`capabilities`] tells what of that a machine allows. As root all of it, as a rule. A user may be allowed user namespaces:
//! [`become_root_of_a_namespace`] gives nodes all but disks of their own.
//!
#![doc = include_str!("measured.md")]

mod capabilities;
mod cgroup;
mod damage;
mod disk;
mod error;
mod folder;
mod hand;
mod hierarchies;
mod lab;
mod machine;
mod node;
mod os;
mod process;
mod switch;
mod user;

pub use capabilities::{Capability, Lack, capabilities};
pub use damage::{Damage, DamageKind};
pub use disk::{DiskCounters, DiskRule};
pub use error::{Error, Result};
pub use folder::{Removed, sweep, sweep_folders};
pub use lab::{Lab, LabOptions};
pub use node::{Node, NodeOptions, Snapshot};
pub use process::{Command, Output, Process};
pub use switch::{Counters, Rule};
pub use user::become_root_of_a_namespace;
