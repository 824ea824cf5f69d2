//! The thread that forwards packets, and the handle on it.

use super::{
    rule::{Counters, Rule},
    table::{Table, address},
};
use crate::{
    error::{Doing as _, Result},
    os::{self, Wake},
};
use std::{
    fs::File,
    io::{self, Read as _},
    net::Ipv4Addr,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

/// How many packets of one node are forwarded before the next has its turn.
const TURN: usize = 32;

#[derive(Debug)]
struct Shared {
    table: Mutex<Table>,
    wake: Wake,
    stop: AtomicBool,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The switch; dropped, it stops.
#[derive(Debug)]
pub(crate) struct Switch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    pub(crate) fn start(seed: u64) -> Result<Self> {
        let wake = Wake::new().doing(|| "make an eventfd".to_owned())?;
        let table = Mutex::new(Table::new(seed));
        let shared = Arc::new(Shared { table, wake, stop: AtomicBool::new(false) });
        let works = shared.clone();
        let thread = thread::Builder::new().name("switch".to_owned()).spawn(move || {
            if let Err(error) = forward(&works) {
                eprintln!("squall-live: the switch stopped: {error}");
            }
        });
        let thread = thread.doing(|| "start a thread".to_owned())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The address of a node by its number.
    pub(crate) fn address(node: u8) -> Ipv4Addr {
        address(node)
    }

    fn change<T>(&self, what: impl FnOnce(&mut Table) -> T) -> T {
        let done = what(&mut self.shared.table());
        self.shared.wake.wake();
        done
    }

    /// Plugs a node in: what it sends comes from the device.
    pub(crate) fn attach(&self, node: u8, device: OwnedFd) {
        self.change(|table| table.attach(node, File::from(device)));
    }

    /// From now on nothing comes from it, and nothing reaches it.
    pub(crate) fn unplug(&self, node: u8) {
        self.change(|table| table.unplug(node));
    }

    /// Closes its device.
    pub(crate) fn detach(&self, node: u8) {
        self.change(|table| table.detach(node));
    }

    pub(crate) fn set_rule(&self, from: u8, to: u8, rule: Rule) {
        self.change(|table| {
            table.link(from, to).rule = rule;
            table.release(from, to, Instant::now());
        });
    }

    pub(crate) fn rule(&self, from: u8, to: u8) -> Rule {
        self.shared.table().link(from, to).rule.clone()
    }

    pub(crate) fn counters(&self, from: u8, to: u8) -> Counters {
        self.shared.table().link(from, to).counters
    }

    pub(crate) fn reset(&self, one: u8, other: u8) -> u64 {
        self.change(|table| table.reset(one, other))
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.wake.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn forward(shared: &Shared) -> io::Result<()> {
    let mut room = vec![0; 65_536];
    loop {
        let (devices, next) = {
            let mut table = shared.table();
            table.turn(Instant::now());
            (table.devices(), table.next_due())
        };
        let limit = next.map(|next| next.saturating_duration_since(Instant::now()));
        let mut asked = vec![shared.wake.as_fd()];
        asked.extend(devices.iter().map(|(_, device)| device.as_fd()));
        let ready = os::poll(&asked, limit)?;
        if ready[0] {
            shared.wake.woken();
        }
        if shared.stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        for ((node, device), _) in devices.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
            let mut table = shared.table();
            for _ in 0..TURN {
                match (&**device).read(&mut room) {
                    Ok(length) => table.sent(Instant::now(), *node, &room[..length]),
                    // Nothing more, or the device is not up any more.
                    Err(_) => break,
                }
            }
        }
    }
}
