//! A thread that lives in a node's namespaces and does there what it is told. The namespaces live as long as it, or as a
//! process that it started: nothing holds them by name, so nothing of them can be left behind.

use crate::{
    error::{Doing as _, Result},
    os,
};
use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::mpsc,
    thread::{self, JoinHandle},
};

type Task = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
pub(crate) struct Hand {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
    id: i32,
}

impl Hand {
    /// In namespaces of its own.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let (tasks, todo) = mpsc::channel::<Task>();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new().name(format!("node {name}")).spawn(move || {
            let split = os::split_off();
            let well = split.is_ok();
            let _ = ready.send(split.map(|()| os::thread_id()));
            if well {
                todo.iter().for_each(|task| task());
            }
        });
        let thread = thread.doing(|| "start a thread".to_owned())?;
        let id = started.recv().expect("the thread says how it went before anything else");
        let id = id.doing(|| "make namespaces for a node".to_owned())?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), id })
    }

    /// The thread, by which `/proc/self/task` knows the namespaces.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// Does something there. A panic goes on here.
    pub(crate) fn run<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel::<std::result::Result<T, Box<dyn Any + Send>>>();
        let task = Box::new(move || {
            let _ = answer.send(panic::catch_unwind(AssertUnwindSafe(what)));
        });
        let tasks = self.tasks.as_ref().expect("only dropping takes it");
        tasks.send(task).expect("the thread lives as long as this");
        let done = answered.recv().expect("the thread answers every task");
        done.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
