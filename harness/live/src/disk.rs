//! A node's disk: an ext4 image of its own, mounted in the node's mount table and nowhere else; or, without a size, a plain
//! folder, which has no power to lose.
//!
//! What a node stores is in the folder `data` of the mounted image, so that neither `lost+found` nor what fills the disk is
//! in the way of systems that take a folder's content for their own.

use crate::{
    error::{Doing as _, Error, Result},
    hand::Hand,
    os,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// How long files may stay open after the last process that had them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Below this mkfs.ext4 makes no journal.
pub(crate) const SMALLEST: u64 = 16 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Disk {
    /// None: a plain folder.
    image: Option<PathBuf>,
    /// Where the image is mounted.
    place: PathBuf,
}

impl Disk {
    /// Makes the disk in a folder of the host, empty.
    pub(crate) fn create(folder: &Path, bytes: Option<u64>) -> Result<Self> {
        let place = folder.join("disk");
        fs::create_dir(&place).doing(|| format!("make {}", place.display()))?;
        let Some(bytes) = bytes else {
            let made = Self { image: None, place };
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
        let made = Self { image: Some(image), place };
        made.format()?;
        Ok(made)
    }

    /// The folder for what the node stores.
    pub(crate) fn data(&self) -> PathBuf {
        self.place.join("data")
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
        let data = self.data();
        match fs::create_dir(&data) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(error).doing(|| format!("make {}", data.display()))
            }
            _ => Ok(()),
        }
    }

    /// Mounts it in the namespaces of `hand`.
    pub(crate) fn mount(&self, hand: &Hand) -> Result<()> {
        let Some(image) = self.image.clone() else { return Ok(()) };
        let disk = self.clone();
        hand.run(move || {
            let file = File::options().read(true).write(true).open(&image);
            let file = file.doing(|| format!("open {}", image.display()))?;
            let (device, path) =
                os::attach_loop(&file).doing(|| "attach a loop device".to_owned())?;
            let doing = || format!("mount {} at {}", path.display(), disk.place.display());
            os::mount_ext4(&path, &disk.place).doing(doing)?;
            // From here on the mount alone keeps the device.
            drop(device);
            disk.prepare()?;
            // Left by a power cut while it was full.
            match fs::remove_file(disk.ballast()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(error).doing(|| "empty the disk".to_owned())
                }
                _ => Ok(()),
            }
        })
    }

    /// Unmounts it. Fails if somebody still uses it, and takes it out of the mount table even then.
    pub(crate) fn unmount(&self, hand: &Hand) -> Result<()> {
        if self.image.is_none() {
            return Ok(());
        }
        let place = self.place.clone();
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
