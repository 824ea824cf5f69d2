//! What a system did past the simulation: noted where it happens, told in words when the run is over.

use super::{allow::Allow, entropy};
use squall_probe::{NodeId, sim};
use std::{backtrace::Backtrace, cell::RefCell};

/// Something that got past the simulation.
#[derive(Debug)]
pub struct Escape {
    /// Whose code did it; [`NodeId::HARNESS`] for what runs between steps: destructors of a node that is taken down.
    pub node: NodeId,
    call: Call,
    backtrace: Backtrace,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A clock was read.
    Clock {
        /// The time of day.
        wall: bool,
    },
    /// The thread was put to sleep.
    Sleep,
    /// A thread or a process was to be started.
    Thread,
    /// A file was to be used.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    File {
        /// The system call.
        call: String,
        /// As it was given.
        path: String,
        /// Or made, renamed, removed.
        write: bool,
    },
    /// Another system call.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Other(String),
}

struct Watch {
    allow: Vec<Allow>,
    escape: Option<Escape>,
    /// From where a thread is to be started, if one is.
    starting: Option<Backtrace>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// From here on this thread is watched.
pub(super) fn watch(allow: &[Allow]) {
    WATCH.with(|watch| {
        *watch.borrow_mut() = Some(Watch { allow: allow.to_vec(), escape: None, starting: None });
    });
}

/// Ends the watch. What was seen first.
pub(super) fn take() -> Option<Escape> {
    WATCH.with(|watch| watch.borrow_mut().take())?.escape
}

/// Something got past the simulation.
pub(super) fn noted() -> bool {
    with(|watch| watch.escape.is_some()).unwrap_or(false)
}

/// This thread is watched, not one that the system started and the scenario allowed.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn is_watched() -> bool {
    with(|_| ()).is_some()
}

/// Whether the scenario allows it.
pub(super) fn allowed(call: &Call) -> bool {
    let below = |folder: &str, path: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
    };
    with(|watch| {
        watch.allow.iter().any(|allow| match (allow, call) {
            (Allow::Clock, Call::Clock { .. })
            | (Allow::Sleep, Call::Sleep)
            | (Allow::Threads, Call::Thread) => true,
            (Allow::Read(folder), Call::File { path, write: false, .. })
            | (Allow::Write(folder), Call::File { path, .. }) => below(folder, path),
            (Allow::Call(name), Call::Other(call) | Call::File { call, .. }) => name == call,
            _ => false,
        })
    })
    .unwrap_or(true)
}

/// Notes a call, unless it is allowed or another was noted before it.
pub(super) fn note(call: Call) {
    if !entropy::is_simulated() || noted() || allowed(&call) {
        return;
    }
    // Both look at things that may be in use, and find out: nothing here may hold `WATCH` meanwhile.
    let starting = with(|watch| watch.starting.take()).flatten().filter(|_| call == Call::Thread);
    let backtrace = starting.unwrap_or_else(Backtrace::force_capture);
    let escape = Escape { node: sim::current_node(), call, backtrace };
    with(|watch| {
        watch.escape.get_or_insert(escape);
    });
}

/// A thread or a process may be about to start: all signals are blocked. The call itself comes from where no
/// backtrace leads further.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn may_start_a_thread() {
    if !noted() && !allowed(&Call::Thread) {
        let backtrace = Backtrace::force_capture();
        with(|watch| watch.starting = Some(backtrace));
    }
}

fn with<R>(act: impl FnOnce(&mut Watch) -> R) -> Option<R> {
    WATCH
        .try_with(|watch| watch.try_borrow_mut().ok().and_then(|mut watch| watch.as_mut().map(act)))
        .ok()
        .flatten()
}

impl Escape {
    /// What was called, by whom and where, why that is wrong, and what to do instead.
    #[must_use]
    pub fn tell(&self, nodes: &[String]) -> String {
        let node = nodes
            .get(usize::from(self.node.0))
            .map_or("a destructor of a node that went down", String::as_str);
        let path = CallPath::of(&self.backtrace.to_string());
        // The rest may be inlined.
        let called = match (&self.call, path.called()) {
            (
                Call::Clock { wall: true },
                None | Some("std::sys::pal::unix::time::Timespec::now"),
            ) => Some("std::time::SystemTime::now"),
            (
                Call::Clock { wall: false },
                None | Some("std::sys::pal::unix::time::Timespec::now"),
            ) => Some("std::time::Instant::now"),
            (_, called) => called,
        };
        let (what, why, remedy) = self.advice(&path);
        let place = path.caller.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        let what = match called {
            Some(called) => format!("{called} ({what})"),
            None => what,
        };
        format!("escaped: {node} called {what}{place}: {why}; {remedy}")
    }

    fn advice(&self, path: &CallPath) -> (String, &'static str, String) {
        let passes = |part: &str| path.library.iter().any(|name| name.contains(part));
        let dns = ["lookup_host", "to_socket_addrs", "getaddrinfo", "tokio::net::addr"];
        match &self.call {
            _ if dns.iter().any(|part| passes(part)) => (
                "DNS".to_owned(),
                "that asks the real network for an address",
                "use squall_probe::net, which knows the nodes by their names".to_owned(),
            ),
            _ if passes("tokio::fs::") => (
                self.system_call(),
                "that is the real disk, which no fault reaches and no crash undoes",
                "use squall_probe::fs::tokio".to_owned(),
            ),
            _ if passes("std::process::") || passes("std::sys::process::") => (
                "a process".to_owned(),
                "a process of its own is in no simulation",
                "start nothing, or leave it out under squall".to_owned(),
            ),
            Call::Clock { .. } => (
                "the real clock".to_owned(),
                "that is the time outside, where virtual time stands still",
                "use squall_probe::clock for the time of day and tokio::time::Instant for intervals, or allow \
                 it: `allow: [clock]`"
                    .to_owned(),
            ),
            Call::Sleep => (
                "real sleep".to_owned(),
                "the thread sleeps, and virtual time stands still",
                "use tokio::time::sleep or timeout, or allow it: `allow: [sleep]`".to_owned(),
            ),
            Call::Thread if passes("blocking") => (
                "a thread".to_owned(),
                "what it does is in no simulation, and when it ends is chance",
                "use squall_probe::task::spawn_blocking, which runs it at once, with squall_probe::fs for files"
                    .to_owned(),
            ),
            Call::Thread => (
                "a thread".to_owned(),
                "what it does is in no simulation, and when it runs is chance",
                "use squall_probe::task::spawn, or allow it: `allow: [threads]`".to_owned(),
            ),
            Call::File { call, path, write } => (
                format!("{call} {path}"),
                "that is the real disk, which no fault reaches and no crash undoes",
                format!(
                    "use squall_probe::fs, or allow it: `allow: [{} {path}]`",
                    if *write { "write" } else { "read" }
                ),
            ),
            Call::Other(name)
                if ["socket", "socketpair", "connect", "bind"].contains(&name.as_str()) =>
            {
                (
                    name.clone(),
                    "that is the real network, which no fault reaches",
                    "use squall_probe::net".to_owned(),
                )
            }
            Call::Other(name) => (
                name.clone(),
                "that reaches past the simulation",
                format!("leave it out under squall, or allow it: `allow: [call {name}]`"),
            ),
        }
    }

    fn system_call(&self) -> String {
        match &self.call {
            Call::Thread => "a thread".to_owned(),
            Call::File { call, path, .. } => format!("{call} {path}"),
            Call::Other(name) => name.clone(),
            Call::Clock { .. } => "the real clock".to_owned(),
            Call::Sleep => "real sleep".to_owned(),
        }
    }
}

/// What a backtrace says of a call.
#[derive(Debug, Default)]
struct CallPath {
    /// Functions of libraries, from the call outwards to the system's code.
    library: Vec<String>,
    /// The function of the system, with its place if the binary knows places.
    caller: Option<String>,
}

impl CallPath {
    fn of(backtrace: &str) -> Self {
        let mut frames: Vec<(String, Option<&str>)> = Vec::new();
        for line in backtrace.lines() {
            let line = line.trim();
            if let Some(place) = line.strip_prefix("at ") {
                if let Some((name, at)) = frames.last_mut() {
                    *at = Some(place);
                    if let Some(full) = qualified(name, place) {
                        *name = full;
                    }
                }
            } else if let Some((number, name)) = line.split_once(": ")
                && number.bytes().all(|byte| byte.is_ascii_digit())
            {
                frames.push((plain(name), None));
            }
        }
        // What noted it comes first.
        let parts = ["escape", "clock", "syscalls"];
        let own = |name: &str| {
            let part = name.strip_prefix("squall::determinism::");
            part.is_some_and(|name| parts.iter().any(|part| name.starts_with(part)))
        };
        let own = frames.iter().rposition(|(name, _)| own(name)).map_or(0, |last| last + 1);
        let mut path = Self::default();
        for (name, place) in frames.drain(..).skip(own) {
            if name.trim_start_matches(['<', '&']).starts_with("squall::") {
                break;
            }
            if is_library(&name) || place.is_some_and(is_in_a_library) {
                path.library.push(name);
                continue;
            }
            // Without the column.
            let place = place.and_then(|place| place.rsplit_once(':')).map(|(place, _)| place);
            path.caller = Some(match place {
                Some(place) => format!("{name} ({})", place.trim_start_matches("./")),
                None => name,
            });
            break;
        }
        if path.caller.is_none() {
            path.library.clear();
        }
        path
    }

    /// The function that the system called.
    fn called(&self) -> Option<&str> {
        let plumbing = ["core::", "alloc::", "<"];
        let named = |name: &&String| {
            name.contains("::") && !plumbing.iter().any(|part| name.starts_with(part))
        };
        self.library.iter().rev().find(named).map(String::as_str)
    }
}

/// A function's name without what the compiler adds.
fn plain(name: &str) -> String {
    let mut name = name.trim().to_owned();
    for added in ["::{{closure}}", "::{closure#0}", "::{closure#1}", "::inner"] {
        name = name.replace(added, "");
    }
    if let Some((before, hash)) = name.rsplit_once("::h")
        && hash.len() == 16
    {
        name = before.to_owned();
    }
    if let Some((of, method)) = name.strip_prefix('<').and_then(|name| name.split_once(">::"))
        && !of.contains(['<', ' '])
    {
        name = format!("{of}::{method}");
    }
    // An async function and its body.
    if let Some((before, last)) = name.rsplit_once("::")
        && before.rsplit("::").next() == Some(last)
    {
        name = before.to_owned();
    }
    name
}

/// The name of a function that is told without its path, as those are that were inlined or come without full debug
/// information: with the path of its module, which its file tells. Nothing if the name is whole.
fn qualified(name: &str, place: &str) -> Option<String> {
    let bare = name.split('<').next().unwrap_or_default();
    if bare.contains("::") || name.starts_with('<') {
        return None;
    }
    let file = place.split(".rs").next()?;
    let (folder, module) = file.rsplit_once("/src/")?;
    let krate = folder.rsplit('/').next()?;
    let krate = match krate.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ if folder.ends_with("harness/probe") => "squall_probe",
        _ => krate,
    };
    // The crate in whose folder the command runs has no name here.
    let mut path: Vec<String> =
        Some(krate.replace('-', "_")).filter(|krate| krate != ".").into_iter().collect();
    let modules = module.split('/').filter(|part| !["lib", "main", "mod"].contains(part));
    path.extend(modules.map(str::to_owned));
    if !bare.is_empty() && !bare.starts_with('{') {
        path.push(bare.to_owned());
    }
    Some(plain(&path.join("::")))
}

/// Its file is a library's.
fn is_in_a_library(place: &str) -> bool {
    ["/rustc/", "/registry/src/", "/git/checkouts/"].iter().any(|part| place.contains(part))
}

fn is_library(name: &str) -> bool {
    let bare = name.trim_start_matches(['<', '&', '(']).trim_start_matches("dyn ");
    let known = ["std::", "core::", "alloc::", "tokio::", "squall_probe::", "mio::", "socket2::"];
    !name.contains("::") || known.iter().any(|part| bare.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_leads_from_the_call_to_the_systems_code() {
        let path = CallPath::of(
            "   0: squall::determinism::escape::note\n\
             \x20  1: squall::determinism::syscalls::on_trap\n\
             \x20            at ./src/x.rs:3:4\n\
             \x20  2: <unknown>\n\
             \x20  3: __open64_nocancel\n\
             \x20  4: std::fs::write::inner\n\
             \x20  5: std::fs::write\n\
             \x20  6: my::server::store::{{closure}}\n\
             \x20            at ./src/server.rs:30:9\n\
             \x20  7: <core::pin::Pin<P> as core::future::future::Future>::poll\n",
        );
        assert_eq!(path.called(), Some("std::fs::write"));
        assert_eq!(path.caller.as_deref(), Some("my::server::store (src/server.rs:30)"));
    }

    #[test]
    fn a_folder_allows_what_is_below_it() {
        let file = |path: &str, write| Call::File {
            call: "openat".to_owned(),
            path: path.to_owned(),
            write,
        };
        watch(&[Allow::Read("/etc".to_owned()), Allow::Write("/tmp/mine/".to_owned())]);
        for (call, expected) in [
            (file("/etc/hosts", false), true),
            (file("/etc", false), true),
            (file("/etcetera", false), false),
            (file("/etc/hosts", true), false),
            (file("/tmp/mine/x", true), true),
            (file("/tmp/mine/x", false), true),
            (file("/tmp/other", false), false),
            (Call::Clock { wall: true }, false),
        ] {
            assert_eq!(allowed(&call), expected, "{call:?}");
        }
        assert!(take().is_none());
    }
}
