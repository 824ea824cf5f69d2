//! A lab's name, its folder on the host, and the guardian that removes what is left when its owner dies.

use crate::{
    cgroup,
    error::{Doing as _, Error, Result},
    hierarchies::Hierarchies,
    os::{self, Guardian},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

/// The file whose lock says that the owner lives.
const LOCK: &str = "owner";
/// The file that names the cgroups that there may be.
const CGROUPS: &str = "cgroups";

/// Who a lab belongs to, as its name says: `squall-PROCESS-START-COUNT`. The start, in clock ticks since the machine's,
/// tells the process from another with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    process: u32,
    start: u64,
}

impl Owner {
    /// Of the lab with this name; None if it is no lab's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("squall-")?.split('-');
        let owner =
            Self { process: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? };
        let count = parts.next()?.parse::<u32>();
        (count.is_ok() && parts.next().is_none()).then_some(owner)
    }

    pub(crate) fn lives(self) -> bool {
        os::start_of(self.process) == Some(self.start)
    }
}

/// A folder that goes with its owner. What is in it goes with it, and so do the cgroups of its name.
#[derive(Debug)]
pub(crate) struct Folder {
    pub path: PathBuf,
    pub name: String,
    guardian: Option<Arc<Guardian>>,
    _lock: File,
}

impl Folder {
    pub(crate) fn create(root: &Path, hierarchies: &Hierarchies) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let process = process::id();
        let start = os::start_of(process).ok_or_else(|| Error::Unsupported {
            why: "/proc/self/stat cannot be read".to_owned(),
            remedy: "run on Linux, with /proc mounted".to_owned(),
        })?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("squall-{process}-{start}-{count}");
        fs::create_dir_all(root).doing(|| format!("make {}", root.display()))?;
        let root = root.canonicalize().doing(|| format!("find {}", root.display()))?;
        let path = root.join(&name);
        let cgroups: Vec<PathBuf> =
            hierarchies.places().into_iter().map(|place| place.join(&name)).collect();
        // Before there is anything to guard.
        let guarded: Vec<&Path> = cgroups.iter().map(PathBuf::as_path).collect();
        let guardian = Guardian::start(&guarded, &path).doing(|| "start a guardian".to_owned())?;
        let made = fs::create_dir(&path).and_then(|()| {
            let lock = File::create(path.join(LOCK))?;
            lock.lock()?;
            let lines: String =
                cgroups.iter().map(|path| format!("{}\n", path.display())).collect();
            fs::write(path.join(CGROUPS), lines)?;
            Ok(lock)
        });
        match made {
            Ok(lock) => Ok(Self { path, name, guardian: Some(Arc::new(guardian)), _lock: lock }),
            Err(error) => {
                let _ = os::remove_folder(&path);
                Err(error).doing(|| format!("make {}", path.display()))
            }
        }
    }

    /// What watches over it, for as long as it is there.
    pub(crate) fn guardian(&self) -> Weak<Guardian> {
        self.guardian.as_ref().map(Arc::downgrade).unwrap_or_default()
    }

    /// Removes it. If that fails, the guardian goes on trying when this process ends.
    pub(crate) fn remove(&mut self) -> Result<()> {
        let Some(guardian) = self.guardian.take() else { return Ok(()) };
        let removed = os::remove_folder(&self.path);
        if removed.is_err() {
            std::mem::forget(guardian);
        }
        removed.doing(|| format!("remove {}", self.path.display()))
    }

    /// Leaves it to the guardian, which clears it away when this process ends.
    pub(crate) fn leave(&mut self) {
        std::mem::forget(self.guardian.take());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("squall-live: {error}");
        }
    }
}

/// What a dead lab left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removed {
    /// A process that was still running, by its number.
    Process(u32),
    /// A cgroup.
    Cgroup(PathBuf),
    /// A lab's folder, with the disks that were in it.
    Folder(PathBuf),
}

/// Finds what labs left whose owners are dead, and whose guardians died, too: processes, cgroups, and folders in `root`, the
/// folder that was given to [`LabOptions::state`](crate::LabOptions::state). Removes it, and returns what it was. What a
/// living process owns is left alone.
///
/// Networks, mounts and loop devices need no sweeping: no name holds them, so they go with the last process that uses them.
///
/// # Errors
/// When something cannot be removed. The rest is removed all the same.
pub fn sweep(root: &Path) -> Result<Vec<Removed>> {
    let hierarchies = Hierarchies::find()?;
    let mut removed = Vec::new();
    let mut results = sweep_into(root, &mut removed);
    // Of labs whose folders were in other places, or are gone.
    for place in hierarchies.places() {
        for path in dead_in(&place) {
            results.push(sweep_cgroup(&path, &mut removed));
        }
    }
    results.into_iter().collect::<Result<()>>()?;
    Ok(removed)
}

/// As [`sweep`], of labs only whose folders are in `root` and are not held: what is done without having been asked for must
/// not take an owner in another container for dead, whose number means nothing here.
///
/// # Errors
/// When something cannot be removed. The rest is removed all the same.
pub fn sweep_folders(root: &Path) -> Result<Vec<Removed>> {
    let mut removed = Vec::new();
    let results = sweep_into(root, &mut removed);
    results.into_iter().collect::<Result<()>>()?;
    Ok(removed)
}

fn sweep_into(root: &Path, removed: &mut Vec<Removed>) -> Vec<Result<()>> {
    let mut results = Vec::new();
    for path in dead_in(root) {
        if !unlocked(&path) {
            continue;
        }
        let cgroups = fs::read_to_string(path.join(CGROUPS)).unwrap_or_default();
        let swept = cgroups.lines().try_for_each(|line| sweep_cgroup(Path::new(line), removed));
        let swept = swept
            .and_then(|()| os::remove_folder(&path).doing(|| format!("remove {}", path.display())));
        if swept.is_ok() {
            removed.push(Removed::Folder(path));
        }
        results.push(swept);
    }
    results
}

/// What has the name of a lab whose owner is dead.
fn dead_in(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let dead = entries.filter(|entry| {
        let owner = entry.file_name().to_str().and_then(Owner::parse);
        owner.is_some_and(|owner| !owner.lives())
    });
    dead.map(|entry| entry.path()).collect()
}

/// Whether nobody holds the lock: an owner in another container has a number that means nothing here.
fn unlocked(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK));
    file.map_or(true, |file| file.try_lock().is_ok())
}

fn sweep_cgroup(path: &Path, removed: &mut Vec<Removed>) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let mut groups = vec![path.to_owned()];
    while let Some(group) = groups.pop() {
        let inside = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for process in inside.lines().filter_map(|line| line.parse().ok()) {
            if !removed.contains(&Removed::Process(process)) {
                removed.push(Removed::Process(process));
            }
        }
        let below = fs::read_dir(&group).into_iter().flatten().flatten();
        groups.extend(below.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    cgroup::remove(path)?;
    removed.push(Removed::Cgroup(path.to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_owner() {
        let me = process::id();
        let start = os::start_of(me).unwrap();
        assert!(Owner::parse(&format!("squall-{me}-{start}-1")).unwrap().lives());
        assert!(!Owner::parse(&format!("squall-{me}-{}-1", start + 1)).unwrap().lives());
        for other in ["squall-1-2", "squall-1-2-3-4", "squall-x-2-3", "squall-", "quall-1-2-3"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }
}
