//! The harness's side: one worker, watched.

use super::{
    protocol::{Answer, HIDDEN_ARGUMENT, Request},
    reached::Reached,
};
use crate::{live::Launch, plan::Plan};
use squall_reports::{Run, Series, Trace, Verdict};
use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Once,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

/// A run that makes no step for this long spins without yielding.
const STALL: Duration = Duration::from_secs(20);

/// A worker that grows beyond this, in bytes, is ended.
const MEMORY: u64 = 2 << 30;

/// How often a worker's memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A worker process. It is started when first needed, and again after it was lost.
#[derive(Debug, Default)]
pub struct Worker {
    process: Option<Process>,
    /// Runs that its process was asked for.
    runs: u32,
}

#[derive(Debug)]
struct Process {
    child: Child,
    requests: UnixStream,
    answers: Receiver<Answer>,
    errors: Receiver<String>,
}

/// Why a worker gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// This executable, which is also that of workers, is not found.
    #[error("cannot find the executable to start a worker: {0}")]
    NoExecutable(#[source] io::Error),
    /// It does not start.
    #[error("cannot start a worker: {0}")]
    NoStart(#[source] io::Error),
    /// A request cannot be written.
    #[error("a request that cannot be written: {0}")]
    Request(#[source] serde_json::Error),
    /// It answered something else.
    #[error("a worker gave an answer that was not asked for: {0}")]
    NotAskedFor(String),
    /// It says so itself.
    #[error("{0}")]
    Broken(String),
    /// It ended while it was asked for what it had kept of a run.
    #[error("{0}")]
    Ended(String),
}

/// Why there is no answer.
enum Lost {
    /// The run ended its worker.
    Run(String),
    /// The harness is broken.
    Harness(WorkerError),
}

impl From<Lost> for WorkerError {
    /// Of what is asked after a run.
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Run(why) => Self::Ended(why),
            Lost::Harness(error) => error,
        }
    }
}

/// A run that ended its worker, or never began.
pub(super) fn errored(plan: &Plan, reason: String, started: Instant) -> Run {
    Run {
        seed: plan.seed,
        verdict: Verdict::Errored,
        reason: Some(reason),
        wall_us: u64::try_from(started.elapsed().as_micros()).expect("no run takes 500,000 years"),
        ..Run::default()
    }
}

impl Worker {
    /// Executes a plan. A run that ends its worker is `errored`.
    ///
    /// # Errors
    /// The harness itself failed: no worker can be started, or it does not understand.
    pub fn run(&mut self, plan: &Plan) -> Result<Run, WorkerError> {
        let started = Instant::now();
        self.runs = if self.process.is_some() { self.runs + 1 } else { 1 };
        let request = Request::Run { plan: Box::new(plan.clone()) };
        match self.ask(&request) {
            Ok(Answer::Done(run)) => Ok(*run),
            Ok(other) => Err(not_asked_for(&other)),
            Err(Lost::Harness(error)) => Err(error),
            Err(Lost::Run(reason)) => Ok(errored(plan, reason, started)),
        }
    }

    /// Executes a plan with real processes. One that never became ready is `errored`.
    ///
    /// # Errors
    /// The harness itself failed.
    pub(crate) fn live(&mut self, plan: &Plan, launch: &Launch) -> Result<Run, WorkerError> {
        let started = Instant::now();
        let (plan_, launch) = (Box::new(plan.clone()), Box::new(launch.clone()));
        match self.ask(&Request::Live { plan: plan_, launch }) {
            Ok(Answer::Done(run)) => Ok(*run),
            Ok(other) => Err(not_asked_for(&other)),
            Err(Lost::Harness(error)) => Err(error),
            Err(Lost::Run(reason)) => Ok(errored(plan, reason, started)),
        }
    }

    /// Keeps the history of a live run that is in a file, as if it had just made the run; or why the file is no history.
    ///
    /// # Errors
    /// The harness itself failed.
    pub(crate) fn told(&mut self, path: &Path) -> Result<Result<Run, String>, WorkerError> {
        match self.ask(&Request::Told { path: path.to_owned() })? {
            Answer::Told(run) => Ok(*run),
            other => Err(not_asked_for(&other)),
        }
    }

    /// Its process has made no run yet.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.process.is_none() || self.runs == 0
    }

    /// Every record of the last run, in words.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn lines(&mut self) -> Result<Vec<String>, WorkerError> {
        self.text(&Request::Lines)
    }

    /// The story of the last run, on one screen.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn story(&mut self) -> Result<Vec<String>, WorkerError> {
        self.text(&Request::Story)
    }

    /// What the system itself said in the last run, one line each.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn log(&mut self) -> Result<Vec<String>, WorkerError> {
        self.text(&Request::Log)
    }

    /// The state of the last run at a time, in microseconds, as a table; without one, where the first violation was proven,
    /// else at the end.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn state(&mut self, at: Option<u64>) -> Result<Vec<String>, WorkerError> {
        self.text(&Request::State { at })
    }

    /// The last run as data, `whole` or what stands around the evidence.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn trace(&mut self, whole: bool) -> Result<Trace, WorkerError> {
        self.data(&Request::Trace { whole })
    }

    /// What stands around the first fault of the last run, as data.
    ///
    /// # Errors
    /// The harness itself failed.
    pub(crate) fn trace_of_fault(&mut self) -> Result<Trace, WorkerError> {
        self.data(&Request::TraceOfFault)
    }

    /// What the last run reached.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn reached(&mut self) -> Result<Reached, WorkerError> {
        match self.ask(&Request::Reached)? {
            Answer::Reached(reached) => Ok(*reached),
            other => Err(not_asked_for(&other)),
        }
    }

    /// The numbers of the last run over its time, scraped after each `every`, or why there are none.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn series(&mut self, every: Duration) -> Result<Result<Series, String>, WorkerError> {
        match self.ask(&Request::Series { every })? {
            Answer::Series(series) => Ok(*series),
            other => Err(not_asked_for(&other)),
        }
    }

    fn data(&mut self, request: &Request) -> Result<Trace, WorkerError> {
        match self.ask(request)? {
            Answer::Trace(trace) => Ok(*trace),
            other => Err(not_asked_for(&other)),
        }
    }

    fn text(&mut self, request: &Request) -> Result<Vec<String>, WorkerError> {
        match self.ask(request)? {
            Answer::Lines(lines) => Ok(lines),
            other => Err(not_asked_for(&other)),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        let process = match &mut self.process {
            Some(process) => process,
            none => none.insert(Process::start().map_err(Lost::Harness)?),
        };
        let answer = process.ask(request);
        if answer.is_err() {
            self.process = None;
        }
        answer
    }
}

fn not_asked_for(answer: &Answer) -> WorkerError {
    WorkerError::NotAskedFor(format!("{answer:?}"))
}

impl Process {
    fn start() -> Result<Self, WorkerError> {
        let executable = std::env::current_exe().map_err(WorkerError::NoExecutable)?;
        let (requests, theirs) = UnixStream::pair().map_err(WorkerError::NoStart)?;
        let mut child = Command::new(executable)
            .arg(HIDDEN_ARGUMENT)
            // With it errors carry traces of this machine, and reading them takes files.
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE")
            .stdin(OwnedFd::from(theirs))
            // What the system under test prints there is nobody's business.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(WorkerError::NoStart)?;
        let stderr = child.stderr.take().expect("its standard error is piped");
        let replies = requests.try_clone().map_err(WorkerError::NoStart)?;
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(replies).lines() {
                let Ok(line) = line else { break };
                // Half a line is the last of a worker that was ended.
                let Ok(answer) = serde_json::from_str(&line) else { break };
                if tell.send(answer).is_err() {
                    break;
                }
            }
        });
        let (complain, errors) = channel();
        std::thread::spawn(move || {
            let _ = complain.send(last_words(stderr));
        });
        Ok(Self { child, requests, answers, errors })
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        let mut line = serde_json::to_vec(request)
            .map_err(|error| Lost::Harness(WorkerError::Request(error)))?;
        line.push(b'\n');
        if self.requests.write_all(&line).and_then(|()| self.requests.flush()).is_err() {
            return Err(self.lost());
        }
        let mut moved = Instant::now();
        loop {
            match self.answers.recv_timeout(LOOK) {
                Ok(Answer::Alive) => moved = Instant::now(),
                Ok(Answer::Warning(why)) => warn(&why),
                Ok(Answer::Broken(error)) => return Err(Lost::Harness(WorkerError::Broken(error))),
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(self.lost()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if resident(self.child.id()).is_some_and(|bytes| bytes > MEMORY) {
                return Err(Lost::Run(format!(
                    "the run grew beyond {} GiB of memory; its worker was ended",
                    MEMORY >> 30
                )));
            }
            if moved.elapsed() > STALL {
                return Err(Lost::Run(format!(
                    "the run made no step for {} s: a task of the system never yields; its worker \
                     was ended",
                    STALL.as_secs()
                )));
            }
        }
    }

    /// The pipe is closed: the run took its worker with it.
    fn lost(&mut self) -> Lost {
        let _ = self.child.kill();
        let status = self.child.wait();
        let said = self.errors.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let why = status.map_or_else(|error| error.to_string(), describe);
        let said = said
            .lines()
            .map(str::trim)
            .find(|line| line.contains("overflow") || line.contains("memory"))
            .or_else(|| said.lines().map(str::trim).find(|line| !line.is_empty()))
            .map(|line| format!(": {line}"))
            .unwrap_or_default();
        Lost::Run(format!("the run ended its worker ({why}){said}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says once that escapes are not noticed here.
fn warn(why: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        eprintln!(
            "warning: {why}; what the system under test does past the simulation (files, sockets, threads) \
             is not noticed here"
        );
    });
}

/// The end of what a process says until it ends: that is where it says why.
fn last_words(mut stderr: impl Read) -> String {
    const KEPT: usize = 16 << 10;
    let (mut said, mut buffer) = (Vec::new(), [0; 4 << 10]);
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        said.extend_from_slice(&buffer[..count]);
        if said.len() > 2 * KEPT {
            said.drain(..said.len() - KEPT);
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(6)) => "aborted".to_owned(),
        (None, Some(11)) => "segmentation fault".to_owned(),
        (None, Some(9)) => "killed".to_owned(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "for no known reason".to_owned(),
    }
}

/// Resident memory of a process in bytes, where the system tells.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    //! What the parent makes of what a worker says. The worker is the other end of the channels; its process only
    //! lives, or has ended.

    use super::*;
    use std::sync::mpsc::Sender;

    struct Played {
        process: Process,
        says: Sender<Answer>,
        hears: BufReader<UnixStream>,
    }

    /// A worker whose process runs this, and whose last words are these.
    fn play(shell: &str, last_words: &str) -> Played {
        let child = Command::new("sh").args(["-c", shell]).spawn().unwrap();
        let (requests, theirs) = UnixStream::pair().unwrap();
        let (says, answers) = channel();
        let (complain, errors) = channel();
        complain.send(last_words.to_owned()).unwrap();
        let process = Process { child, requests, answers, errors };
        Played { process, says, hears: BufReader::new(theirs) }
    }

    #[test]
    fn a_request_is_a_line_and_its_answer_comes_after_signs_of_life() {
        let mut played = play("sleep 60", "");
        played.says.send(Answer::Alive).unwrap();
        played.says.send(Answer::Lines(vec!["x".to_owned()])).unwrap();
        let answer = played.process.ask(&Request::Trace { whole: true });
        assert!(matches!(answer, Ok(Answer::Lines(lines)) if lines == ["x"]));
        let mut line = String::new();
        played.hears.read_line(&mut line).unwrap();
        assert!(matches!(serde_json::from_str(&line), Ok(Request::Trace { whole: true })));
    }

    #[test]
    fn a_worker_that_ended_took_its_run_with_it_and_says_how() {
        let mut played = play("exit 3", "one\nthread 'run' has overflowed its stack\nthree");
        played.process.child.wait().unwrap();
        drop(played.says);
        let Err(Lost::Run(why)) = played.process.ask(&Request::Story) else { panic!("an answer") };
        let told = "the run ended its worker (exit code 3): thread 'run' has overflowed its stack";
        assert_eq!(why, told);
    }

    #[test]
    fn what_a_worker_does_not_understand_is_the_harness_s_fault_and_no_run_s() {
        let mut played = play("sleep 60", "");
        played.says.send(Answer::Broken("a request that makes no sense".to_owned())).unwrap();
        assert!(matches!(played.process.ask(&Request::Lines), Err(Lost::Harness(_))));
    }

    #[test]
    fn of_a_long_complaint_the_end_is_kept() {
        let long = "x".repeat(100 << 10) + "the end";
        let kept = last_words(long.as_bytes());
        assert!(kept.ends_with("the end") && kept.len() <= 32 << 10, "{}", kept.len());
    }

    #[test]
    fn answers_are_single_lines_whatever_is_said_in_them() {
        let answer = Answer::Lines(vec!["two\nlines".to_owned(), "\u{2028}".to_owned()]);
        let line = serde_json::to_string(&answer).unwrap();
        assert!(!line.contains('\n'));
        let read = serde_json::from_str(&line).unwrap();
        assert!(matches!(read, Answer::Lines(lines) if lines == ["two\nlines", "\u{2028}"]));
    }
}
