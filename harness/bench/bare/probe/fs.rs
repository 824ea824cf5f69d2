//! Files in memory, of the thread: the least that a disk can cost. Paths tell nodes apart.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Content = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static FILES: RefCell<BTreeMap<PathBuf, Content>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Debug)]
pub struct File {
    content: Content,
    at: usize,
}

/// Forgets all files of this thread.
pub fn wipe() {
    FILES.with_borrow_mut(BTreeMap::clear);
}

pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let content =
        FILES.with_borrow_mut(|files| files.entry(path.as_ref().to_owned()).or_default().clone());
    Ok(File { content, at: 0 })
}

pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let content = FILES.with_borrow(|files| files.get(path.as_ref()).cloned());
    let content = content.ok_or(io::ErrorKind::NotFound)?;
    Ok(lock(&content).clone())
}

pub fn create_dir_all(_path: impl AsRef<Path>) -> io::Result<()> {
    Ok(())
}

pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    FILES.with_borrow_mut(|files| {
        let content = files.remove(from.as_ref()).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.as_ref().to_owned(), content);
        Ok(())
    })
}

pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let gone = FILES.with_borrow_mut(|files| files.remove(path.as_ref()));
    gone.map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

pub fn list(path: impl AsRef<Path>) -> io::Result<Vec<String>> {
    let inside = |file: &PathBuf| {
        let name = file.strip_prefix(path.as_ref()).ok()?;
        Some(name.to_string_lossy().into_owned())
    };
    Ok(FILES.with_borrow(|files| files.keys().filter_map(inside).collect()))
}

pub fn sync_dir(_path: impl AsRef<Path>) -> io::Result<()> {
    Ok(())
}

fn lock(content: &Content) -> MutexGuard<'_, Vec<u8>> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

impl File {
    pub fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    pub fn set_len(&self, length: u64) -> io::Result<()> {
        lock(&self.content).resize(length as usize, 0);
        Ok(())
    }

    pub fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.content).len() as u64)
    }

    pub fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|length| length == 0)
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let content = lock(&self.content);
        let rest = content.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut content = lock(&self.content);
        let end = self.at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[self.at..end].copy_from_slice(bytes);
        self.at = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: usize, by: i64| base.checked_add_signed(by as isize);
        let at = match to {
            SeekFrom::Start(at) => Some(at as usize),
            SeekFrom::Current(by) => from(self.at, by),
            SeekFrom::End(by) => from(lock(&self.content).len(), by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at as u64)
    }
}
