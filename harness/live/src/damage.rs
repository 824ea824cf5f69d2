//! Damage to files at rest: bits that flipped, ends that are missing.

use crate::error::{Doing as _, Result};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// What was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, from the folder on the node's disk on.
    pub file: PathBuf,
    /// What is wrong with it now.
    pub kind: DamageKind,
}

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// A bit is the other way round.
    Flipped {
        /// The byte, from the file's begin on.
        byte: u64,
        /// The bit in it, 0 to 7, the lowest first.
        bit: u8,
    },
    /// The end is missing.
    Truncated {
        /// How many bytes the file had.
        from: u64,
        /// How many it has.
        to: u64,
    },
}

/// The files in a folder that are not empty and that `choose` wants, by name from there on, with their lengths.
fn files(folder: &Path, choose: &dyn Fn(&Path) -> bool) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let list = |folder: &Path| -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        fs::read_dir(folder)?
            .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?))))
            .collect()
    };
    while let Some(next) = folders.pop() {
        for (path, is) in list(&next).doing(|| format!("list {}", next.display()))? {
            let name = path.strip_prefix(folder).expect("it was found there");
            if is.is_dir() {
                folders.push(path);
            } else if is.is_file() && is.len() > 0 && choose(name) {
                found.push((name.to_owned(), is.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Flips `count` bits, each at a place drawn from all bytes of all chosen files.
pub(crate) fn flip_bits(
    folder: &Path,
    seed: u64,
    count: u32,
    choose: &dyn Fn(&Path) -> bool,
) -> Result<Vec<Damage>> {
    let files = files(folder, choose)?;
    let all: u64 = files.iter().map(|(_, length)| length).sum();
    if all == 0 {
        return Ok(Vec::new());
    }
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    let mut done = Vec::new();
    for _ in 0..count {
        let mut byte = draws.random_range(0..all);
        let bit = draws.random_range(0..8_u8);
        let mut at = files.iter();
        let file = loop {
            let (file, length) = at.next().expect("the draw is below the sum of the lengths");
            if byte < *length {
                break file;
            }
            byte -= length;
        };
        flip(&folder.join(file), byte, bit).doing(|| format!("damage {}", file.display()))?;
        done.push(Damage { file: file.clone(), kind: DamageKind::Flipped { byte, bit } });
    }
    Ok(done)
}

fn flip(path: &Path, byte: u64, bit: u8) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut value = [0];
    file.read_exact_at(&mut value, byte)?;
    file.write_all_at(&[value[0] ^ (1 << bit)], byte)?;
    file.sync_all()
}

/// Takes up to `bytes` from the end of one of the chosen files, drawn. None if all of them are empty.
pub(crate) fn truncate(
    folder: &Path,
    seed: u64,
    bytes: u64,
    choose: &dyn Fn(&Path) -> bool,
) -> Result<Option<Damage>> {
    let mut files = files(folder, choose)?;
    if files.is_empty() {
        return Ok(None);
    }
    let drawn = ChaCha8Rng::seed_from_u64(seed).random_range(0..files.len());
    let (file, from) = files.swap_remove(drawn);
    let to = from.saturating_sub(bytes);
    let cut = || {
        let open = File::options().write(true).open(folder.join(&file))?;
        open.set_len(to)?;
        open.sync_all()
    };
    cut().doing(|| format!("damage {}", file.display()))?;
    Ok(Some(Damage { file, kind: DamageKind::Truncated { from, to } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        fs::write(folder.path().join("log/1"), [0; 100]).unwrap();
        fs::write(folder.path().join("log/2"), [0; 300]).unwrap();
        fs::write(folder.path().join("empty"), []).unwrap();
        folder
    }

    #[test]
    fn what_is_told_of_flips_is_what_was_done() {
        let folder = folder();
        let done = flip_bits(folder.path(), 7, 3, &|_| true).unwrap();
        assert_eq!(done.len(), 3);
        for Damage { file, kind } in &done {
            let DamageKind::Flipped { byte, bit } = *kind else { panic!("{kind:?}") };
            let bytes = fs::read(folder.path().join(file)).unwrap();
            assert_ne!(bytes[byte as usize] & (1 << bit), 0, "{file:?} {byte} {bit}");
        }
        let ones = |name| -> u32 {
            fs::read(folder.path().join(name)).unwrap().iter().map(|byte| byte.count_ones()).sum()
        };
        assert_eq!(ones("log/1") + ones("log/2"), 3);
    }

    #[test]
    fn a_seed_draws_the_same_again_and_only_from_what_is_chosen() {
        let only = |path: &Path| path.ends_with("2");
        let [one, two] =
            [folder(), folder()].map(|folder| flip_bits(folder.path(), 1, 5, &only).unwrap());
        assert_eq!(one, two);
        assert!(one.iter().all(|damage| damage.file == Path::new("log/2")), "{one:?}");
    }

    #[test]
    fn a_file_loses_its_end() {
        let folder = folder();
        let only = |path: &Path| path.ends_with("1");
        let damage = truncate(folder.path(), 1, 30, &only).unwrap().unwrap();
        assert_eq!(damage.kind, DamageKind::Truncated { from: 100, to: 70 });
        assert_eq!(fs::metadata(folder.path().join("log/1")).unwrap().len(), 70);
        assert_eq!(truncate(folder.path(), 1, 30, &|path| path.ends_with("empty")).unwrap(), None);
    }
}
