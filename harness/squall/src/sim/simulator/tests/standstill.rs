//! A node that a fault stops stands still as a whole, whoever spawned its tasks; and a slow one as a whole is slow.

use super::*;
use squall_probe::sim::{Hindrance, OccurrenceId};
use tokio::{
    task::{JoinSet, spawn_local},
    time::interval,
};

const FAULT: u16 = 3;

/// Ticks by the way in which the task was spawned, in milliseconds.
type Ticks = Rc<RefCell<Vec<(&'static str, u128)>>>;

thread_local! {
    static TICKS: Ticks = Ticks::default();
}

/// Ticks ten times a second. (What tokio's own `spawn` takes may hold no `Rc`.)
async fn ticks(way: &'static str) {
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let now = sim::elapsed().unwrap().as_millis();
        TICKS.with(|noted| noted.borrow_mut().push((way, now)));
    }
}

/// A system that knows nothing but tokio.
async fn system(ways: &'static [&'static str]) {
    let mut set = JoinSet::new();
    for way in ways {
        match *way {
            "spawn" => drop(tokio::spawn(ticks("spawn"))),
            "spawn_local" => drop(spawn_local(ticks("spawn_local"))),
            "from a task" => drop(tokio::spawn(async { ticks("from a task").await })),
            "from ours" => drop(squall_probe::task::spawn(async {
                spawn_local(ticks("from ours")).await.unwrap();
            })),
            "set" => drop(set.spawn(ticks("set"))),
            "local set" => drop(set.spawn_local(ticks("local set"))),
            other => panic!("{other}"),
        }
    }
    ticks("itself").await;
}

/// What ticked when in two seconds, of which a fault acts for one, and how often that was felt.
fn held_up(
    hindrance: Hindrance,
    ways: &'static [&'static str],
) -> (Vec<(&'static str, u128)>, u64) {
    TICKS.with(|ticks| ticks.borrow_mut().clear());
    let names = vec!["node".to_owned()];
    sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
    let mut simulator = Simulator::new(1, 4_000, false, names.len());
    // As the harness does it.
    simulator.host(NodeId(0), move || {
        sim::gated_harness(NodeId(0), sim::gated(NodeId(0), system(ways)))
    });
    let id = OccurrenceId { step: FAULT, occurrence: 0 };
    for step in 0..500 {
        match step {
            125 => sim::with(|world| world.hinder(NodeId(0), id, hindrance.clone())),
            375 => sim::with(|world| world.end(id)),
            _ => {}
        }
        simulator.step(0);
    }
    let felt = sim::with(|world| world.felt(FAULT));
    simulator.close();
    let _ = sim::uninstall();
    (TICKS.with(Rc::clone).take(), felt)
}

const ALL: &[&str] = &["spawn", "spawn_local", "from a task", "from ours", "set", "local set"];

#[test]
fn whatever_spawned_its_tasks_nothing_of_a_paused_node_runs() {
    for ways in [ALL, &["spawn_local", "from ours", "local set"], &["spawn"], &[]] {
        let (ticked, felt) = held_up(Hindrance::Paused, ways);
        assert!(felt > 0, "{ways:?}");
        for way in ways.iter().chain(&["itself"]) {
            let of_it: Vec<u128> =
                ticked.iter().filter(|(of, _)| of == way).map(|(_, at)| *at).collect();
            // Its clock went on: what it missed comes at once, and then it goes on as before.
            let expected: Vec<u128> = (0..5)
                .map(|n| n * 100)
                .chain([1_500; 11])
                .chain([1_600, 1_700, 1_800, 1_900])
                .collect();
            assert_eq!(of_it, expected, "{way} of {ways:?}");
        }
    }
}

#[test]
fn a_slow_node_runs_in_some_steps_whatever_spawned_its_tasks() {
    let (ticked, felt) = held_up(Hindrance::Starved { one_in: 25 }, ALL);
    assert!(felt > 0);
    let within: Vec<_> = ticked.iter().filter(|(_, at)| (500..1_500).contains(at)).collect();
    assert!(within.len() > 7 * 8, "{within:?}");
    for (way, at) in within {
        // One step of 25, each of four milliseconds.
        assert!((at / 4).is_multiple_of(25), "{way} at {at}");
    }
}

#[test]
fn a_node_that_waits_for_nothing_feels_no_pause() {
    // A task that sleeps longer than the pause lasts.
    let names = vec!["node".to_owned()];
    sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
    let mut simulator = Simulator::new(1, 4_000, false, names.len());
    simulator.host(NodeId(0), || {
        sim::gated(NodeId(0), async {
            tokio::spawn(sleep(Duration::from_secs(60))).await.unwrap();
        })
    });
    let id = OccurrenceId { step: FAULT, occurrence: 0 };
    for step in 0..50 {
        match step {
            10 => sim::with(|world| world.hinder(NodeId(0), id, Hindrance::Paused)),
            30 => sim::with(|world| world.end(id)),
            _ => {}
        }
        simulator.step(0);
    }
    assert_eq!(sim::with(|world| world.felt(FAULT)), 0);
    end(simulator);
}
