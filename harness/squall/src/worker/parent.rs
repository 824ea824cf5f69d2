//! The harness's side: one worker, watched.

use super::{Answer, HIDDEN_ARGUMENT, Request, Want};
use crate::plan::Plan;
use squall_reports::{Run, Trace, Verdict};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// A run that makes no step for so long spins without yielding.
const STALL: Duration = Duration::from_secs(20);

/// A worker that grows beyond this, in bytes, is ended.
const MEMORY: u64 = 2 << 30;

/// How often a worker's memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A worker process. It is started when first needed, and again after it was lost.
#[derive(Debug, Default)]
pub struct Worker {
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Answer>,
    errors: Receiver<String>,
}

/// Why there is no answer.
enum Lost {
    /// The run ended its worker.
    Run(String),
    /// The harness is broken.
    Harness(String),
}

impl Worker {
    /// Executes a plan. A run that ends its worker is `errored`.
    ///
    /// # Errors
    /// The harness itself failed: no worker can be started, or it does not understand.
    pub fn run(&mut self, plan: &Plan, want: Want) -> Result<Run, String> {
        let started = Instant::now();
        let request = Request::Run { plan: Box::new(plan.clone()), want };
        match self.ask(&request) {
            Ok(Answer::Done(run)) => Ok(*run),
            Ok(other) => Err(format!("a worker gave an answer that was not asked for: {other:?}")),
            Err(Lost::Harness(error)) => Err(error),
            Err(Lost::Run(reason)) => Ok(Run {
                seed: plan.seed,
                verdict: Verdict::Errored,
                reason: Some(reason),
                wall_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                ..Run::default()
            }),
        }
    }

    /// Every record of the last run, in words; it must have been kept.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn lines(&mut self) -> Result<Vec<String>, String> {
        self.text(&Request::Lines)
    }

    /// The story of the last run; it must have been kept.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn story(&mut self) -> Result<Vec<String>, String> {
        self.text(&Request::Story)
    }

    /// The last run as data, `whole` or what stands around the evidence; it must have been kept.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn trace(&mut self, whole: bool) -> Result<Trace, String> {
        match self.ask(&Request::Trace { whole }) {
            Ok(Answer::Trace(trace)) => Ok(*trace),
            Ok(other) => Err(format!("a worker gave an answer that was not asked for: {other:?}")),
            Err(Lost::Harness(error) | Lost::Run(error)) => Err(error),
        }
    }

    fn text(&mut self, request: &Request) -> Result<Vec<String>, String> {
        match self.ask(request) {
            Ok(Answer::Lines(lines)) => Ok(lines),
            Ok(other) => Err(format!("a worker gave an answer that was not asked for: {other:?}")),
            Err(Lost::Harness(error) | Lost::Run(error)) => Err(error),
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

impl Process {
    fn start() -> Result<Self, String> {
        let executable = std::env::current_exe()
            .map_err(|error| format!("cannot find the executable to start a worker: {error}"))?;
        let mut child = Command::new(executable)
            .arg(HIDDEN_ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start a worker: {error}"))?;
        let (Some(requests), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("a worker without pipes".to_owned());
        };
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                // What the system under test prints is not an answer.
                let Ok(answer) = serde_json::from_str(&line) else { continue };
                if tell.send(answer).is_err() {
                    break;
                }
            }
        });
        let (complain, errors) = channel();
        std::thread::spawn(move || {
            let mut said = Vec::new();
            // The first words are enough, but the pipe must not fill up.
            let mut stderr = stderr;
            let _ = stderr.by_ref().take(16 << 10).read_to_end(&mut said);
            let _ = complain.send(String::from_utf8_lossy(&said).into_owned());
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        });
        Ok(Self { child, requests, answers, errors })
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        let mut line = serde_json::to_vec(request)
            .map_err(|error| Lost::Harness(format!("a request that cannot be written: {error}")))?;
        line.push(b'\n');
        if self.requests.write_all(&line).and_then(|()| self.requests.flush()).is_err() {
            return Err(self.lost());
        }
        let mut moved = Instant::now();
        loop {
            match self.answers.recv_timeout(LOOK) {
                Ok(Answer::Alive) => moved = Instant::now(),
                Ok(Answer::Broken(error)) => return Err(Lost::Harness(error)),
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
