//! Processes of other simulators.

use bench_common::{Answer, Job};
use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A process that runs jobs, one after the other.
pub struct Runner {
    name: String,
    child: RefCell<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Runner {
    /// Starts the program of this name beside this one.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let here = std::env::current_exe()?;
        let program = here.parent().unwrap_or(Path::new(".")).join(name);
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let jobs = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { name: name.to_owned(), child: RefCell::new((child, jobs, answers)) })
    }

    /// What a job took.
    ///
    /// # Panics
    /// The runner has died: what it said is above.
    pub fn run(&self, job: &Job) -> Answer {
        let (_, jobs, answers) = &mut *self.child.borrow_mut();
        let asked = serde_json::to_string(job).expect("jobs are JSON");
        let mut answer = String::new();
        writeln!(jobs, "{asked}")
            .and_then(|()| answers.read_line(&mut answer))
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{} has died", self.name))
    }

    /// The seconds that a job took, and that it did what it should.
    pub fn seconds(&self, job: &Job, done: u64) -> f64 {
        let answer = self.run(job);
        assert_eq!(answer.done, done, "{} did not do all of {job:?}", self.name);
        answer.seconds
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let (child, ..) = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
