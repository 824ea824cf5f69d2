//! A system is started, and waited for until it is ready to be tested.

use super::super::{clients, described::Ready, drive::Host as _};
use super::{
    Processes,
    machine::{Machine, in_words},
};
use crate::sim::STEPS;
use squall_probe::NodeId;
use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpStream},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

/// How often is asked whether a node is ready.
const ASK: Duration = Duration::from_millis(20);

/// How much of a log is told when something did not start, in bytes.
const TAIL: u64 = 2_000;

/// A line of a node's log that this lab wrote.
const LAB: &str = "=== squall: ";

impl Processes {
    /// Starts everything, and waits until it is ready: the clients last. Which clients are.
    ///
    /// # Errors
    /// Why the system is not ready to be tested, with the tails of its logs.
    pub(crate) fn prepare(&mut self, within: Duration) -> Result<Vec<NodeId>, String> {
        let until = Instant::now() + within;
        let ids = (0..self.machines.len()).map(NodeId::of_index);
        let (clients, servers): (Vec<NodeId>, Vec<NodeId>) =
            ids.partition(|id| self.machines[id.index()].role.client);
        for id in &servers {
            self.machines[id.index()].spawn(&self.say)?;
        }
        for id in &servers {
            self.machines[id.index()].wait_until_ready(until, within)?;
        }
        for id in &clients {
            self.machines[id.index()].spawn(&self.say)?;
        }
        let mut ready = BTreeSet::new();
        while ready.len() < clients.len() {
            STEPS.fetch_add(1, Ordering::Relaxed);
            if let Some(heard) = self.hear(ASK)
                && clients::read(&heard.line) == Ok(clients::Said::Ready)
            {
                ready.insert(heard.node);
            }
            for id in &servers {
                self.machines[id.index()].still_runs()?;
            }
            if let Some(id) = clients.iter().find(|id| !ready.contains(*id)) {
                let machine = &self.machines[id.index()];
                machine.still_runs()?;
                if Instant::now() > until {
                    return Err(machine.never_ready(within, "never said {\"ready\": true}"));
                }
            }
        }
        Ok(clients)
    }
}

impl Machine {
    fn wait_until_ready(&self, until: Instant, within: Duration) -> Result<(), String> {
        loop {
            STEPS.fetch_add(1, Ordering::Relaxed);
            if self.is_ready()? {
                return Ok(());
            }
            self.still_runs()?;
            if Instant::now() > until {
                let why = match &self.role.ready {
                    Ready::AtOnce => "never started".to_owned(),
                    Ready::Connect(port) => format!("took no connection on port {port}"),
                    Ready::Run(command) => format!("`{command}` never ended with 0"),
                    Ready::Says(text) => format!("never printed {text:?}"),
                };
                return Err(self.never_ready(within, &why));
            }
            thread::sleep(ASK);
        }
    }

    fn is_ready(&self) -> Result<bool, String> {
        match &self.role.ready {
            Ready::AtOnce => Ok(true),
            Ready::Connect(port) => {
                let address = SocketAddr::from((self.node.address(), *port));
                let patience = Duration::from_millis(200);
                let connects = || TcpStream::connect_timeout(&address, patience);
                Ok(in_words(self.node.inside(connects))?.is_ok())
            }
            Ready::Run(command) => {
                let process = in_words(self.node.spawn(&self.command(command)))?;
                let status = process.wait(Duration::from_secs(5));
                Ok(status.is_ok_and(|status| status.success()))
            }
            Ready::Says(text) => {
                let log = in_words(self.node.log_tail(1 << 20))?;
                Ok(log.lines().any(|line| !line.starts_with(LAB) && line.contains(text)))
            }
        }
    }

    fn still_runs(&self) -> Result<(), String> {
        let Some(process) = &self.process else { return Ok(()) };
        match in_words(process.exited())? {
            None => Ok(()),
            Some(status) => Err(format!(
                "never became ready: {} ended with {status} ({}){}",
                self.node.name(),
                self.role.command.lines().next().unwrap_or_default(),
                self.tail()
            )),
        }
    }

    fn never_ready(&self, within: Duration, why: &str) -> String {
        let (name, within) = (self.node.name(), humantime::format_duration(within));
        format!("never became ready: {name} {why} within {within}{}", self.tail())
    }

    fn tail(&self) -> String {
        let tail = self.node.log_tail(TAIL).unwrap_or_default();
        let lines: Vec<&str> = tail.lines().filter(|line| !line.starts_with(LAB)).collect();
        match lines.as_slice() {
            [] => "; its log is empty".to_owned(),
            lines => {
                let last = lines[lines.len().saturating_sub(8)..].join("\n  ");
                format!("; its log ends:\n  {last}")
            }
        }
    }
}
