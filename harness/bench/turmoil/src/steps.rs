//! Steps in which nothing happens.

use bench_common::Stepped;
use std::{future::pending, time::Duration};
use tokio::{runtime::Builder, task::LocalSet, time::sleep};

const TICK: Duration = Duration::from_millis(4);

/// Makes them.
pub fn run(hosts: usize, steps: u32, what: Stepped) -> u64 {
    match what {
        Stepped::All | Stepped::Links => simulator(hosts, steps, what == Stepped::All),
        Stepped::Runtimes => runtimes(hosts, steps, true),
        Stepped::BareRuntimes => runtimes(hosts, steps, false),
    }
    u64::from(steps)
}

fn simulator(hosts: usize, steps: u32, run: bool) {
    let mut sim = turmoil::Builder::new()
        .enable_random_order()
        .tick_duration(TICK)
        .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
        .build();
    for host in 0..hosts {
        sim.host(format!("host-{host}"), || async {
            pending::<()>().await;
            Ok(())
        });
        if !run {
            sim.crash(format!("host-{host}"));
        }
    }
    for _ in 0..steps {
        sim.step().expect("nothing happens");
    }
}

/// Hosts that wait for timers of some minutes.
pub fn wait(hosts: u32, seconds: u64) -> u64 {
    let mut sim = turmoil::Builder::new()
        .enable_random_order()
        .tick_duration(TICK)
        .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
        .build();
    for host in 0..hosts {
        sim.host(format!("waiter-{host}"), move || async move {
            loop {
                sleep(Duration::from_secs(120 + 60 * u64::from(host))).await;
            }
        });
    }
    for _ in 0..seconds * 1_000 / TICK.as_millis() as u64 {
        sim.step().expect("nothing happens");
    }
    seconds
}

fn runtimes(hosts: usize, steps: u32, with_sets: bool) {
    let runtime = |_| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let set = LocalSet::new();
        set.spawn_local(pending::<()>());
        (runtime.expect("it needs nothing of the system"), set)
    };
    let runtimes: Vec<_> = (0..hosts).map(runtime).collect();
    for _ in 0..steps {
        for (runtime, set) in &runtimes {
            if with_sets {
                runtime.block_on(async { set.run_until(async { sleep(TICK).await }).await });
            } else {
                runtime.block_on(async { sleep(TICK).await });
            }
        }
    }
}
