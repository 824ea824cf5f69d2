//! An append-only file of checksummed records: what the broker's log and the store's ledger stand on.
//!
//! A record is its length and CRC-32 (little endian, four bytes each) and its bytes. Appending is not
//! durable before [`Journal::sync`]. A crash may tear the last records: recovery cuts the file behind
//! the last good one, and refuses a file in which a good record follows a bad one, for then it was
//! not a crash that damaged it.

use squall_probe::fs::{self, File};
use std::{
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

const HEADER: usize = 8;

/// Records above this are taken for damage, in bytes.
const MAX_RECORD: usize = 256 << 20;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    end: u64,
    unsynced: bool,
}

impl Journal {
    /// Opens `name` in `directory`, making both if need be, and returns its records.
    ///
    /// # Errors
    /// The disk's, and `InvalidData` when the damage is not that of a crash.
    pub fn open(directory: &Path, name: &str) -> io::Result<(Self, Vec<Vec<u8>>)> {
        fs::create_dir_all(directory)?;
        let path: PathBuf = directory.join(name);
        let mut file = fs::open(&path)?;
        let content = fs::read(&path)?;
        let (records, good) = scan(&content);
        if let Some(at) = find_good_after(&content, good) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{}: damaged at byte {good}, although a good record follows at byte {at}",
                    path.display()
                ),
            ));
        }
        if good < content.len() {
            file.set_len(good as u64)?;
        }
        // Whatever was read must be durable before anyone builds on it: it may come from a page cache
        // that a former life of this process never synced.
        file.sync_all()?;
        fs::sync_dir(directory)?;
        file.seek(SeekFrom::Start(good as u64))?;
        Ok((Self { file, end: good as u64, unsynced: false }, records))
    }

    /// Appends records; not durable yet.
    ///
    /// # Errors
    /// The disk's. The journal must not be used any more: close it and recover.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// Makes all that was appended durable.
    ///
    /// # Errors
    /// The disk's. The journal must not be used any more: close it and recover.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_all()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// Adds one record to a buffer that will be given to [`Journal::append`].
pub fn frame(buffer: &mut Vec<u8>, record: &[u8]) {
    // A record that a u32 cannot describe would be refused on recovery: callers' batches are bounded.
    buffer.extend(u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes());
    buffer.extend(crc32fast::hash(record).to_le_bytes());
    buffer.extend(record);
}

fn record_at(content: &[u8], at: usize) -> Option<&[u8]> {
    let rest = content.get(at..)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    let crc = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
    if length == 0 || length > MAX_RECORD {
        return None;
    }
    let record = rest.get(HEADER..HEADER + length)?;
    (crc32fast::hash(record) == crc).then_some(record)
}

/// The good records from the start, and where they end.
fn scan(content: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(record) = record_at(content, at) {
        at += HEADER + record.len();
        records.push(record.to_vec());
    }
    (records, at)
}

/// A good record behind damage, which a crash cannot leave: writes reach the disk in order.
fn find_good_after(content: &[u8], damaged: usize) -> Option<usize> {
    // By the lengths alone: the damaged record's own header says where the next would begin.
    let length = u32::from_le_bytes(*content.get(damaged..)?.first_chunk()?) as usize;
    let next = damaged.checked_add(HEADER)?.checked_add(length)?;
    record_at(content, next).map(|_| next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(directory: &Path) -> Vec<u8> {
        let (mut journal, records) = Journal::open(directory, "j").unwrap();
        assert!(records.is_empty());
        let mut buffer = Vec::new();
        for text in ["one", "two", "three"] {
            frame(&mut buffer, text.as_bytes());
        }
        journal.append(&buffer).unwrap();
        journal.sync().unwrap();
        std::fs::read(directory.join("j")).unwrap()
    }

    #[test]
    fn a_torn_tail_is_cut_at_every_length() {
        let folder = tempfile::tempdir().unwrap();
        let whole = filled(folder.path());
        let ends = [11, 22, whole.len()];
        for cut in 0..=whole.len() {
            std::fs::write(folder.path().join("j"), &whole[..cut]).unwrap();
            let (mut journal, records) = Journal::open(folder.path(), "j").unwrap();
            assert_eq!(records.len(), ends.iter().filter(|end| **end <= cut).count(), "cut {cut}");
            // What is appended next stands behind the last good record.
            let mut buffer = Vec::new();
            frame(&mut buffer, b"next");
            journal.append(&buffer).unwrap();
            let (_, again) = Journal::open(folder.path(), "j").unwrap();
            assert_eq!(again.len(), records.len() + 1);
            assert_eq!(again.last().unwrap(), b"next");
        }
    }

    #[test]
    fn damage_in_the_middle_is_no_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut content = filled(folder.path());
        content[HEADER] ^= 1;
        std::fs::write(folder.path().join("j"), &content).unwrap();
        let error = Journal::open(folder.path(), "j").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
