//! A node: a machine of its own, as far as its processes can tell. It has an address, a disk, a name, and power.

use crate::{
    damage::{self, Damage},
    disk::{DiskCounters, DiskRule},
    error::{Doing as _, Error, Result},
    hand::Hand,
    machine::Machine,
    os,
    process::{Command, Process},
    switch::Switch,
};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

/// What a node has.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeOptions {
    /// The size of its disk, 16 MiB at least. The image takes only what was written. None: a folder of the host, which
    /// keeps what was not synced, cannot be full, and needs no right to mount.
    pub disk_bytes: Option<u64>,
    /// Whether its disk can be slow or fail ([`Node::set_disk_rule`]). All that is read and written then passes a process in
    /// between, which takes time of its own.
    pub disk_faults: bool,
}

impl NodeOptions {
    /// With a disk of its own.
    #[must_use]
    pub fn with_disk(bytes: u64) -> Self {
        Self { disk_bytes: Some(bytes), ..Self::default() }
    }
}

/// A node's disk as it was at some time. It lasts as long as the lab.
#[derive(Debug, Clone)]
pub struct Snapshot {
    node: u8,
    image: PathBuf,
}

/// A node of a lab. Copies of it are the same node; after the lab's end they do nothing any more.
///
/// Its verbs return when what they do is done. Verbs of one node wait for each other.
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) inner: Arc<Machine>,
}

impl Node {
    pub(crate) fn start(inner: Machine) -> Result<Self> {
        let hand = inner.boot()?;
        inner.state().hand = Some(hand);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its name, by which the others find its address, too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its address in the lab's network.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        Switch::address(self.inner.number)
    }

    /// The folder on its disk, as its processes see it. It is empty at first.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.inner.disk.data()
    }

    /// A folder of the host that is its own: processes can use it, and what they leave there survives power cuts. It goes
    /// with the lab.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.inner.own_folder()
    }

    /// How the caller reaches a path that the node's processes see, on their disk for example. Until the node loses power;
    /// files that are still open then keep its disk from being released.
    ///
    /// # Errors
    /// When the node is without power.
    pub fn seen_from_host(&self, path: &Path) -> Result<PathBuf> {
        let id = self.inner.state().powered(&self.inner)?.id();
        let below = path.strip_prefix("/").unwrap_or(path);
        Ok(Path::new(&format!("/proc/self/task/{id}/root")).join(below))
    }

    /// Runs a function on a thread that is in the node's network: sockets that it makes belong there for as long as they
    /// live, wherever they are used. It sees the files of the host.
    ///
    /// # Errors
    /// When the node is without power.
    pub fn inside<T: Send>(&self, what: impl FnOnce() -> T + Send) -> Result<T> {
        let id = self.inner.state().powered(&self.inner)?.id();
        let name = &self.inner.name;
        thread::scope(|scope| {
            let thread = scope.spawn(|| os::enter_network(id).map(|()| what()));
            let done = thread.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
            done.doing(|| format!("enter the network of node {name}"))
        })
    }

    /// Starts a program on the node. Nothing that it starts, in whatever session, escapes the node's verbs.
    ///
    /// # Errors
    /// When the node is without power or frozen, or the program cannot be started.
    pub fn spawn(&self, what: &Command) -> Result<Process> {
        self.inner.spawn(what)
    }

    /// The numbers of all processes on it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn processes(&self) -> Result<Vec<u32>> {
        self.inner.groups.processes()
    }

    /// What its processes wrote, a line before each start of one.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.inner.log
    }

    /// The last `bytes` of its log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log_tail(&self, bytes: u64) -> Result<String> {
        let read = || -> io::Result<String> {
            let mut file = match File::open(&self.inner.log) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
                other => other?,
            };
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
            let mut tail = Vec::new();
            file.take(bytes).read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).into_owned())
        };
        read().doing(|| format!("read {}", self.inner.log.display()))
    }

    /// Kills all its processes at once (SIGKILL). Its disk keeps what they wrote, synced or not, and their connections are
    /// closed by the kernel.
    ///
    /// # Errors
    /// When not all of them die.
    pub fn kill(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.powered(&self.inner)?;
        self.inner.end_all(&mut state)
    }

    /// Asks the processes that were started here to end (SIGTERM), not those that they started.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&self) -> Result<()> {
        let state = self.inner.state();
        state.powered(&self.inner)?;
        state.processes.iter().try_for_each(Process::terminate)
    }

    /// Stops all its processes where they are. Their kernel goes on: it acknowledges what arrives until buffers are full.
    ///
    /// # Errors
    /// When they do not stand still within ten seconds.
    pub fn freeze(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.powered(&self.inner)?;
        state.frozen = true;
        self.inner.groups.freeze()
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// When they do not within ten seconds.
    pub fn thaw(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.powered(&self.inner)?;
        self.inner.groups.thaw()?;
        state.frozen = false;
        Ok(())
    }

    /// Whether it has power.
    #[must_use]
    pub fn is_powered(&self) -> bool {
        self.inner.state().hand.is_some()
    }

    /// Cuts its power: it falls silent, its processes are gone, and so is what its disk was not made to keep. Others are
    /// not told: their connections to it are open still. A disk that is a folder of the host loses nothing.
    ///
    /// What the kernel wrote of its own accord is kept, as on any machine: what is older than some 5 to 30 seconds, or all when
    /// anybody on the host calls `sync()`, which is for all disks.
    ///
    /// # Errors
    /// When something resisted. It is without power all the same.
    pub fn power_off(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.powered(&self.inner)?;
        self.inner.take_down(&mut state)
    }

    /// Gives it power again, a new machine with the old disk, address and links. Nothing runs on it yet.
    ///
    /// # Errors
    /// When it has power, or its disk cannot be mounted any more.
    pub fn power_on(&self) -> Result<()> {
        let mut state = self.inner.state();
        state.off(&self.inner)?;
        state.hand = Some(self.inner.boot()?);
        Ok(())
    }

    /// Empties its disk.
    ///
    /// # Errors
    /// When it is under power.
    pub fn wipe(&self) -> Result<()> {
        self.inner.state().off(&self.inner)?;
        self.inner.disk.wipe()
    }

    /// Keeps its disk as it is. Under power its processes stand still for it, and all that they wrote, synced or not, is in
    /// it.
    ///
    /// # Errors
    /// When the disk is a folder of the host, or cannot be copied.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let mut state = self.inner.state();
        let node = &*self.inner;
        state.snapshots += 1;
        let image = node.folder.join(format!("snapshot-{}", state.snapshots));
        if state.gone {
            state.powered(node)?;
        }
        match &state.hand {
            None => node.disk.copy_to(None, &image)?,
            Some(hand) => {
                let stopped = if state.frozen { Ok(()) } else { node.groups.freeze() };
                let copied = stopped.and_then(|()| node.disk.copy_to(Some(hand), &image));
                let thawed = if state.frozen { Ok(()) } else { node.groups.thaw() };
                copied.and(thawed)?;
            }
        }
        Ok(Snapshot { node: node.number, image })
    }

    /// Makes its disk what it was.
    ///
    /// # Errors
    /// When it is under power, or the snapshot is of another node.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.inner.state().off(&self.inner)?;
        if snapshot.node != self.inner.number {
            let name = &self.inner.name;
            return Err(Error::Misuse(format!("this is no snapshot of node {name}'s disk")));
        }
        self.inner.disk.copy_from(&snapshot.image)
    }

    /// Runs something on the folder on its disk: where it is mounted, or mounts it for that.
    fn on_disk<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.inner.state();
        let (disk, data) = (&self.inner.disk, self.disk());
        if let Some(hand) = &state.hand {
            return hand.run(move || what(&data));
        }
        state.off(&self.inner)?;
        let hand = Hand::start(&self.inner.name)?;
        disk.mount_as_is(&hand)?;
        let done = hand.run(move || what(&data));
        disk.unmount(&hand)?;
        done
    }

    /// Flips `count` bits in files on its disk, each at a place drawn from all bytes of the files that `choose` wants (by
    /// their paths on the disk). Under power, processes read them as they are from now on, but for what they keep in
    /// memory. Returns what was hit: nothing if there is no such file, or all are empty.
    ///
    /// # Errors
    /// When a file cannot be changed.
    pub fn flip_bits(
        &self,
        seed: u64,
        count: u32,
        choose: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Result<Vec<Damage>> {
        self.on_disk(move |folder| damage::flip_bits(folder, seed, count, &choose))
    }

    /// Takes up to `bytes` from the end of a file on its disk, drawn from those that `choose` wants. Returns what was hit.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn truncate_file(
        &self,
        seed: u64,
        bytes: u64,
        choose: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Result<Option<Damage>> {
        self.on_disk(move |folder| damage::truncate(folder, seed, bytes, &choose))
    }

    /// Takes all room on its disk, so that writes that need more fail with `ENOSPC`, root's too. What is freed later can be
    /// used; filling it again takes that as well. Losing power makes room.
    ///
    /// # Errors
    /// When it is without power, or its disk is a folder of the host.
    pub fn fill_disk(&self) -> Result<()> {
        let state = self.inner.state();
        self.inner.disk.fill(state.powered(&self.inner)?)
    }

    /// Gives back the room that [`fill_disk`](Self::fill_disk) took.
    ///
    /// # Errors
    /// As there.
    pub fn make_room(&self) -> Result<()> {
        let state = self.inner.state();
        self.inner.disk.make_room(state.powered(&self.inner)?)
    }

    /// Says what is wrong with its disk from now on, under power or not. It is wrong for the node only: what is done to the
    /// disk from outside (wiping, damaging, restoring) is not hindered.
    ///
    /// # Errors
    /// When it has no disk that can fail.
    pub fn set_disk_rule(&self, rule: DiskRule) -> Result<()> {
        // Not while its power is cut, which puts the rule aside.
        let _state = self.inner.state();
        self.inner.disk.set_rule(rule)
    }

    /// What was wrong with its disk, by how often it was felt.
    #[must_use]
    pub fn disk_counters(&self) -> DiskCounters {
        self.inner.disk.counters()
    }

    /// Limits the memory of all its processes together, with what of their files is in memory, or lifts the limit. Who
    /// needs more is killed. What is in use already is not taken away: the limit is no lower than that. Returns the limit.
    ///
    /// # Errors
    /// Where the memory controller is not available.
    pub fn memory_limit(&self, bytes: Option<u64>) -> Result<Option<u64>> {
        self.inner.groups.limit_memory(bytes)
    }

    /// How many of its processes were killed for want of memory, since the node is there.
    ///
    /// # Errors
    /// As of [`memory_limit`](Self::memory_limit).
    pub fn memory_kills(&self) -> Result<u64> {
        self.inner.groups.memory_kills()
    }

    /// Gives all its processes together one in `of` of one processor's time, or lifts the limit. The least is one in 100.
    ///
    /// # Errors
    /// Where the cpu controller is not available.
    pub fn cpu_share(&self, of: Option<u32>) -> Result<()> {
        self.inner.groups.share_processor(of)
    }

    /// In how many slices of 100 ms it wanted more of the processor than it was given, since the node is there.
    ///
    /// # Errors
    /// As of [`cpu_share`](Self::cpu_share).
    pub fn cpu_throttled(&self) -> Result<u64> {
        self.inner.groups.throttled()
    }
}
