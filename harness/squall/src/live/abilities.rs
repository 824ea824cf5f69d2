//! What this machine can do to real processes, and what of a fault it cannot.

use crate::injection::{Carried, DiskState, Injection, NodeState, Tampering};
use squall_live::{Capability, Removed};
use std::sync::OnceLock;

/// What this machine can do. Trying it takes half a second: it is tried once in a process. A user without rights becomes root
/// of a user namespace for it, where the system allows that: what can be done then is what is told.
pub(crate) fn capabilities() -> &'static [Capability] {
    static TRIED: OnceLock<Vec<Capability>> = OnceLock::new();
    TRIED.get_or_init(|| {
        // Where that is refused, making the namespaces of a node is, too, and tells why.
        let _ = squall_live::become_root_of_a_namespace();
        squall_live::capabilities(&std::env::temp_dir())
    })
}

/// Without these no node can be run.
const NEEDED: [&str; 3] = ["namespaces", "network", "cgroups"];

/// Whether nodes can be run here at all; if not, what is missing, and the remedy.
pub(crate) fn possible() -> Result<(), String> {
    match NEEDED.iter().find_map(|name| Some((name, lacks(capabilities(), name)?))) {
        None => Ok(()),
        Some((name, why)) => Err(format!(
            "real processes cannot be run here: no {name}: {why} (squall doctor tells more)"
        )),
    }
}

/// Whether nodes can have disks of their own here.
pub(crate) fn disks() -> bool {
    lacks(capabilities(), "disks").is_none()
}

/// Clears away what labs left whose owners and guardians are dead. What, in words.
pub(crate) fn sweep() -> Result<Vec<String>, squall_live::Error> {
    squall_live::sweep(&std::env::temp_dir()).map(|removed| in_words(&removed))
}

/// As [`sweep`], without having been asked for: only where it is sure that nobody holds it.
pub(crate) fn sweep_folders() -> Result<Vec<String>, squall_live::Error> {
    squall_live::sweep_folders(&std::env::temp_dir()).map(|removed| in_words(&removed))
}

fn in_words(removed: &[Removed]) -> Vec<String> {
    let words = |removed: &Removed| match removed {
        Removed::Process(id) => format!("process {id}"),
        Removed::Cgroup(path) => format!("cgroup {}", path.display()),
        Removed::Folder(path) => format!("folder {}", path.display()),
        other => format!("{other:?}"),
    };
    removed.iter().map(words).collect()
}

/// Why this machine lacks a capability, and the remedy; `None`: it has it.
fn lacks(capabilities: &[Capability], name: &str) -> Option<String> {
    let lack = capabilities.iter().find(|one| one.name == name)?.lack.as_ref()?;
    Some(format!("{}; {}", lack.why, lack.remedy))
}

/// Why real processes cannot have done to them what a fault wants done, in a sentence without a full stop.
pub(crate) fn refusal(injection: &Injection, capabilities: &[Capability]) -> Option<String> {
    let lacks = |name: &str| lacks(capabilities, name);
    let never = |why: &str| Some(why.to_owned());
    match injection {
        Injection::PowerOff { .. } | Injection::PowerLoop { .. } | Injection::GoBack { .. } => {
            lacks("disks")
        }
        Injection::Stop { .. }
        | Injection::Links { .. }
        | Injection::Damage { .. }
        | Injection::Poison { .. }
        | Injection::Load(_) => None,
        Injection::Messages { which, tampering, .. } => match (which, tampering) {
            (Carried::Of(messages), _) if !messages.on.is_empty() => {
                never("kinds of messages are not seen in packets: leave `on` out")
            }
            (_, Tampering::Corrupted) => {
                never("a packet with a wrong bit never arrives: TCP's checksum sees to it")
            }
            (_, Tampering::Replayed | Tampering::Reset) => {
                never("single messages are not seen in packets")
            }
            _ => None,
        },
        Injection::Nodes { state, .. } => match state {
            NodeState::Paused => lacks("cgroups"),
            NodeState::Starved { .. } => lacks("cpu"),
            NodeState::Memory(_) => lacks("memory"),
            NodeState::SlowReader(_)
            | NodeState::SlowClose(_)
            | NodeState::Connections(_)
            | NodeState::Watermark(_) => {
                never("what a process does with its connections is its own")
            }
            NodeState::Unavailable => never("no packet says so: cut its links, or stop it"),
            NodeState::Clock { .. } => {
                never("the clock belongs to the machine, and everybody on it reads it")
            }
        },
        Injection::Disks { state, .. } => match state {
            DiskState::Full => lacks("disks"),
            DiskState::SyncFails | DiskState::Errors { .. } | DiskState::Slow(_) => {
                lacks("disks").or_else(|| lacks("slow-disks"))
            }
            DiskState::TornWrite | DiskState::LostUnsynced(_) => never(
                "nobody sees the moment of a single write: use crash, which loses what is not synced",
            ),
        },
    }
}
