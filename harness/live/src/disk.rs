//! A node's disk: an ext4 image of its own, mounted in the node's mount table and nowhere else; or, without a size, a plain
//! folder, which has no power to lose.
//!
//! What a node stores is in the folder `data` of the mounted image, so that neither `lost+found` nor what fills the disk is
//! in the way of systems that take a folder's content for their own.

use crate::{
    error::{Doing as _, Error, Result},
    hand::Hand,
    os::{self, Controls, SERVED, Server, Shared},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long files may stay open after the last process that had them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Below this mkfs.ext4 makes no journal.
pub(crate) const SMALLEST: u64 = 16 << 20;

#[derive(Debug)]
pub(crate) struct Disk {
    /// None: a plain folder.
    image: Option<PathBuf>,
    /// Where the image is mounted.
    place: PathBuf,
    /// None: it does not fail.
    faults: Option<Faults>,
}

/// What stands between the image and the loop device of a disk that can fail.
#[derive(Debug)]
struct Faults {
    controls: Arc<Shared>,
    /// Where the served image is mounted.
    place: PathBuf,
    server: Mutex<Option<Server>>,
}

/// What is wrong with a disk. By default nothing.
///
/// The file system on the disk is a real one, and makes of it what it does: what fails when its journal is written makes ext4
/// read-only until the node has lost its power, and reads of what is in memory never reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskRule {
    /// How long each write to the disk, of 128 KiB at most, and each sync of it takes, one after the other.
    pub slow: Duration,
    /// Reads of the disk fail (`EIO`).
    pub fail_reads: bool,
    /// Writes to it fail.
    pub fail_writes: bool,
    /// Syncs of it fail.
    pub fail_syncs: bool,
}

/// What a disk's rule has hit, since the node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskCounters {
    /// Writes and syncs of the disk that took longer.
    pub slowed: u64,
    /// Reads, writes and syncs of the disk that failed.
    pub failed: u64,
}

impl Faults {
    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the image in the namespaces of `hand`, and returns where it is there.
    fn serve(&self, image: &Path, hand: &Hand) -> Result<PathBuf> {
        let place = self.place.clone();
        let device = hand.run(move || os::mount_served(&place));
        let device = device.doing(|| format!("mount {} by /dev/fuse", self.place.display()))?;
        // Without a server nobody answers there; it goes with the namespaces of `hand`.
        // Started outside of them: it must not keep what it waits for to end.
        let server = Server::start(&device, image, &self.controls);
        *self.server() = Some(server.doing(|| "serve an image".to_owned())?);
        Ok(self.place.join(SERVED))
    }

    /// Serves it no more, if it did.
    fn end(&self, hand: &Hand) -> Result<()> {
        let Some(server) = self.server().take() else { return Ok(()) };
        let unmounted = unmount(hand, &self.place);
        drop(server);
        unmounted
    }
}

fn make_folder(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(error).doing(|| format!("make {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Unmounts in the namespaces of `hand`, within the time that files may stay open.
fn unmount(hand: &Hand, place: &Path) -> Result<()> {
    let place = place.to_owned();
    hand.run(move || {
        let started = Instant::now();
        loop {
            match os::unmount(&place) {
                Err(error)
                    if error.kind() == io::ErrorKind::ResourceBusy
                        && started.elapsed() < PATIENCE =>
                {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => {
                    let _ = os::unmount_lazily(&place);
                    return Err(error).doing(|| format!("unmount {}", place.display()));
                }
                Ok(()) => return Ok(()),
            }
        }
    })
}

impl Disk {
    /// Makes the disk in a folder of the host, empty.
    pub(crate) fn create(folder: &Path, bytes: Option<u64>, fails: bool) -> Result<Self> {
        let place = folder.join("disk");
        fs::create_dir(&place).doing(|| format!("make {}", place.display()))?;
        let Some(bytes) = bytes else {
            let made = Self { image: None, place, faults: None };
            return made.prepare().map(|()| made);
        };
        if bytes < SMALLEST {
            return Err(Error::Misuse(format!(
                "a disk of {bytes} bytes: the smallest with a journal has {SMALLEST}"
            )));
        }
        let image = folder.join("disk.ext4");
        let file = File::create(&image).doing(|| format!("make {}", image.display()))?;
        file.set_len(bytes).doing(|| format!("make {}", image.display()))?;
        let mut faults = None;
        if fails {
            let place = folder.join("served");
            fs::create_dir(&place).doing(|| format!("make {}", place.display()))?;
            let controls = Shared::new().doing(|| "share memory".to_owned())?;
            faults = Some(Faults { controls: Arc::new(controls), place, server: Mutex::default() });
        }
        let made = Self { image: Some(image), place, faults };
        made.format()?;
        Ok(made)
    }

    /// The folder for what the node stores.
    pub(crate) fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    fn faults(&self) -> Result<&Faults> {
        self.faults.as_ref().ok_or_else(|| Error::Unsupported {
            why: "the node's disk cannot be slow or fail".to_owned(),
            remedy: "give the node one that can (NodeOptions::disk_faults), which needs root and /dev/fuse"
                .to_owned(),
        })
    }

    pub(crate) fn set_rule(&self, rule: DiskRule) -> Result<()> {
        let controls = &self.faults()?.controls;
        let nanos = u64::try_from(rule.slow.as_nanos()).unwrap_or(u64::MAX);
        controls.slow_nanos.store(nanos, Ordering::Relaxed);
        let failing = [
            (rule.fail_reads, Controls::READS),
            (rule.fail_writes, Controls::WRITES),
            (rule.fail_syncs, Controls::SYNCS),
        ];
        let failing = failing.iter().filter(|(fails, _)| *fails).map(|(_, bit)| bit).sum();
        controls.failing.store(failing, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn counters(&self) -> DiskCounters {
        let count = |controls: &Shared| DiskCounters {
            slowed: controls.slowed.load(Ordering::Relaxed),
            failed: controls.failed.load(Ordering::Relaxed),
        };
        self.faults.as_ref().map(|faults| count(&faults.controls)).unwrap_or_default()
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    fn image(&self) -> Result<&Path> {
        self.image.as_deref().ok_or_else(|| Error::Unsupported {
            why: "the node's disk is a folder of the host".to_owned(),
            remedy: "give the node a disk of its own (NodeOptions::disk_bytes), which needs root"
                .to_owned(),
        })
    }

    /// An empty file system, whatever was there.
    fn format(&self) -> Result<()> {
        let image = self.image()?;
        let mut last = None;
        for program in ["mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"] {
            let made = Command::new(program)
                .args(["-q", "-F", "-b", "4096", "-m", "0"])
                // The image is empty: there is nothing to write zeros over.
                .args(["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"])
                .arg(image)
                .output();
            match made {
                Ok(done) if done.status.success() => return Ok(()),
                Ok(done) => {
                    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
                    return Err(io::Error::other(said)).doing(|| format!("run {program}"));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("three were tried"))
            .doing(|| "run mkfs.ext4 (package e2fsprogs)".to_owned())
    }

    fn prepare(&self) -> Result<()> {
        make_folder(&self.data())
    }

    /// Mounts it in the namespaces of `hand`, with what is wrong with it.
    pub(crate) fn mount(&self, hand: &Hand) -> Result<()> {
        let (Some(image), Some(faults)) = (&self.image, &self.faults) else {
            return self.mount_as_is(hand);
        };
        let mounted = faults.serve(image, hand).and_then(|served| self.mount_image(served, hand));
        if mounted.is_err() {
            let _ = faults.end(hand);
        }
        mounted
    }

    /// Likewise, as if nothing were.
    pub(crate) fn mount_as_is(&self, hand: &Hand) -> Result<()> {
        self.image.clone().map_or(Ok(()), |image| self.mount_image(image, hand))
    }

    fn mount_image(&self, image: PathBuf, hand: &Hand) -> Result<()> {
        let (place, data, ballast) = (self.place.clone(), self.data(), self.ballast());
        let mounted = hand.run(move || {
            let file = File::options().read(true).write(true).open(&image);
            let file = file.doing(|| format!("open {}", image.display()))?;
            let (device, path) =
                os::attach_loop(&file).doing(|| "attach a loop device".to_owned())?;
            let doing = || format!("mount {} at {}", path.display(), place.display());
            os::mount_ext4(&path, &place).doing(doing)?;
            // From here on the mount alone keeps the device.
            drop(device);
            make_folder(&data)?;
            // Left by a power cut while it was full.
            match fs::remove_file(ballast) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(error).doing(|| "empty the disk".to_owned())
                }
                _ => Ok(()),
            }
        });
        if mounted.is_err() {
            // Whatever of it was done.
            let place = self.place.clone();
            let _ = hand.run(move || os::unmount_lazily(&place));
        }
        mounted
    }

    /// Unmounts it. Fails if somebody still uses it, and takes it out of the mount table even then.
    pub(crate) fn unmount(&self, hand: &Hand) -> Result<()> {
        if self.image.is_none() {
            return Ok(());
        }
        let Some(faults) = &self.faults else { return unmount(hand, &self.place) };
        let unmounted = unmount(hand, &self.place);
        let ended = faults.end(hand);
        unmounted.and(ended)
    }

    /// Does something as if nothing were wrong with it: nobody waits for a slow disk whose power is cut.
    pub(crate) fn relieved<T>(&self, what: impl FnOnce() -> T) -> T {
        let Some(faults) = &self.faults else { return what() };
        let (slow, failing) = (&faults.controls.slow_nanos, &faults.controls.failing);
        let before = (slow.swap(0, Ordering::Relaxed), failing.swap(0, Ordering::Relaxed));
        let done = what();
        slow.store(before.0, Ordering::Relaxed);
        failing.store(before.1, Ordering::Relaxed);
        done
    }

    /// The power fails: what the disk was not made to keep by now is gone.
    pub(crate) fn cut_power(&self, hand: &Hand) -> Result<()> {
        if self.image.is_none() {
            return Ok(());
        }
        let place = self.place.clone();
        let doing = || format!("shut {} down", self.place.display());
        hand.run(move || os::shut_filesystem_down(&place)).doing(doing)
    }

    /// Nothing on it any more. Not while it is mounted.
    pub(crate) fn wipe(&self) -> Result<()> {
        if self.image.is_some() {
            return self.format();
        }
        let data = self.data();
        os::remove_folder(&data).doing(|| format!("empty {}", data.display()))?;
        self.prepare()
    }

    /// Copies the image. While it is mounted, nobody may write to it.
    pub(crate) fn copy_to(&self, mounted_by: Option<&Hand>, to: &Path) -> Result<()> {
        let image = self.image()?;
        if let Some(hand) = mounted_by {
            let place = self.place.clone();
            hand.run(move || os::sync_filesystem(&place)).doing(|| "sync a disk".to_owned())?;
        }
        os::copy_sparse(image, to).doing(|| format!("copy {}", image.display()))
    }

    /// Puts a copy in the image's place. Not while it is mounted.
    pub(crate) fn copy_from(&self, from: &Path) -> Result<()> {
        let image = self.image()?;
        os::copy_sparse(from, image).doing(|| format!("copy {}", from.display()))
    }

    /// Takes all the room that there is. Again, it takes what has become free since.
    pub(crate) fn fill(&self, hand: &Hand) -> Result<()> {
        self.image()?;
        let (place, ballast) = (self.place.clone(), self.ballast());
        hand.run(move || {
            let file = File::options().append(true).create(true).open(&ballast)?;
            let mut length = file.metadata()?.len();
            let mut step = os::free_bytes(&place)?;
            // Some of what is free is for the file's own map.
            while step >= 4096 {
                match os::grow(&file, length, step) {
                    Ok(()) => {
                        length += step;
                        step = os::free_bytes(&place)?;
                    }
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => step /= 2,
                    Err(error) => return Err(error),
                }
            }
            file.sync_all()
        })
        .doing(|| "fill a disk".to_owned())
    }

    /// Gives back what `fill` took.
    pub(crate) fn make_room(&self, hand: &Hand) -> Result<()> {
        self.image()?;
        let ballast = self.ballast();
        match hand.run(move || fs::remove_file(ballast)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.doing(|| "make room on a disk".to_owned()),
        }
    }
}
