//! The reference system under turmoil alone.

use system_on_turmoil as system;

include!("../../shared/software.rs");

/// Runs it; how many publishes were acknowledged.
pub fn run(job: &SystemJob) -> u64 {
    let ms = |ms: u32| Duration::from_millis(u64::from(ms));
    let mut sim = turmoil::Builder::new()
        .rng_seed(job.seed)
        .enable_random_order()
        .tick_duration(ms(job.tick_ms))
        .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
        .min_message_latency(ms(job.latency_ms.0))
        .max_message_latency(ms(job.latency_ms.1))
        .tcp_capacity(4096)
        .build();
    let acknowledged = Rc::new(Cell::new(0));
    for software in Software::all(job, &acknowledged) {
        sim.host(software.node.name.clone(), move || {
            let software = software.clone();
            async move {
                software.run().await;
                Ok(())
            }
        });
    }
    for _ in 0..job.lasts_us / 1_000 / u64::from(job.tick_ms) {
        sim.step().expect("the reference system runs on");
    }
    acknowledged.get()
}
