mod measure;
mod runner;
use bench_common::{Job, Order, Stepped, SystemJob, SystemNode, seconds};
use measure::in_turns;
use runner::Runner;
use squall::{system::System, testing::{Plan, execute, parse}};
use squall_command::ReferenceSystem;
use std::sync::Arc;

/// What a plan asks of the reference system, without its faults.
pub fn bare(plan: &Plan, lasts_us: u64) -> SystemJob {
    let clients = plan.nodes.iter().filter(|node| node.role == "producer").count();
    let publishes = plan.publishes(clients);
    let mut client = 0..;
    let nodes = plan.nodes.iter().map(|node| {
        let client = if node.role == "producer" { client.next() } else { None };
        let mine = publishes.iter().filter(|publish| Some(publish.client) == client);
        let orders = mine.map(|publish| Order { at_us: publish.at, id: publish.event.id.0, key: publish.event.key, size: publish.event.size });
        SystemNode { name: node.name.clone(), role: node.role.clone(), index: node.index, orders: orders.collect() }
    });
    SystemJob { nodes: nodes.collect(), seed: plan.seed, tick_ms: plan.tick_ms, latency_ms: (plan.network.min_ms, plan.network.max_ms), lasts_us }
}

fn main() {
    let turmoil = Runner::start("bench-turmoil").unwrap();
    if std::env::args().any(|a| a == "steps") {
        for hosts in [3, 10, 11, 25, 50] {
            let steps = 2000;
            let mut pieces = [Stepped::All, Stepped::Links, Stepped::Runtimes, Stepped::BareRuntimes].map(|what| { let t = &turmoil; Box::new(move || t.seconds(&Job::Steps { hosts, steps, what }, steps.into()) / f64::from(steps) * 1e6) as measure::Piece });
            let s = in_turns(7, &mut pieces);
            let [all, links, rts, bare] = [0, 1, 2, 3].map(|i| s[i].median());
            println!("{hosts:>3} hosts: step {all:.2} us ({:.2} a host): network clock and links' own tick {links:.2}; runtimes {rts:.2} (of it LocalSet {:.2}); rest (delivery scan of links by each host, bookkeeping) {:.2}", all / hosts as f64, rts - bare, all - links - rts);
        }
        return;
    }
    let system: Arc<dyn System> = Arc::new(ReferenceSystem);
    let text = b"name: standard without faults\nnodes: { brokers: 3, producers: 2, consumers: 2 }\nworkload: { events: 1500, rate: 400/s, keys: 50 }\nexpect:\n  - no_loss\n";
    let scenario = match parse("bench", text, system.as_ref()) { Ok(s) => s, Err(e) => panic!("{e:?}") };
    let plan = Plan::new(&scenario, 2, system.as_ref(), &[]);
    let outcome = execute(&plan, &system, false).unwrap();
    println!("{:?} {:?} {} records", outcome.violations, outcome.counters, outcome.history.len());
    let job = Job::System(bare(&plan, outcome.elapsed));
    let s = in_turns(7, &mut [
        Box::new(|| seconds(|| execute(&plan, &system, false).unwrap()).0),
        Box::new(|| turmoil.seconds(&job, 1500)),
    ]);
    println!("squall {:.1} ms bare {:.1} ms ratio {:.2} +- {:.1}%", s[0].median()*1e3, s[1].median()*1e3, s[0].over(&s[1]).median(), s[0].over(&s[1]).spread()*100.0);
}
