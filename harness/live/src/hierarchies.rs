//! Where this process stands among the cgroups that are there.

use crate::error::{Doing as _, Error, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Memory,
    Processor,
}

impl Limit {
    pub(crate) fn controller(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processor => "cpu",
        }
    }
}

/// Where this process stands in the hierarchies that are mounted.
#[derive(Debug)]
pub(crate) struct Hierarchies {
    /// Version 2: the group of this process, and those above it, up to where it is mounted.
    unified: Vec<PathBuf>,
    /// Version 1, where it has the controller: the group of this process.
    memory: Option<PathBuf>,
    processor: Option<PathBuf>,
}

impl Hierarchies {
    pub(crate) fn find() -> Result<Self> {
        if cfg!(not(target_os = "linux")) {
            return Err(Error::Unsupported {
                why: "only Linux has cgroups and namespaces".to_owned(),
                remedy: "run on Linux, in a virtual machine for example".to_owned(),
            });
        }
        let read = |path: &str| fs::read_to_string(path).doing(|| format!("read {path}"));
        Ok(Self::parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?))
    }

    fn parse(mounts: &str, groups: &str) -> Self {
        // Lines of /proc/self/cgroup: number, controllers, path, with colons between.
        let group_of = |controller: &str| {
            groups.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let mut named = parts.next()?.split(',');
                let path = parts.next()?;
                named.any(|name| name == controller).then(|| path.to_owned())
            })
        };
        let mut found = Self { unified: Vec::new(), memory: None, processor: None };
        for line in mounts.lines() {
            // Before the dash: number, parent, device, root, where, …; after it: type, source, options.
            let Some((before, after)) = line.split_once(" - ") else { continue };
            let mut before = before.split(' ').skip(3);
            let (Some(root), Some(place)) = (before.next(), before.next()) else { continue };
            let after: Vec<&str> = after.split(' ').collect();
            let options = after.get(2).copied().unwrap_or_default();
            let inside = |path: String| {
                let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or("");
                // Of a group outside of our cgroup namespace nothing can be seen.
                let below = if below.starts_with("/..") { "" } else { below };
                Path::new(place).join(below.trim_start_matches('/'))
            };
            match after[0] {
                "cgroup2" if found.unified.is_empty() => {
                    let Some(own) = group_of("").map(inside) else { continue };
                    let above = own.ancestors().take_while(|path| path.starts_with(place));
                    found.unified = above.map(Path::to_owned).collect();
                }
                "cgroup" => {
                    let has = |name| options.split(',').any(|option| option == name);
                    if has("memory") {
                        found.memory = group_of("memory").map(inside);
                    }
                    if has("cpu") {
                        found.processor = group_of("cpu").map(inside);
                    }
                }
                _ => {}
            }
        }
        found
    }

    pub(crate) fn version_one(&self, limit: Limit) -> Option<&PathBuf> {
        match limit {
            Limit::Memory => self.memory.as_ref(),
            Limit::Processor => self.processor.as_ref(),
        }
    }

    /// Of version 2: the group of this process, and those above it.
    pub(crate) fn unified(&self) -> &[PathBuf] {
        &self.unified
    }

    /// Every group in which a lab's group of this name could be.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        self.unified.iter().chain(&self.memory).chain(&self.processor).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_one_and_two_side_by_side() {
        let mounts = "\
31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        let groups = "4:memory:/session/7\n1:cpu,cpuacct:/\n0::/";
        let found = Hierarchies::parse(mounts, groups);
        assert_eq!(found.unified, [PathBuf::from("/sys/fs/cgroup/unified")]);
        assert_eq!(found.memory, Some("/sys/fs/cgroup/memory/session/7".into()));
        assert_eq!(found.processor, Some("/sys/fs/cgroup/cpu,cpuacct".into()));
    }

    #[test]
    fn version_two_alone_from_the_own_group_upwards() {
        let mounts =
            "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let found = Hierarchies::parse(mounts, "0::/user.slice/session-3.scope");
        let below = ["user.slice/session-3.scope", "user.slice", ""];
        assert_eq!(found.unified, below.map(|path| Path::new("/sys/fs/cgroup").join(path)));
        assert_eq!((found.memory, found.processor), (None, None));
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_root() {
        let mounts = "30 24 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw";
        let found = Hierarchies::parse(mounts, "0::/docker/1");
        assert_eq!(found.unified, [PathBuf::from("/sys/fs/cgroup")]);
        let outside = Hierarchies::parse(&mounts.replace("/docker/1", "/"), "0::/../other");
        assert_eq!(outside.unified, [PathBuf::from("/sys/fs/cgroup")]);
    }
}
