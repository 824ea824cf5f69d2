//! A cgroup per node: everything that a node's processes start is in it, and is frozen, killed and limited as one.
//!
//! Freezing and killing need version 2. Limits of memory and processor are set where their controllers are: in version 2,
//! or in a hierarchy of version 1 beside it. What stands above a lab's own groups is never changed: where a controller is
//! not handed down, the limit is not supported.

use crate::{
    error::{Doing as _, Error, Result},
    hierarchies::{Hierarchies, Limit},
    os,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long processes may take to die, or to stand still.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a controller's files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A folder of a hierarchy, and its version.
#[derive(Debug, Clone)]
struct Group {
    path: PathBuf,
    version: Version,
}

/// The groups of a lab, which hold those of its nodes.
#[derive(Debug)]
pub(crate) struct LabGroups {
    unified: PathBuf,
    memory: Option<Group>,
    processor: Option<Group>,
}

impl LabGroups {
    /// Makes them where a process of ours can be put, and can be killed.
    pub(crate) fn create(hierarchies: &Hierarchies, name: &str) -> Result<Self> {
        let handed_down = |place: &Path, limit: Limit| {
            let controllers = fs::read_to_string(place.join("cgroup.subtree_control"));
            controllers.is_ok_and(|all| all.split_whitespace().any(|c| c == limit.controller()))
        };
        let both = [Limit::Memory, Limit::Processor];
        let mut places: Vec<&PathBuf> = hierarchies.unified().iter().collect();
        // The nearest that hands down what no hierarchy of version 1 has.
        places.sort_by_key(|place| {
            let wanted = both.iter().filter(|limit| hierarchies.version_one(**limit).is_none());
            std::cmp::Reverse(wanted.filter(|limit| handed_down(place, **limit)).count())
        });
        let mut refused = Error::Unsupported {
            why: "no cgroup hierarchy of version 2 is mounted".to_owned(),
            remedy: "mount one: mount -t cgroup2 none /sys/fs/cgroup/unified".to_owned(),
        };
        for place in places {
            let unified = place.join(name);
            if let Err(error) = try_out(&unified) {
                refused = error;
                continue;
            }
            let of = |limit: Limit| {
                if let Some(place) = hierarchies.version_one(limit) {
                    let path = place.join(name);
                    return fs::create_dir(&path)
                        .ok()
                        .map(|()| Group { path, version: Version::One });
                }
                let hand_down = format!("+{}", limit.controller());
                fs::write(unified.join("cgroup.subtree_control"), hand_down).ok()?;
                Some(Group { path: unified.clone(), version: Version::Two })
            };
            let (memory, processor) = (of(Limit::Memory), of(Limit::Processor));
            return Ok(Self { unified, memory, processor });
        }
        Err(refused)
    }

    pub(crate) fn has(&self, limit: Limit) -> bool {
        match limit {
            Limit::Memory => self.memory.is_some(),
            Limit::Processor => self.processor.is_some(),
        }
    }

    /// All of them; the first is of version 2.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let one = [&self.memory, &self.processor].into_iter().flatten();
        let one = one.filter(|group| group.version == Version::One).map(|group| &*group.path);
        std::iter::once(&*self.unified).chain(one).collect()
    }

    /// Ends all that is in them and removes them.
    pub(crate) fn remove(&self) -> Result<()> {
        for path in self.paths() {
            remove(path)?;
        }
        Ok(())
    }

    pub(crate) fn node(&self, name: &str) -> Result<NodeGroups> {
        let within = |group: &Group| Group { path: group.path.join(name), version: group.version };
        let made = NodeGroups {
            unified: self.unified.join(name),
            memory: self.memory.as_ref().map(within),
            processor: self.processor.as_ref().map(within),
        };
        for path in made.paths() {
            fs::create_dir(path).doing(|| format!("make the cgroup {}", path.display()))?;
        }
        Ok(made)
    }
}

/// Makes a group and puts a process there, which must die of the group's own means.
fn try_out(path: &Path) -> Result<()> {
    fs::create_dir(path).doing(|| format!("make the cgroup {}", path.display()))?;
    let tried = (|| {
        let process = os::Idle::start().doing(|| "fork".to_owned())?;
        fs::write(path.join("cgroup.procs"), process.id().to_string())
            .doing(|| format!("put a process into the cgroup {}", path.display()))?;
        fs::write(path.join("cgroup.kill"), "1")
            .doing(|| "kill a cgroup (Linux 5.14 or newer)".to_owned())?;
        wait("a process killed by its cgroup", || Ok(process.ended()))
    })();
    if tried.is_err() {
        remove(path)?;
    }
    tried
}

/// Ends all that is in a group and removes it; nothing there is no error.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let started = Instant::now();
    loop {
        match os::remove_cgroup(path) {
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy && started.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(1));
            }
            other => return other.doing(|| format!("remove the cgroup {}", path.display())),
        }
    }
}

fn wait(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !done()? {
        if started.elapsed() > PATIENCE {
            return Err(Error::Late { what: what.to_owned(), limit: PATIENCE });
        }
        thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}

/// The groups of a node.
#[derive(Debug)]
pub(crate) struct NodeGroups {
    unified: PathBuf,
    memory: Option<Group>,
    processor: Option<Group>,
}

impl NodeGroups {
    fn paths(&self) -> Vec<&Path> {
        let one = [&self.memory, &self.processor].into_iter().flatten();
        let one = one.filter(|group| group.version == Version::One).map(|group| &*group.path);
        std::iter::once(&*self.unified).chain(one).collect()
    }

    /// What a process writes zero to, to be in them.
    pub(crate) fn doors(&self) -> Result<Vec<File>> {
        let open = |path: &Path| File::options().write(true).open(path.join("cgroup.procs"));
        let all = self.paths().into_iter().map(open).collect::<io::Result<_>>();
        all.doing(|| "open a node's cgroups".to_owned())
    }

    fn write(&self, file: &str, what: &str) -> Result<()> {
        let path = self.unified.join(file);
        fs::write(&path, what).doing(|| format!("write {what} to {}", path.display()))
    }

    /// Whether `cgroup.events` says so.
    fn says(&self, event: &str) -> Result<bool> {
        let path = self.unified.join("cgroup.events");
        let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        Ok(text.lines().any(|line| line == event))
    }

    /// Kills all, frozen or not, and returns when they are gone.
    pub(crate) fn kill(&self) -> Result<()> {
        self.write("cgroup.kill", "1")?;
        wait("a node's processes killed", || self.says("populated 0"))
    }

    /// Returns when all stand still.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.write("cgroup.freeze", "1")?;
        wait("a node's processes frozen", || self.says("frozen 1"))
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.write("cgroup.freeze", "0")?;
        wait("a node's processes thawed", || self.says("frozen 0"))
    }

    /// The processes that are in it.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        let path = self.unified.join("cgroup.procs");
        let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    fn limited(&self, limit: Limit) -> Result<&Group> {
        let group = match limit {
            Limit::Memory => &self.memory,
            Limit::Processor => &self.processor,
        };
        group.as_ref().ok_or_else(|| lack(limit))
    }

    /// At most so many bytes, or all there are. What is in use already stays: the limit is then where it is in use, so
    /// that what comes next is too much. Returns the limit set.
    pub(crate) fn limit_memory(&self, bytes: Option<u64>) -> Result<Option<u64>> {
        let Group { path, version } = self.limited(Limit::Memory)?;
        let set = |file: &str, value: &str| fs::write(path.join(file), value);
        let (limit, with_swap, used, none) = match version {
            Version::One => (
                "memory.limit_in_bytes",
                "memory.memsw.limit_in_bytes",
                "memory.usage_in_bytes",
                "-1",
            ),
            Version::Two => ("memory.max", "memory.swap.max", "memory.current", "max"),
        };
        let doing = || format!("limit the memory of {}", path.display());
        let Some(bytes) = bytes else {
            // A limit with swap may not be below one without.
            let _ = set(with_swap, none);
            set(limit, none).doing(doing)?;
            return Ok(None);
        };
        let mut wanted = bytes;
        let started = Instant::now();
        while let Err(error) = set(limit, &wanted.to_string()) {
            if error.kind() != io::ErrorKind::ResourceBusy || started.elapsed() > PATIENCE {
                return Err(error).doing(doing);
            }
            let used = fs::read_to_string(path.join(used)).doing(doing)?;
            wanted = used.trim().parse::<u64>().map_or(wanted, |used| used.max(bytes));
        }
        // Swapped out is not killed. Not every machine has swap, or counts it.
        let _ = match version {
            Version::One => set(with_swap, &wanted.to_string()),
            Version::Two => set(with_swap, "0"),
        };
        Ok(Some(wanted))
    }

    /// How many processes were killed because there was no memory left.
    pub(crate) fn memory_kills(&self) -> Result<u64> {
        let Group { path, version } = self.limited(Limit::Memory)?;
        let file = match version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        count(&path.join(file), "oom_kill")
    }

    /// One in `of` of one processor's time, in slices of 100 ms; or all of it.
    pub(crate) fn share_processor(&self, of: Option<u32>) -> Result<()> {
        const PERIOD: u32 = 100_000;
        let Group { path, version } = self.limited(Limit::Processor)?;
        // The kernel takes no less than a millisecond.
        let quota = of.map(|of| (PERIOD / of.max(1)).max(1000).to_string());
        let (file, value) = match (version, quota) {
            (Version::One, quota) => ("cpu.cfs_quota_us", quota.unwrap_or("-1".to_owned())),
            (Version::Two, quota) => {
                ("cpu.max", format!("{} {PERIOD}", quota.unwrap_or("max".to_owned())))
            }
        };
        let doing = || format!("limit the processor of {}", path.display());
        fs::write(path.join(file), value).doing(doing)
    }

    /// In how many slices the node wanted more of the processor than it had.
    pub(crate) fn throttled(&self) -> Result<u64> {
        count(&self.limited(Limit::Processor)?.path.join("cpu.stat"), "nr_throttled")
    }
}

/// What is said where a limit cannot be set.
pub(crate) fn lack(limit: Limit) -> Error {
    let controller = limit.controller();
    Error::Unsupported {
        why: format!("the cgroup controller {controller} is not available to this process"),
        remedy: format!(
            "run as root on the host, or under systemd-run --scope --property=Delegate=yes, where {controller} is in \
             cgroup.subtree_control"
        ),
    }
}

/// The number after a word in a file of lines.
fn count(path: &Path, word: &str) -> Result<u64> {
    let text = fs::read_to_string(path).doing(|| format!("read {}", path.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    Ok(line.and_then(|number| number.trim().parse().ok()).unwrap_or(0))
}
