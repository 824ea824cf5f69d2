//! The runner of madsim.

#[cfg(madsim)]
mod workloads;

#[cfg(madsim)]
fn main() {
    use bench_common::{Job, serve};

    serve(|job| match job {
        Job::Echo(job) => workloads::echo(job),
        Job::Log(job) => workloads::log(job),
        other => panic!("it does not run {other:?}"),
    });
}

#[cfg(not(madsim))]
fn main() -> std::process::ExitCode {
    eprintln!("it was built without --cfg madsim: see harness/checks/bench");
    std::process::ExitCode::from(2)
}
