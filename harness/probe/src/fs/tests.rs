//! One program over std's files, over the probe's in production, and over those of a simulated disk: it is the same text
//! but for the path of the module, and it sees the same. And the same for tokio's.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use crate::{
    record::NodeId,
    sim::{self, Names, tests::runs_here},
};
use std::path::{Path, PathBuf};

/// A simulated machine, on which code runs.
fn on_a_node<R>(act: impl FnOnce() -> R) -> R {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let _inside = runtime.enter();
    sim::install(1, &["a".to_owned()], Names::default(), Box::new(|_| ()));
    sim::with(|world| runs_here(world, NodeId(0)));
    let done = act();
    let _ = sim::uninstall();
    done
}

/// A folder of the real disk that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("squall-probe-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

macro_rules! blocking {
    ($fs:path) => {{
        use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
        use $fs as fs;
        |at: &Path| {
            let mut seen: Vec<String> = Vec::new();
            let mut note = |what: &dyn std::fmt::Debug| seen.push(format!("{what:?}"));
            // Directories.
            note(&fs::create_dir(at.join("a/b")).unwrap_err().kind());
            fs::create_dir_all(at.join("a/b")).unwrap();
            fs::create_dir_all(at.join("a/b")).unwrap();
            note(&fs::create_dir(at.join("a")).unwrap_err().kind());
            note(&fs::File::create(at.join("none/file")).unwrap_err().kind());
            note(&fs::File::open(at.join("a/none")).unwrap_err().kind());
            note(&fs::write(at.join("a/b"), "x").unwrap_err().kind());
            // Writing and reading.
            let path = at.join("a/one");
            let mut file = fs::File::create(&path).unwrap();
            file.write_all(b"hello world").unwrap();
            note(&file.read(&mut [0; 4]).is_err());
            file.sync_all().unwrap();
            note(&file.metadata().unwrap().len());
            drop(file);
            let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            note(&file.seek(SeekFrom::End(-5)).unwrap());
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            note(&text);
            file.seek(SeekFrom::Start(6)).unwrap();
            file.write_all(b"W").unwrap();
            let mut other = file.try_clone().unwrap();
            other.write_all(b"O").unwrap();
            note(&file.stream_position().unwrap());
            file.set_len(8).unwrap();
            file.sync_data().unwrap();
            note(&fs::read_to_string(&path).unwrap());
            #[cfg(unix)]
            {
                use std::os::unix::fs::FileExt as _;
                file.write_all_at(b"ab", 10).unwrap();
                let mut bytes = [9; 3];
                file.read_exact_at(&mut bytes, 9).unwrap();
                note(&bytes);
            }
            // Appending, making anew, and what is refused.
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(b"!").unwrap();
            note(&fs::read(&path).unwrap());
            note(&fs::File::create_new(&path).unwrap_err().kind());
            note(&fs::OpenOptions::new().open(&path).unwrap_err().kind());
            note(&fs::OpenOptions::new().truncate(true).read(true).open(&path).unwrap_err().kind());
            fs::write(&path, "short").unwrap();
            note(&fs::copy(&path, at.join("a/two")).unwrap());
            fs::hard_link(&path, at.join("a/three")).unwrap();
            fs::write(&path, "changed").unwrap();
            note(&fs::read_to_string(at.join("a/three")).unwrap());
            // What is there.
            let list = |directory: &Path| {
                let mut found: Vec<_> = fs::read_dir(directory)
                    .unwrap()
                    .map(|entry| {
                        let entry = entry.unwrap();
                        let kind = entry.file_type().unwrap();
                        let known = entry.metadata().unwrap();
                        assert_eq!(entry.path(), directory.join(entry.file_name()));
                        let length = if known.is_file() { known.len() } else { 0 };
                        (entry.file_name(), kind.is_dir(), length)
                    })
                    .collect();
                found.sort();
                found
            };
            note(&list(&at.join("a")));
            note(&fs::read_dir(at.join("none")).unwrap_err().kind());
            note(&fs::read_dir(&path).unwrap_err().kind());
            note(&fs::metadata(at.join("a")).unwrap().is_dir());
            note(&fs::metadata(at.join("none")).unwrap_err().kind());
            note(&(fs::exists(&path).unwrap(), fs::exists(at.join("none")).unwrap()));
            note(&fs::canonicalize(at.join("a/../a/./one")).unwrap().ends_with("a/one"));
            note(&fs::symlink_metadata(&path).unwrap().file_type().is_symlink());
            // Moving and removing.
            fs::rename(at.join("a/two"), &path).unwrap();
            note(&fs::read_to_string(&path).unwrap());
            note(&fs::rename(at.join("none"), &path).unwrap_err().kind());
            fs::write(at.join("a/b/deep"), "deep").unwrap();
            note(&fs::rename(&path, at.join("a/b")).unwrap_err().kind());
            fs::rename(at.join("a"), at.join("moved")).unwrap();
            note(&fs::read_to_string(at.join("moved/b/deep")).unwrap());
            note(&fs::read(at.join("a/b/deep")).unwrap_err().kind());
            note(&fs::remove_dir(at.join("moved/b")).unwrap_err().kind());
            note(&fs::remove_file(at.join("moved/none")).unwrap_err().kind());
            fs::remove_file(at.join("moved/b/deep")).unwrap();
            fs::remove_dir(at.join("moved/b")).unwrap();
            note(&list(&at.join("moved")));
            // A directory is opened to be synced.
            fs::File::open(at.join("moved")).unwrap().sync_all().unwrap();
            note(&fs::File::open(at.join("moved")).unwrap().read(&mut [0; 1]).unwrap_err().kind());
            fs::remove_dir_all(at.join("moved")).unwrap();
            note(&list(at));
            seen
        }
    }};
}

#[test]
fn a_program_for_stds_files_sees_the_same_in_all_three_worlds() {
    let folder = Folder::new("std");
    let stds = blocking!(std::fs)(&folder.0);
    assert_eq!(blocking!(crate::fs)(&folder.0), stds, "in production they are std's");
    let simulated = on_a_node(|| {
        crate::fs::create_dir("/tmp/x").unwrap();
        blocking!(crate::fs)(Path::new("/tmp/x"))
    });
    assert_eq!(simulated, stds);
    assert_eq!(stds.len(), 36);
}

macro_rules! asynchronous {
    ($fs:path) => {{
        use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
        use $fs as fs;
        async |at: &Path| {
            let mut seen: Vec<String> = Vec::new();
            let mut note = |what: &dyn std::fmt::Debug| seen.push(format!("{what:?}"));
            fs::create_dir_all(at.join("a/b")).await.unwrap();
            let path = at.join("a/one");
            let mut file = fs::File::create(&path).await.unwrap();
            file.write_all(b"hello world").await.unwrap();
            file.flush().await.unwrap();
            file.sync_all().await.unwrap();
            note(&file.metadata().await.unwrap().len());
            let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).await.unwrap();
            note(&file.seek(std::io::SeekFrom::Start(6)).await.unwrap());
            let mut text = String::new();
            file.read_to_string(&mut text).await.unwrap();
            note(&text);
            file.rewind().await.unwrap();
            file.write_all(b"H").await.unwrap();
            file.set_len(7).await.unwrap();
            file.sync_data().await.unwrap();
            drop(file);
            note(&fs::read_to_string(&path).await.unwrap());
            fs::write(at.join("a/two"), "2").await.unwrap();
            note(&fs::copy(&path, at.join("a/three")).await.unwrap());
            fs::rename(at.join("a/three"), at.join("a/b/three")).await.unwrap();
            fs::remove_file(at.join("a/two")).await.unwrap();
            let mut entries = fs::read_dir(at.join("a")).await.unwrap();
            let mut found = Vec::new();
            while let Some(entry) = entries.next_entry().await.unwrap() {
                let known = entry.metadata().await.unwrap();
                let kind = entry.file_type().await.unwrap();
                assert_eq!(entry.path(), at.join("a").join(entry.file_name()));
                found.push((entry.file_name(), known.is_file(), kind.is_dir()));
            }
            found.sort();
            note(&found);
            note(&fs::try_exists(at.join("a/two")).await.unwrap());
            note(&fs::metadata(at.join("a")).await.unwrap().is_dir());
            note(&fs::read(at.join("none")).await.unwrap_err().kind());
            note(&fs::File::create_new(&path).await.unwrap_err().kind());
            note(&fs::remove_dir(at.join("a")).await.unwrap_err().kind());
            fs::remove_dir_all(at.join("a")).await.unwrap();
            note(&fs::read_dir(at).await.unwrap().next_entry().await.unwrap().is_none());
            seen
        }
    }};
}

#[test]
fn a_program_for_tokios_files_sees_the_same_in_all_three_worlds() {
    let folder = Folder::new("tokio");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tokios = runtime.block_on(asynchronous!(tokio::fs)(&folder.0));
    let ours = runtime.block_on(asynchronous!(crate::fs::tokio)(&folder.0));
    assert_eq!(ours, tokios, "in production they are tokio's");
    let simulated = on_a_node(|| {
        crate::fs::create_dir("/tmp/x").unwrap();
        let run = asynchronous!(crate::fs::tokio);
        let mut run = Box::pin(run(Path::new("/tmp/x")));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // The simulated disk answers at once.
        match run.as_mut().poll(&mut context) {
            std::task::Poll::Ready(seen) => seen,
            std::task::Poll::Pending => panic!("it waits"),
        }
    });
    assert_eq!(simulated, tokios);
    assert_eq!(tokios.len(), 12);
}

#[test]
fn relative_paths_begin_at_the_root() {
    on_a_node(|| {
        crate::fs::write("note", "x").unwrap();
        assert_eq!(crate::fs::read("/tmp/.././note").unwrap(), b"x");
        let entries = crate::fs::read_dir(".").unwrap();
        let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(paths, [Path::new("./note")]);
        assert_eq!(crate::fs::canonicalize("note").unwrap(), Path::new("/note"));
    });
}

#[test]
fn a_file_knows_when_it_was_changed_and_directories_survive_a_power_cut() {
    on_a_node(|| {
        sim::with(|world| world.set_epoch(std::time::Duration::from_secs(100)));
        crate::fs::create_dir_all("/data/a").unwrap();
        crate::fs::write("/data/a/file", "x").unwrap();
        let modified = crate::fs::metadata("/data/a/file").unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 100);
        crate::fs::rename("/data/a", "/data/b").unwrap();
        sim::with(|world| {
            world.cut_power(NodeId(0));
            world.node_stops(NodeId(0));
            world.node_returns(NodeId(0));
        });
        assert!(crate::fs::metadata("/data/b").unwrap().is_dir());
        assert!(crate::fs::metadata("/data/a").is_err());
    });
}
