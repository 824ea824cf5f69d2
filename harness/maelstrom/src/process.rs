//! A node's process.
//!
//! Each is in a process group of its own, so that what it started is stopped and killed with it. (What leaves its group
//! by `setsid` is not reached.) A guardian outlives us, however we end: it is a shell that kills all groups that it was
//! told of when the pipe from us is closed.

use crate::{
    journal::Journal,
    lines::{self, Line, clip},
    message::Message,
    network::{Inbox, Network},
};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How many lines of a node's standard error are told.
const TAIL: usize = 20;

/// What a node has written to its standard error, over all its lives.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<(VecDeque<String>, Option<File>)>);

impl Log {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self(Mutex::new((VecDeque::new(), file)))
    }

    fn push(&self, line: &str) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (tail, file) = &mut *log;
        if file.as_mut().is_some_and(|file| writeln!(file, "{line}").is_err()) {
            *file = None;
        }
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(clip(line));
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.iter().cloned().collect()
    }
}

/// Kills what is left when we are gone.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Child,
    orders: Mutex<ChildStdin>,
}

/// Lines are `+ GROUP` and `- GROUP`; at the end of them every group that is left is killed.
const GUARD: &str = r#"trap '' INT TERM HUP
all=
while read -r order group; do
  case $order in
    +) all="$all $group" ;;
    -) rest=; for one in $all; do [ "$one" = "$group" ] || rest="$rest $one"; done; all=$rest ;;
  esac
done
for one in $all; do kill -s KILL -- "-$one" 2>/dev/null; done"#;

impl Guardian {
    pub(crate) fn start() -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", GUARD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let orders = child.stdin.take().expect("its standard input is a pipe");
        Ok(Self { child, orders: Mutex::new(orders) })
    }

    fn tell(&self, order: char, group: Pid) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a guardian we still kill what we started, unless we are killed ourselves.
        let _ = writeln!(orders, "{order} {group}");
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // It is told nothing that is left: all groups were taken back by those who own them.
        let _ = killpg(Pid::from_raw(raw(&self.child)), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn raw(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("the system's process ids are positive")
}

/// A life of a node.
#[derive(Debug)]
pub(crate) struct Process {
    group: Pid,
    inbox: Arc<Inbox>,
    end: Arc<End>,
    guardian: Arc<Guardian>,
}

#[derive(Debug, Default)]
struct End {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    /// It ends because we want it to.
    wanted: bool,
    status: Option<ExitStatus>,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node waits until the guardian knows of it, and becomes the program then.
const WAIT_AND_BECOME: &str = r#"read -r _ && exec "$@""#;

impl Process {
    /// Starts `command` as `name`, and puts it on the network.
    pub(crate) fn start(
        name: &str,
        command: &[String],
        network: &Network,
        journal: &Arc<Journal>,
        log: &Arc<Log>,
        guardian: &Arc<Guardian>,
    ) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", WAIT_AND_BECOME, "sh"])
            .args(command)
            .env("SQUALL_NODE", name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_raw(raw(&child));
        guardian.tell('+', group);
        let inbox = Arc::new(Inbox::default());
        network.node(name, Arc::clone(&inbox));
        let end = Arc::new(End::default());
        let mut input = child.stdin.take().expect("its standard input is a pipe");
        let output = child.stdout.take().expect("its standard output is a pipe");
        let errors = child.stderr.take().expect("its standard error is a pipe");
        let reading = Arc::clone(&inbox);
        thread::spawn(move || {
            let begun = input.write_all(b"\n");
            while let (true, Some(line)) = (begun.is_ok(), reading.pop()) {
                // It reads no more: whoever waits for its end tells why.
                let written =
                    input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n"));
                if written.and_then(|()| input.flush()).is_err() {
                    break;
                }
            }
        });
        let (from, to, notes) = (name.to_owned(), network.clone(), Arc::clone(journal));
        let output = thread::spawn(move || hear(&from, output, &to, &notes));
        let kept = Arc::clone(log);
        let errors = thread::spawn(move || {
            let mut stream = BufReader::new(errors);
            loop {
                match lines::next(&mut stream, lines::LONGEST) {
                    Line::Text(line) | Line::Unended(line) | Line::NotUtf8(line) => {
                        kept.push(&line);
                    }
                    Line::TooLong | Line::End => return,
                }
            }
        });
        let (ended, notes, name, log) =
            (Arc::clone(&end), Arc::clone(journal), name.to_owned(), Arc::clone(log));
        thread::spawn(move || {
            let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
            // What it said before its end may be of a child that lives on: not waited for without end.
            let patience = Instant::now() + Duration::from_millis(500);
            while !(output.is_finished() && errors.is_finished()) && Instant::now() < patience {
                thread::sleep(Duration::from_millis(5));
            }
            let mut known = ended.lock();
            known.status = Some(status);
            if !known.wanted {
                notes.trouble("node-crashed", &name, crashed(&name, status, &log.tail()));
            }
            ended.changed.notify_all();
        });
        Ok(Self { group, inbox, end, guardian: Arc::clone(guardian) })
    }

    /// Stops it or lets it go on, with all that it started.
    pub(crate) fn pause(&self, paused: bool) {
        let signal = if paused { Signal::SIGSTOP } else { Signal::SIGCONT };
        // It may have ended meanwhile.
        let _ = killpg(self.group, signal);
    }

    /// Asks it to end, with all that it started (SIGTERM): that it does is no mistake from then on.
    pub(crate) fn ask_to_stop(&self) {
        self.end.lock().wanted = true;
        let _ = killpg(self.group, Signal::SIGTERM);
    }

    /// How it has ended, if it has.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.end.lock().status
    }

    /// Kills it, with all that it started, and waits until it is gone.
    pub(crate) fn kill(self) {
        self.end.lock().wanted = true;
        let _ = killpg(self.group, Signal::SIGKILL);
        self.inbox.close();
        let mut known = self.end.lock();
        while known.status.is_none() {
            known = self.end.changed.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
        drop(known);
        // Threads that read and write its pipes end with the pipes; what has left the group may keep those open.
        self.guardian.tell('-', self.group);
    }
}

fn crashed(name: &str, status: ExitStatus, tail: &[String]) -> String {
    let mut told = format!("{name} ended by itself ({status})");
    if tail.is_empty() {
        told.push_str("; it wrote nothing to its standard error");
    } else {
        told.push_str("; the last that it wrote to its standard error:\n");
        told.push_str(&tail.join("\n"));
    }
    told
}

/// Reads what a node says until it ends.
fn hear(name: &str, output: impl io::Read, network: &Network, journal: &Journal) {
    let mut stream = BufReader::new(output);
    loop {
        match lines::next(&mut stream, lines::LONGEST) {
            Line::Text(line) if line.trim().is_empty() => {}
            Line::Text(line) => match Message::parse(&line) {
                Ok(message) => network.send(name, message),
                Err((kind, why)) => {
                    journal.trouble(
                        kind,
                        name,
                        format!("what {name} printed {why}: {}", clip(&line)),
                    );
                }
            },
            Line::Unended(line) => {
                if let Ok(message) = Message::parse(&line) {
                    network.send(name, message);
                }
            }
            Line::NotUtf8(line) => {
                let what = format!("what {name} printed is not UTF-8: {}", clip(&line));
                journal.trouble("line-not-valid-json", name, what);
            }
            Line::TooLong => {
                let most = lines::LONGEST >> 20;
                let what = format!("{name} printed more than {most} MiB without the end of a line");
                journal.trouble("line-too-long", name, what);
                return;
            }
            Line::End => return,
        }
    }
}
