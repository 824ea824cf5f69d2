//! The runner of turmoil, without squall.

mod steps;
mod system;
mod workloads;

use bench_common::{Job, serve};

fn main() {
    serve(|job| match job {
        Job::System(job) => system::run(&job),
        Job::Steps { hosts, steps, what } => steps::run(hosts, steps, what),
        Job::Waits { hosts, seconds } => steps::wait(hosts, seconds),
        Job::Echo(job) => workloads::echo(job),
        Job::Log(job) => workloads::log(job),
    });
}
