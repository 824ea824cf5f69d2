//! A node and what runs on it.

use super::super::{
    described::{Described, DescribedRole},
    world::Done,
};
use super::tape::Tape;
use crate::plan::Micros;
use squall_live::{Command, Node, Process};
use squall_probe::{NodeId, live};
use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{ChildStdin, ChildStdout},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// A line of a client that is longer than this is cut, in bytes.
const LINE: u64 = 1 << 20;

/// A line that a client's program wrote.
pub(super) struct Written {
    /// Which.
    pub(super) node: NodeId,
    /// In which of its lives.
    pub(super) life: u32,
    /// Without its end.
    pub(super) line: String,
    /// When it was read, by the machine's monotonic clock, in microseconds.
    pub(super) at: Micros,
}

/// A node and what runs on it.
pub(super) struct Machine {
    pub(super) id: NodeId,
    pub(super) node: Node,
    pub(super) role: DescribedRole,
    /// Where its commands run.
    folder: PathBuf,
    /// What its commands must know.
    env: Vec<(String, OsString)>,
    pub(super) process: Option<Process>,
    /// Lines for the client's program.
    pub(super) lines: Option<Sender<String>>,
    /// How often its software was started.
    pub(super) lives: u32,
    /// Where its processes write records down.
    pub(super) tape: Tape,
    /// Its process stands still at a fault point.
    pub(super) waits: bool,
}

impl Machine {
    /// Nothing runs on it yet, and it does not know the others.
    pub(super) fn new(id: NodeId, node: Node, role: DescribedRole) -> Self {
        let tape = Tape::new(node.folder().join("records"));
        Self {
            id,
            node,
            role,
            folder: PathBuf::new(),
            env: Vec::new(),
            process: None,
            lines: None,
            lives: 0,
            tape,
            waits: false,
        }
    }

    /// What a shell runs on it, with what it must know.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh").args(["-c", line]).folder(&self.folder);
        for (name, value) in &self.env {
            command = command.env(name, value);
        }
        command.env("SQUALL_LIVES", self.lives.to_string())
    }

    /// Starts its software; what a client writes is said.
    pub(super) fn spawn(&mut self, say: &Sender<Written>) -> Done {
        let command = self.command(&self.role.command);
        let command = if self.role.client { command.piped() } else { command };
        self.lives += 1;
        let process = in_words(self.node.spawn(&command))?;
        if self.role.client {
            let (lines, wanted) = channel();
            self.lines = Some(lines);
            if let Some(stdin) = process.stdin() {
                // A program that does not read must not hold up the others.
                thread::spawn(move || write(stdin, &wanted));
            }
            if let Some(stdout) = process.stdout() {
                let (id, life, say) = (self.id, self.lives, say.clone());
                thread::spawn(move || read(stdout, id, life, &say));
            }
        }
        self.process = Some(process);
        Ok(())
    }

    /// Nothing runs on it any more.
    pub(super) fn gone(&mut self) {
        self.process = None;
        self.lines = None;
    }
}

fn write(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for line in lines {
        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read(stdout: ChildStdout, node: NodeId, life: u32, say: &Sender<Written>) {
    let mut lines = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match lines.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !line.is_empty() && say.send(Written { node, life, line, at: live::now() }).is_err() {
            return;
        }
    }
}

/// Tells all machines of each other, and of the defects that are switched on. `armed` are the fault points at which
/// faults wait.
pub(super) fn introduce(
    machines: &mut [Machine],
    described: &Described,
    defects: &[String],
    armed: &str,
) {
    let folder =
        std::path::absolute(&described.folder).unwrap_or_else(|_| described.folder.clone());
    let squall = std::env::current_exe().unwrap_or_default();
    let roles: Vec<(String, OsString)> = described
        .roles
        .iter()
        .map(|role| {
            let of_role = machines.iter().filter(|machine| machine.role.name == role.name);
            let addresses: Vec<String> =
                of_role.map(|machine| machine.node.address().to_string()).collect();
            let name = format!("SQUALL_{}", role.plural.to_uppercase().replace(['-', '.'], "_"));
            (name, addresses.join(",").into())
        })
        .collect();
    let switched = described.defects.iter().filter(|defect| defects.contains(&defect.id));
    let switched: Vec<&(String, String)> = switched.flat_map(|defect| &defect.env).collect();
    for machine in machines {
        let node = &machine.node;
        let index = node.name().rsplit('-').next().unwrap_or("1");
        let own = [
            ("SQUALL", squall.clone().into_os_string()),
            (live::NODE_ID, machine.id.0.to_string().into()),
            (live::RECORDS, machine.tape.path().into()),
            (live::POINTS, armed.into()),
            ("SQUALL_NODE", node.name().into()),
            ("SQUALL_INDEX", index.into()),
            ("SQUALL_ADDRESS", node.address().to_string().into()),
            ("SQUALL_DATA", node.disk().into_os_string()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let said = described.env.iter().chain(&machine.role.env);
        let said = said.chain(switched.iter().copied());
        let said = said.map(|(name, value)| (name.clone(), OsString::from(value)));
        // What the description says stands last: it wins.
        machine.env = own.into_iter().chain(roles.iter().cloned()).chain(said).collect();
        machine.folder.clone_from(&folder);
    }
}

/// What went wrong, as a world tells it.
pub(super) fn in_words<T>(result: squall_live::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}
