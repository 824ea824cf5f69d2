//! A node's inside: what is done when it gets power and loses it, and what runs on it.

use crate::{
    cgroup::NodeGroups,
    disk::Disk,
    error::{Doing as _, Error, Result},
    hand::Hand,
    os::{self, Guardian},
    process::{Command, Output, Process},
    switch::Switch,
};
use std::{
    fs::File,
    io::Write as _,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// What a lab gives a node.
#[derive(Debug)]
pub(crate) struct Machine {
    pub name: String,
    /// The last number of its address.
    pub number: u8,
    /// Its folder on the host.
    pub folder: PathBuf,
    pub log: PathBuf,
    /// What it takes for `/etc/hosts`.
    pub hosts: PathBuf,
    pub mtu: u16,
    pub switch: Arc<Switch>,
    pub guardian: Weak<Guardian>,
    pub groups: NodeGroups,
    pub disk: Disk,
    pub state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// None: without power.
    pub hand: Option<Hand>,
    pub processes: Vec<Process>,
    /// How many processes were started.
    started: u32,
    pub snapshots: u32,
    pub frozen: bool,
    /// The lab has ended.
    pub gone: bool,
}

impl State {
    pub(crate) fn powered(&self, node: &Machine) -> Result<&Hand> {
        self.hand.as_ref().ok_or_else(|| match self.gone {
            true => Error::Misuse(format!("the lab of node {} has ended", node.name)),
            false => Error::Misuse(format!("node {} is without power", node.name)),
        })
    }

    pub(crate) fn off(&self, node: &Machine) -> Result<()> {
        match (&self.hand, self.gone) {
            (None, false) => Ok(()),
            (None, true) => self.powered(node).map(|_| ()),
            (Some(_), _) => Err(Error::Misuse(format!("node {} is under power", node.name))),
        }
    }
}

impl Machine {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Namespaces, network and disk, as of a machine that starts.
    pub(crate) fn boot(&self) -> Result<Hand> {
        let hand = Hand::start(&self.name)?;
        let (name, hosts, mtu) = (self.name.clone(), self.hosts.clone(), self.mtu);
        let address = Switch::address(self.number);
        let folder = self.folder.clone();
        let device = hand.run(move || -> Result<OwnedFd> {
            os::set_hostname(&name).doing(|| "name a node".to_owned())?;
            os::mount_bind(&hosts, Path::new("/etc/hosts"))
                .doing(|| format!("mount {} at /etc/hosts", hosts.display()))?;
            // Shared memory would outlive its processes on the host. Where the lab itself is in there, it may.
            let shared = Path::new("/dev/shm");
            if shared.exists() && !folder.starts_with(shared) {
                os::mount_tmpfs(shared).doing(|| "mount /dev/shm".to_owned())?;
            }
            os::loopback_up().doing(|| "bring lo up".to_owned())?;
            os::tun("eth0", address, mtu).doing(|| "make a tun device".to_owned())
        })?;
        self.disk.mount(&hand)?;
        self.switch.attach(self.number, device);
        self.tell(Some(hand.id()));
        Ok(hand)
    }

    fn tell(&self, thread: Option<i32>) {
        if let Some(guardian) = self.guardian.upgrade() {
            guardian.tell(self.number, thread);
        }
    }

    /// Ends all its processes, and waits until they have ended.
    pub(crate) fn end_all(&self, state: &mut State) -> Result<()> {
        let killed = self.groups.kill();
        for process in state.processes.drain(..) {
            // Those in the cgroup are dead; to wait for one is to let the system forget it.
            let _ = process.wait(Duration::from_secs(1));
        }
        killed?;
        if std::mem::take(&mut state.frozen) {
            self.groups.thaw()?;
        }
        Ok(())
    }

    /// Takes it down at once. Everything is tried; the first error is returned.
    pub(crate) fn take_down(&self, state: &mut State) -> Result<()> {
        let Some(hand) = state.hand.take() else { return Ok(()) };
        // First, so that nothing that dies can say goodbye.
        self.switch.unplug(self.number);
        let results = self.disk.relieved(|| {
            // Nobody notices that the disk fails, nor does one write on while another is dead. Who cannot stand still is
            // killed all the same.
            state.frozen = true;
            let _ = self.groups.freeze();
            [self.disk.cut_power(&hand), self.end_all(state), self.disk.unmount(&hand)]
        });
        // It is a comfort, and in some containers forbidden.
        hand.run(os::hush).ok();
        self.tell(None);
        self.switch.detach(self.number);
        results.into_iter().collect()
    }

    /// The lab ends.
    pub(crate) fn end(&self) -> Result<()> {
        let mut state = self.state();
        state.gone = true;
        self.take_down(&mut state)
    }

    /// Its own folder on the host, for its processes.
    pub(crate) fn own_folder(&self) -> PathBuf {
        self.folder.join("host")
    }

    pub(crate) fn spawn(&self, what: &Command) -> Result<Process> {
        let mut state = self.state();
        let state = &mut *state;
        state.powered(self)?;
        if state.frozen {
            return Err(Error::Misuse(format!("node {} is frozen", self.name)));
        }
        state.started += 1;
        let program = what.program.display();
        let mut log = File::options().append(true).create(true).open(&self.log);
        if let Ok(log) = &mut log {
            let text = format!("=== squall: start {} of {}: {program}\n", state.started, self.name);
            log.write_all(text.as_bytes()).doing(|| "write to a node's log".to_owned())?;
        }
        let log = log.doing(|| format!("open {}", self.log.display()))?;
        let same = log.try_clone().doing(|| "open a node's log again".to_owned())?;
        let mut command = std::process::Command::new(&what.program);
        command
            .args(&what.args)
            .env("TMPDIR", self.own_folder())
            .envs(what.env.iter().map(|(name, value)| (name, value)))
            .current_dir(what.folder.clone().unwrap_or_else(|| self.disk.data()))
            .stderr(log);
        match what.output {
            Output::Logged => command.stdin(Stdio::null()).stdout(same),
            Output::Piped => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        os::confine(&mut command, self.groups.doors()?);
        let child = state.powered(self)?.run(move || command.spawn());
        let child = child.doing(|| format!("start {program} on node {}", self.name))?;
        let process = Process::new(child);
        state.processes.retain(|process| matches!(process.exited(), Ok(None)));
        state.processes.push(process.clone());
        Ok(process)
    }
}
