//! Programs as they are started, and what they became.

use crate::{
    error::{Doing as _, Error, Result},
    os,
};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A program to start on a node.
#[derive(Debug, Clone, Default)]
pub struct Command {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) output: Output,
}

/// Where a program's standard streams lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Output {
    /// Output and errors to the node's log, nothing to read.
    #[default]
    Logged,
    /// Standard input and output to the caller ([`Process::stdin`], [`Process::stdout`]), errors to the node's log.
    Piped,
}

impl Command {
    /// A program by its path, or by its name in the caller's `PATH`.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), ..Self::default() }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// A variable beside those of the caller, which are handed on.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The folder to start in; by default the one on the node's disk ([`Node::disk`](crate::Node::disk)).
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Hands standard input and output to the caller.
    #[must_use]
    pub fn piped(mut self) -> Self {
        self.output = Output::Piped;
        self
    }
}

/// A process that was started on a node, told apart from what it starts itself. Dropping it ends nothing: the node's verbs do.
#[derive(Debug, Clone)]
pub struct Process {
    child: Arc<Mutex<Child>>,
    id: u32,
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        let id = child.id();
        Self { child: Arc::new(Mutex::new(child)), id }
    }

    /// Its number, on the host and on the node.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    fn with<T>(&self, what: impl FnOnce(&mut Child) -> T) -> T {
        what(&mut self.child.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How it ended, if it did. Its children may live on.
    ///
    /// # Errors
    /// When somebody else has waited for it.
    pub fn exited(&self) -> Result<Option<ExitStatus>> {
        self.with(Child::try_wait).doing(|| format!("ask for the end of process {}", self.id))
    }

    /// How it ended; waits for it.
    ///
    /// # Errors
    /// [`Error::Late`] when it has not ended within `limit`.
    pub fn wait(&self, limit: Duration) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if started.elapsed() > limit {
                return Err(Error::Late { what: format!("the end of process {}", self.id), limit });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends SIGTERM to it, and to nothing that it started. It may take its time, or not heed it.
    ///
    /// # Errors
    /// When the system refuses. That it has ended before is no error.
    pub fn terminate(&self) -> Result<()> {
        self.with(|child| match child.try_wait() {
            // Not waited for yet, so that the number is nobody else's.
            Ok(None) => os::signal(self.id, libc::SIGTERM),
            other => other.map(|_| ()),
        })
        .doing(|| format!("terminate process {}", self.id))
    }

    /// Lets it go on if it stands still (SIGCONT).
    ///
    /// # Errors
    /// When the system refuses. That it has ended before is no error.
    pub fn go_on(&self) -> Result<()> {
        self.with(|child| match child.try_wait() {
            Ok(None) => os::signal(self.id, libc::SIGCONT),
            other => other.map(|_| ()),
        })
        .doing(|| format!("let process {} go on", self.id))
    }

    /// What it reads, if it is [piped](Command::piped); the first time it is asked for.
    #[must_use]
    pub fn stdin(&self) -> Option<ChildStdin> {
        self.with(|child| child.stdin.take())
    }

    /// What it writes, if it is [piped](Command::piped); the first time it is asked for.
    #[must_use]
    pub fn stdout(&self) -> Option<ChildStdout> {
        self.with(|child| child.stdout.take())
    }
}
