//! What a system may do past the simulation, by name.

use super::calls;
use crate::syntax::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that gets past the simulation and is allowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Allow {
    /// Reading this file, or those below this folder.
    Read(String),
    /// The same, and writing them.
    Write(String),
    /// Reading the clock with `std::time`: it tells virtual time.
    Clock,
    /// Putting the thread to sleep: it returns at once.
    Sleep,
    /// Starting threads; what they do is not looked at.
    Threads,
    /// A system call, by its name.
    Call(String),
}

impl Allow {
    /// The kinds, how each is written, and what it means.
    pub const KINDS: &[(&'static str, &'static str)] = &[
        ("read PATH", "Reading a file, or all below a folder. A crash leaves them as they are."),
        ("write PATH", "Reading and writing them. What one run wrote, the next one finds."),
        ("clock", "std's Instant and SystemTime. They tell virtual time, as tokio's do."),
        ("sleep", "Putting the thread to sleep. It returns at once: virtual time stands still."),
        (
            "threads",
            "Threads and spawn_blocking. What they do is not looked at, and not repeatable.",
        ),
        ("call NAME", "One of the kernel's system calls, such as getrusage. It is made as it is."),
    ];

    /// Reads `read /etc/app.conf`, `clock`, `call getrusage`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (kind, of) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let of = of.trim();
        let path = || {
            if of.starts_with('/') {
                Ok(of.to_owned())
            } else {
                Err(format!("expected an absolute path, such as `{kind} /etc/app.conf`"))
            }
        };
        let alone = |allowed| {
            if of.is_empty() { Ok(allowed) } else { Err(format!("`{kind}` stands alone")) }
        };
        match kind {
            "read" => path().map(Self::Read),
            "write" => path().map(Self::Write),
            "clock" => alone(Self::Clock),
            "sleep" => alone(Self::Sleep),
            "threads" => alone(Self::Threads),
            "call" if calls::NAMES.contains(&of) => Ok(Self::Call(of.to_owned())),
            "call" => Err(match nearest(of, calls::NAMES.iter().copied()) {
                Some(near) => {
                    format!("no system call `{of}` is known here; did you mean `{near}`?")
                }
                None => "expected a system call's name, such as `call getrusage`".to_owned(),
            }),
            other => {
                let kinds = Self::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
                let near = nearest(other, kinds.iter().filter_map(|kind| kind.split(' ').next()));
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                Err(format!("{near}There is: {}", kinds.join(", ")))
            }
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) => write!(f, "read {path}"),
            Self::Write(path) => write!(f, "write {path}"),
            Self::Clock => f.write_str("clock"),
            Self::Sleep => f.write_str("sleep"),
            Self::Threads => f.write_str("threads"),
            Self::Call(name) => write!(f, "call {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for text in ["read /etc/hosts", "write /tmp", "clock", "sleep", "threads", "call socket"] {
            assert_eq!(Allow::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        for (text, told) in [
            ("read", "absolute path"),
            ("write tmp/x", "absolute path"),
            ("clock 3s", "stands alone"),
            ("clocks", "did you mean `clock`?"),
            ("everything", "There is: read PATH, write PATH, clock"),
            ("call soket", "did you mean `socket`?"),
            ("call", "a system call's name"),
        ] {
            let error = Allow::parse(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
