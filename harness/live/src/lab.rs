//! A run's world: nodes, and the network between them.

use crate::{
    cgroup::LabGroups,
    disk::Disk,
    error::{Doing as _, Error, Result},
    folder::Folder,
    hierarchies::Hierarchies,
    machine::{Machine, State},
    node::{Node, NodeOptions},
    switch::{Counters, Rule, Switch},
};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How a lab is made.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// Where the lab's folder is made; by default where temporary files are. Disks are in it.
    pub state: PathBuf,
    /// Where the nodes' logs are written, as `NODE.log`, and stay. By default in the lab's folder, with which they go.
    pub logs: Option<PathBuf>,
    /// What the network's draws (losses, delays, …) begin with.
    pub seed: u64,
    /// The largest packet, in bytes.
    pub mtu: u16,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { state: std::env::temp_dir(), logs: None, seed: 0, mtu: 1500 }
    }
}

/// A run's world. When it is dropped, or its process dies by whatever cause, nothing is left of it.
#[derive(Debug)]
pub struct Lab {
    options: LabOptions,
    nodes: Mutex<Vec<Node>>,
    switch: Arc<Switch>,
    groups: LabGroups,
    hosts: PathBuf,
    // Last: its guardian ends when it does.
    folder: Folder,
}

impl Lab {
    /// A world without nodes.
    ///
    /// # Errors
    /// Where the machine does not allow it ([`capabilities`](crate::capabilities) tells before).
    pub fn create(options: LabOptions) -> Result<Self> {
        let hierarchies = Hierarchies::find()?;
        let folder = Folder::create(&options.state, &hierarchies)?;
        if let Some(logs) = &options.logs {
            fs::create_dir_all(logs).doing(|| format!("make {}", logs.display()))?;
        }
        let hosts = folder.path.join("hosts");
        fs::write(&hosts, "127.0.0.1 localhost\n::1 localhost\n")
            .doing(|| format!("write {}", hosts.display()))?;
        let switch = Arc::new(Switch::start(options.seed)?);
        let groups = LabGroups::create(&hierarchies, &folder.name)?;
        Ok(Self { options, nodes: Mutex::default(), switch, groups, hosts, folder })
    }

    /// Its name, which is in those of its folder and cgroups.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.folder.name
    }

    /// Its folder on the host.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new node, under power, with an empty disk. All nodes of the lab find each other by name: the lab's names are what
    /// their processes read in `/etc/hosts`.
    ///
    /// # Errors
    /// When the name is taken or no host name, there are 254 nodes, or the machine does not allow what it asks for.
    pub fn add_node(&self, name: &str, options: NodeOptions) -> Result<Node> {
        let mut nodes = self.nodes();
        if !is_host_name(name) {
            return Err(Error::Misuse(format!(
                "node {name:?}: a name has letters, digits and hyphens, 63 at most, and no hyphen at its ends"
            )));
        }
        if nodes.iter().any(|node| node.name() == name) {
            return Err(Error::Misuse(format!("there is a node {name} already")));
        }
        let number = nodes
            .iter()
            .map(|node| node.inner.number)
            .max()
            .map_or(Some(1), |last| last.checked_add(1).filter(|number| *number < u8::MAX));
        let number =
            number.ok_or_else(|| Error::Misuse("a lab has 254 nodes at most".to_owned()))?;
        let folder = self.folder.path.join(format!("node-{name}"));
        fs::create_dir(&folder)
            .and_then(|()| fs::create_dir(folder.join("host")))
            .doing(|| format!("make {}", folder.display()))?;
        let logs = self.options.logs.as_ref().unwrap_or(&self.folder.path);
        let inner = Machine {
            name: name.to_owned(),
            number,
            log: logs.join(format!("{name}.log")),
            hosts: self.hosts.clone(),
            mtu: self.options.mtu,
            switch: self.switch.clone(),
            guardian: self.folder.guardian(),
            groups: self.groups.node(&format!("node-{name}"))?,
            disk: Disk::create(&folder, options.disk_bytes, options.disk_faults)?,
            folder,
            state: Mutex::<State>::default(),
        };
        let line = format!("{} {name}\n", Switch::address(number));
        File::options()
            .append(true)
            .open(&self.hosts)
            .and_then(|mut hosts| hosts.write_all(line.as_bytes()))
            .doing(|| format!("write {}", self.hosts.display()))?;
        let node = Node::start(inner)?;
        nodes.push(node.clone());
        Ok(node)
    }

    /// Says what happens to packets from one node to another from now on. What the rule before held is released.
    pub fn set_rule(&self, from: &Node, to: &Node, rule: Rule) {
        self.switch.set_rule(from.inner.number, to.inner.number, rule);
    }

    /// What happens to packets from one node to another.
    #[must_use]
    pub fn rule(&self, from: &Node, to: &Node) -> Rule {
        self.switch.rule(from.inner.number, to.inner.number)
    }

    /// What happened to packets from one node to another.
    #[must_use]
    pub fn counters(&self, from: &Node, to: &Node) -> Counters {
        self.switch.counters(from.inner.number, to.inner.number)
    }

    /// Resets all TCP connections between two nodes, at both ends, whatever the links' rules. Returns how many there were: those
    /// on which both ends have spoken, and that they have not both closed.
    pub fn reset(&self, one: &Node, other: &Node) -> u64 {
        self.switch.reset(one.inner.number, other.inner.number)
    }

    /// Ends it, and tells what resisted. Dropping it does the same and tells on standard error.
    ///
    /// # Errors
    /// When something is left. It is tried again when this process ends.
    pub fn close(mut self) -> Result<()> {
        self.tear_down()
    }

    fn tear_down(&mut self) -> Result<()> {
        let nodes = std::mem::take(&mut *self.nodes());
        let mut results: Vec<Result<()>> = nodes.iter().map(|node| node.inner.end()).collect();
        results.push(self.groups.remove());
        let ended: Result<()> = results.into_iter().collect();
        match &ended {
            // While its folder is there, the next start finds what is left.
            Err(_) => self.folder.leave(),
            Ok(()) => self.folder.remove()?,
        }
        ended
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = self.tear_down() {
            eprintln!("squall-live: {} is not gone: {error}", self.folder.path.display());
        }
    }
}

/// RFC 1123, one label.
fn is_host_name(name: &str) -> bool {
    let inside = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    inside && (1..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-')
}
