//! An append-only file of checksummed records: what the broker's log and the store's ledger stand on.
//!
//! A record is its length and CRC-32 (little endian, four bytes each) and its bytes. Appending is not
//! durable before [`Journal::sync`]. A crash may leave any part of what was not synced, later records without
//! earlier ones, too: recovery cuts the file behind the last good record before the first bad one. A second,
//! tiny file, which is there before the first record, says how far the journal was synced: one that is not good so far, or
//! lacks that file, was not damaged by a crash. It is refused, and whoever has replicas fetches it from them (Alagappan et al., Protocol-Aware Recovery, FAST 2018).

use squall_probe::fs::{self, File};
use std::{
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

const HEADER: usize = 8;

/// Records above this are taken for damage, in bytes.
const MAX_RECORD: usize = 256 << 20;

/// How carefully files are written and read. By default as this module's head says; each field leaves one
/// precaution out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a switch of its own.
pub struct Care {
    /// Syncing does nothing.
    pub never_synced: bool,
    /// A failed sync is tried again, and the second success believed.
    pub fsync_retried: bool,
    /// The directory, and with it a new file's name, is not synced.
    pub dir_not_synced: bool,
    /// Checksums are not looked at.
    pub crc_unchecked: bool,
    /// All behind the first bad record is dropped.
    pub torn_tail_kept: bool,
    /// A full disk is no error.
    pub enospc_is_success: bool,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Where the next record goes, in bytes.
    end: u64,
    /// Something was appended since the last sync.
    unsynced: bool,
    mark: EndMark,
    /// How many of the records that were found had been marked as synced.
    marked: usize,
    /// How often it had been synced when it was opened.
    found_age: u64,
    care: Care,
}

/// How far a journal was synced: two slots that are written by turns, so that a torn one does no harm.
#[derive(Debug)]
struct EndMark {
    file: File,
    turn: u64,
}

/// A slot says the same this often, each time with a checksum: a rotten slot that passed for a torn one would hide that its
/// records had been synced, and whoever was told of them be told again. With one bit of each mended, five that rot hide
/// nothing.
const COPIES: usize = 3;

/// Bytes of a copy.
const COPY: usize = 20;

const SLOT: usize = COPIES * COPY;

impl EndMark {
    fn copy(turn: u64, end: u64) -> [u8; COPY] {
        let mut copy = [0; COPY];
        copy[..8].copy_from_slice(&turn.to_le_bytes());
        copy[8..16].copy_from_slice(&end.to_le_bytes());
        let crc = crc32fast::hash(&copy[..16]);
        copy[16..].copy_from_slice(&crc.to_le_bytes());
        copy
    }

    fn slot(turn: u64, end: u64) -> Vec<u8> {
        Self::copy(turn, end).repeat(COPIES)
    }

    /// Turn and end of the newest copy that is good, or was before one bit of it rotted. None if the file has lost a part:
    /// that may have been the newer slot.
    fn newest(content: &[u8]) -> Option<(u64, u64)> {
        if content.len() != 2 * SLOT {
            return None;
        }
        let copies = content.chunks_exact(COPY).filter_map(|copy| copy.try_into().ok());
        copies.filter_map(|copy| Self::good(copy).or_else(|| Self::mended(copy))).max()
    }

    fn good(copy: &[u8; COPY]) -> Option<(u64, u64)> {
        let turn = u64::from_le_bytes(*copy.first_chunk()?);
        let end = u64::from_le_bytes(*copy.get(8..)?.first_chunk()?);
        (*copy == Self::copy(turn, end)).then_some((turn, end))
    }

    fn mended(copy: &[u8; COPY]) -> Option<(u64, u64)> {
        (0..COPY * 8).find_map(|bit| {
            let mut copy = *copy;
            copy[bit / 8] ^= 1 << (bit % 8);
            Self::good(&copy)
        })
    }

    /// Says that nothing was synced. A crash leaves the whole file or none, so that an empty one is damaged.
    fn create(directory: &Path, name: &str) -> io::Result<()> {
        let new = directory.join(format!("{name}.new"));
        let mut file = fs::open(&new)?;
        file.set_len(0)?;
        file.write_all(&Self::slot(0, 0).repeat(2))?;
        file.sync_all()?;
        fs::rename(new, directory.join(name))
    }

    /// One that says nothing yet, whatever is in the file.
    fn blank(file: File, turn: u64) -> io::Result<Self> {
        file.set_len(0)?;
        file.set_len(2 * SLOT as u64)?;
        Ok(Self { file, turn })
    }

    fn write(&mut self, end: u64) -> io::Result<()> {
        self.turn += 1;
        self.file.seek(SeekFrom::Start((self.turn % 2) * SLOT as u64))?;
        self.file.write_all(&Self::slot(self.turn, end))?;
        self.file.sync_all()
    }
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}

impl Journal {
    /// Opens `name` in `directory`, making both if need be, and returns its records.
    ///
    /// # Errors
    /// The disk's, and `InvalidData` when the damage is not that of a crash.
    pub fn open(directory: &Path, name: &str, care: &Care) -> io::Result<(Self, Vec<Vec<u8>>)> {
        fs::create_dir_all(directory)?;
        let path: PathBuf = directory.join(name);
        let mark_name = format!("{name}.end");
        let mark_path = directory.join(&mark_name);
        let mut file = fs::open(&path)?;
        let content = fs::read(&path)?;
        if content.is_empty() && Self::is_missing(directory, &mark_name) {
            EndMark::create(directory, &mark_name)?;
        }
        let mark_file = fs::open(&mark_path)?;
        let (records, good) = scan(&content, care.crc_unchecked);
        let mark = EndMark::newest(&fs::read(&mark_path)?);
        let (turn, synced) = mark.unwrap_or((0, 0));
        if !care.torn_tail_kept {
            // Behind what was synced any records may be missing. If nobody knows what was, that cannot be told from
            // damage, nor whether anybody was told of what is there, or of what was.
            if mark.is_none() {
                let what = format!("{} bytes, and nothing says how much was synced", content.len());
                return Err(damaged(&path, &what));
            }
            if (good as u64) < synced {
                let what = format!("good up to byte {good}, and it was synced up to byte {synced}");
                return Err(damaged(&path, &what));
            }
        }
        if good < content.len() {
            squall_probe::signal("tail_truncated");
            file.set_len(good as u64)?;
        }
        // Whatever was read must be durable before anyone builds on it: it may come from a page cache that a
        // former life of this process never synced, or failed to: then its pages count as clean, are on no disk,
        // and a sync alone does not save them. So it is written again.
        let tail = usize::try_from(synced).map_or(good, |synced| synced.min(good));
        file.seek(SeekFrom::Start(tail as u64))?;
        file.write_all(&content[tail..good])?;
        file.sync_all()?;
        let mut mark = EndMark { file: mark_file, turn };
        mark.write(good as u64)?;
        if !care.dir_not_synced {
            fs::sync_dir(directory)?;
        }
        file.seek(SeekFrom::Start(good as u64))?;
        let mut end = 0;
        let ends = records.iter().map(|record| {
            end += (HEADER + record.len()) as u64;
            end
        });
        let marked = ends.take_while(|end| *end <= synced).count();
        let journal = Self {
            file,
            end: good as u64,
            unsynced: false,
            mark,
            marked,
            found_age: turn,
            care: *care,
        };
        Ok((journal, records))
    }

    /// Whatever `name` holds is not to be believed any more, also after a crash: opening refuses it until it was
    /// replaced.
    ///
    /// # Errors
    /// The disk's.
    pub fn condemn(directory: &Path, name: &str) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        fs::open(directory.join(name))?;
        let path = directory.join(format!("{name}.end"));
        let file = fs::open(&path)?;
        let mut mark = match EndMark::newest(&fs::read(&path)?) {
            Some((turn, _)) => EndMark { file, turn },
            // What is left of it must not count beside what it says now.
            None => EndMark::blank(file, 0)?,
        };
        mark.write(u64::MAX)?;
        fs::sync_dir(directory)
    }

    /// Puts a journal of one record in the place of `name`, whatever was there, as if it had been synced `age` times. In
    /// a crash either may be found, or an empty one, with the mark of either: whoever must not take the old one for the
    /// new condemns it first.
    ///
    /// # Errors
    /// The disk's; then the old one is still there.
    pub fn replace(directory: &Path, name: &str, record: &[u8], age: u64) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let (new, new_mark) =
            (directory.join(format!("{name}.new")), directory.join(format!("{name}.end.new")));
        let mut bytes = Vec::new();
        frame(&mut bytes, record);
        let mut file = fs::open(&new)?;
        file.set_len(0)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        let mut mark = EndMark::blank(fs::open(&new_mark)?, age)?;
        mark.write(bytes.len() as u64)?;
        // The old mark beside the new journal is harmless: at worst it is refused once more. The new mark beside
        // the old journal could pass off a damaged one as whole.
        fs::rename(new, directory.join(name))?;
        fs::sync_dir(directory)?;
        fs::rename(new_mark, directory.join(format!("{name}.end")))?;
        fs::sync_dir(directory)
    }

    /// Whether there is no `name` in `directory`.
    #[must_use]
    pub fn is_missing(directory: &Path, name: &str) -> bool {
        fs::list(directory).is_ok_and(|names| !names.iter().any(|known| known == name))
    }

    /// How often it has been synced in all its lives: this never becomes less, unless the disk goes back in time.
    #[must_use]
    pub fn age(&self) -> u64 {
        self.mark.turn
    }

    /// That number, as it was found on opening.
    #[must_use]
    pub fn found_age(&self) -> u64 {
        self.found_age
    }

    /// How many of the records that were found on opening had been synced by a call that returned. Nobody can have
    /// been told of the others.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.marked
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
        match self.file.write_all(bytes) {
            Err(error) if self.care.enospc_is_success && is_full(&error) => return Ok(()),
            written => written?,
        }
        self.end += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// Makes all that was appended durable.
    ///
    /// # Errors
    /// The disk's. The journal must not be used any more: close it and recover.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced && !self.care.never_synced {
            match self.file.sync_all().and_then(|()| self.mark.write(self.end)) {
                Err(error) if self.care.enospc_is_success && is_full(&error) => {}
                Err(_) if self.care.fsync_retried => {
                    // What the first sync should have saved is gone, and this one has nothing to do.
                    let _ = self.file.sync_all();
                }
                synced => synced?,
            }
            self.unsynced = false;
        }
        Ok(())
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
}

/// Adds one record to a buffer that will be given to [`Journal::append`].
pub fn frame(buffer: &mut Vec<u8>, record: &[u8]) {
    debug_assert!(record.len() <= MAX_RECORD, "recovery would take it for damage");
    let length = u32::try_from(record.len()).expect("callers bound their batches by far less");
    buffer.extend(length.to_le_bytes());
    buffer.extend(crc32fast::hash(record).to_le_bytes());
    buffer.extend(record);
}

fn record_at(content: &[u8], at: usize, unchecked: bool) -> Option<&[u8]> {
    let rest = content.get(at..)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    let crc = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
    if length == 0 || length > MAX_RECORD {
        return None;
    }
    let record = rest.get(HEADER..HEADER + length)?;
    (unchecked || crc32fast::hash(record) == crc).then_some(record)
}

/// The good records from the start, and where they end.
fn scan(content: &[u8], unchecked: bool) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(record) = record_at(content, at, unchecked) {
        at += HEADER + record.len();
        records.push(record.to_vec());
    }
    (records, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(directory: &Path) -> Vec<u8> {
        let (mut journal, records) = Journal::open(directory, "j", &Care::default()).unwrap();
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
        Journal::open(folder.path(), "j", &Care::default()).unwrap();
        let mark = std::fs::read(folder.path().join("j.end")).unwrap();
        let whole = filled(folder.path());
        let ends = [11, 22, whole.len()];
        for cut in 0..=whole.len() {
            std::fs::write(folder.path().join("j"), &whole[..cut]).unwrap();
            // The crash came before the sync was marked.
            std::fs::write(folder.path().join("j.end"), &mark).unwrap();
            let (mut journal, records) =
                Journal::open(folder.path(), "j", &Care::default()).unwrap();
            assert_eq!(records.len(), ends.iter().filter(|end| **end <= cut).count(), "cut {cut}");
            // What is appended next stands behind the last good record.
            let mut buffer = Vec::new();
            frame(&mut buffer, b"next");
            journal.append(&buffer).unwrap();
            let (_, again) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
            assert_eq!(again.len(), records.len() + 1);
            assert_eq!(again.last().unwrap(), b"next");
        }
    }

    #[test]
    fn unsynced_records_may_be_missing_before_others_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let whole = filled(folder.path());
        let (mut journal, _) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
        let mut buffer = Vec::new();
        for text in ["four", "five"] {
            frame(&mut buffer, text.as_bytes());
        }
        journal.append(&buffer).unwrap();
        drop(journal);
        // The power fails: of the unsynced records the first lacks its content, and the second is whole.
        let mut content = std::fs::read(folder.path().join("j")).unwrap();
        content[whole.len() + HEADER..whole.len() + HEADER + 4].fill(0);
        std::fs::write(folder.path().join("j"), &content).unwrap();
        let (_, records) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
        assert_eq!(records, [&b"one"[..], b"two", b"three"]);
    }

    #[test]
    fn a_journal_shorter_than_it_was_synced_is_damaged_and_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let whole = filled(folder.path());
        std::fs::write(folder.path().join("j"), &whole[..whole.len() - 1]).unwrap();
        let error = Journal::open(folder.path(), "j", &Care::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        Journal::replace(folder.path(), "j", b"copied", 0).unwrap();
        let (_, records) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
        assert_eq!(records, [b"copied"]);
    }

    #[test]
    fn a_journal_of_which_nobody_knows_how_far_it_was_synced_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        std::fs::write(folder.path().join("j.end"), []).unwrap();
        let error = Journal::open(folder.path(), "j", &Care::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        // An empty one is not new, if the file that says so is there.
        std::fs::write(folder.path().join("j"), []).unwrap();
        assert!(Journal::open(folder.path(), "j", &Care::default()).is_err());
        std::fs::remove_file(folder.path().join("j.end")).unwrap();
        assert_eq!(Journal::open(folder.path(), "j", &Care::default()).unwrap().1.len(), 0);
    }

    #[test]
    fn five_bits_that_rot_in_the_mark_hide_nothing() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let mark = std::fs::read(folder.path().join("j.end")).unwrap();
        let bits = mark.len() * 8;
        for first in 0..bits {
            // Near each other and far from each other, in the slot that counts and in the other one.
            for step in [1, 7, COPY * 4, COPY * 8 + 1] {
                let mut rotten = mark.clone();
                for bit in (0..5).map(|nth| (first + nth * step) % bits) {
                    rotten[bit / 8] ^= 1 << (bit % 8);
                }
                assert_eq!(EndMark::newest(&rotten), EndMark::newest(&mark), "{first} {step}");
            }
        }
        std::fs::write(folder.path().join("j.end"), &mark).unwrap();
        let (journal, _) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
        assert_eq!(journal.marked(), 3);
        // A slot that was never written is none.
        assert_eq!(EndMark::newest(&[0; 2 * SLOT]), None);
    }

    #[test]
    fn a_mark_of_which_a_part_is_missing_does_not_say_how_much_was_synced() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let file = folder.path().join("j.end");
        // Of one and of two syncs, of a new journal and of one that was replaced: either slot may be the newer.
        for age in 0..4 {
            Journal::replace(folder.path(), "j", b"copied", age).unwrap();
            let mark = std::fs::read(&file).unwrap();
            assert_eq!(EndMark::newest(&mark).unwrap().0, age + 1);
            for length in 0..mark.len() {
                std::fs::write(&file, &mark[..length]).unwrap();
                let error = Journal::open(folder.path(), "j", &Care::default()).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length} bytes");
                Journal::condemn(folder.path(), "j").unwrap();
                assert!(Journal::open(folder.path(), "j", &Care::default()).is_err());
            }
        }
        let new = tempfile::tempdir().unwrap();
        Journal::open(new.path(), "j", &Care::default()).unwrap();
        assert_eq!(std::fs::read(new.path().join("j.end")).unwrap().len(), 2 * SLOT);
    }

    #[test]
    fn a_condemned_journal_is_refused_until_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        Journal::condemn(folder.path(), "j").unwrap();
        for _ in 0..2 {
            let error = Journal::open(folder.path(), "j", &Care::default()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        // The records are there already, and their mark is not: a crash between the two.
        let mark = std::fs::read(folder.path().join("j.end")).unwrap();
        Journal::replace(folder.path(), "j", b"copied", 0).unwrap();
        std::fs::write(folder.path().join("j.end"), mark).unwrap();
        assert!(Journal::open(folder.path(), "j", &Care::default()).is_err());
        Journal::replace(folder.path(), "j", b"copied", 0).unwrap();
        let (_, records) = Journal::open(folder.path(), "j", &Care::default()).unwrap();
        assert_eq!(records, [b"copied"]);
    }

    #[test]
    fn damage_in_the_middle_is_no_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut content = filled(folder.path());
        content[HEADER] ^= 1;
        std::fs::write(folder.path().join("j"), &content).unwrap();
        let error = Journal::open(folder.path(), "j", &Care::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
