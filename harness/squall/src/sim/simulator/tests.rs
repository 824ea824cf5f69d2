//! The simulator against turmoil: the same two nodes, over links that take five milliseconds, hear the same in the same
//! order, at the same time but for turmoil's tick.

mod sockets;
mod standstill;

use super::*;
use squall_probe::net;
use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep},
};

const LATENCY: u64 = 5;

/// What was heard where, and how many milliseconds after the beginning.
type Heard = Rc<RefCell<Vec<(&'static str, u8, u64)>>>;

fn note(heard: &Heard, began: Instant, node: &'static str, byte: u8) {
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap();
    heard.borrow_mut().push((node, byte, ms));
}

/// The same code over either's sockets: a client sends bytes at its own pace, a server answers each with the next.
macro_rules! nodes {
    ($net:path) => {{
        use $net as net;
        let server = |heard: Heard| async move {
            let began = Instant::now();
            let listener = net::TcpListener::bind("0.0.0.0:7").await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                note(&heard, began, "server", byte[0]);
                stream.write_all(&[byte[0] + 1]).await.unwrap();
            }
            note(&heard, began, "server", 255);
        };
        let client = |heard: Heard| async move {
            let began = Instant::now();
            // The server listens by then.
            sleep(Duration::from_millis(50)).await;
            let mut stream = net::TcpStream::connect("server:7").await.unwrap();
            let connected = began.elapsed();
            // From one time on both, however long connecting takes.
            sleep(Duration::from_millis(100) - connected).await;
            for number in 0..20 {
                stream.write_all(&[number]).await.unwrap();
                sleep(Duration::from_millis(u64::from(number) % 7)).await;
                if number % 3 == 0 {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).await.unwrap();
                    note(&heard, began, "client", byte[0]);
                }
            }
        };
        (server, client)
    }};
}

fn under_turmoil() -> Vec<(&'static str, u8, u64)> {
    let heard = Heard::default();
    let (server, client) = nodes!(turmoil::net);
    let mut sim = turmoil::Builder::new()
        .tick_duration(Duration::from_millis(1))
        .min_message_latency(Duration::from_millis(LATENCY))
        .max_message_latency(Duration::from_millis(LATENCY))
        .build();
    let (of_server, of_client) = (heard.clone(), heard.clone());
    sim.host("server", move || {
        let run = server(of_server.clone());
        async move {
            run.await;
            Ok(())
        }
    });
    sim.client("client", async move {
        client(of_client).await;
        sleep(Duration::from_millis(20)).await;
        Ok(())
    });
    sim.run().unwrap();
    heard.take()
}

fn under_ours() -> Vec<(&'static str, u8, u64)> {
    let heard = Heard::default();
    let (server, client) = nodes!(net);
    let names = vec!["server".to_owned(), "client".to_owned()];
    sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
    let latency = u32::try_from(LATENCY).unwrap();
    let distribution = sim::Distribution::Exponential;
    sim::with(|world| {
        world.set_latency(sim::Latency { min_ms: latency, max_ms: latency, distribution });
    });
    // As long as the latency: times within a step are exact.
    let mut simulator = Simulator::new(1, LATENCY * 1_000, false, names.len());
    let (of_server, of_client) = (heard.clone(), heard.clone());
    simulator.host(NodeId(0), move || server(of_server.clone()));
    simulator.host(NodeId(1), move || client(of_client.clone()));
    while simulator.now() < 1_000_000 {
        simulator.step(0);
    }
    simulator.close();
    let _ = sim::uninstall();
    heard.take()
}

#[test]
fn what_turmoils_nodes_hear_ours_hear_at_the_same_time() {
    let sorted = |mut heard: Vec<(&'static str, u8, u64)>| {
        heard.sort_by_key(|(node, ..)| *node);
        heard
    };
    let (ours, theirs) = (sorted(under_ours()), sorted(under_turmoil()));
    let what = |heard: &[(&'static str, u8, u64)]| {
        heard.iter().map(|(node, byte, _)| (*node, *byte)).collect::<Vec<_>>()
    };
    assert_eq!(what(&ours), what(&theirs));
    assert_eq!(ours.len(), 20 + 7 + 1, "{ours:?}");
    for (our, their) in ours.iter().zip(&theirs) {
        // Each answer that the client waits for may cost turmoil a tick each way.
        assert!(our.2.abs_diff(their.2) <= 16, "{our:?} {their:?}");
    }
}

/// A simulator of one node, in steps of four milliseconds, whose code waits with `squall_probe::time` alone, as it says.
fn alone<F: Future<Output = ()> + 'static>(software: impl Fn() -> F + 'static) -> Simulator {
    let names = vec!["node".to_owned()];
    sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
    let mut simulator = Simulator::new(1, 4_000, true, names.len());
    simulator.host(NodeId(0), software);
    simulator
}

fn end(simulator: Simulator) {
    simulator.close();
    let _ = sim::uninstall();
}

#[test]
fn steps_in_which_nothing_happens_are_jumped_over_and_times_stay() {
    let woken: Rc<RefCell<Vec<u128>>> = Rc::default();
    let noted = woken.clone();
    let mut simulator = alone(move || {
        let woken = noted.clone();
        async move {
            for ms in [10_001, 3, 60_000] {
                squall_probe::time::sleep(Duration::from_millis(ms)).await;
                woken.borrow_mut().push(sim::elapsed().unwrap().as_millis());
            }
            std::future::pending::<()>().await;
        }
    });
    let mut steps = 0;
    while simulator.now() < 100_000_000 {
        simulator.step(100_000_000);
        steps += 1;
    }
    assert_eq!(*woken.borrow(), [10_001, 10_004, 70_004]);
    assert!(steps < 130, "{steps} of 25,000");
    assert_eq!(simulator.now(), 100_000_000);
    assert_eq!(sim::with(sim::World::take_stray), None);
    end(simulator);
}

#[test]
fn no_step_begins_when_the_harness_will_act_or_later() {
    let mut simulator = alone(std::future::pending);
    simulator.step(0);
    simulator.step(10_000);
    assert_eq!(simulator.now(), 8_000, "the step that begins then is the one in which it is time");
    simulator.step(10_000);
    assert_eq!(simulator.now(), 12_000);
    end(simulator);
}

/// Goes on for two seconds with a node that waits in two ways: when a timer that nobody knew went off.
fn noticed(other: u64, known: u64) -> Option<u64> {
    let mut simulator = alone(move || async move {
        tokio::join!(
            async {
                sleep(Duration::from_millis(other)).await;
                let _ = sim::elapsed();
            },
            squall_probe::time::sleep(Duration::from_millis(known)),
        );
        std::future::pending::<()>().await;
    });
    while simulator.now() < 2_000_000 {
        simulator.step(2_000_000);
    }
    let stray = sim::with(sim::World::take_stray);
    end(simulator);
    stray.map(|(_, at)| at / 1_000)
}

#[test]
fn another_timer_that_goes_off_is_noticed() {
    // While the node runs, when it runs again, and when it does not.
    assert_eq!(noticed(2, 3), Some(2));
    assert_eq!(noticed(6, 103), Some(100));
    assert_eq!(noticed(6, 1_000_000), Some(1_004));
    assert_eq!(noticed(1_000_000, 103), None);
}

#[test]
fn a_node_that_spawns_tasks_of_tokios_own_is_not_passed_over() {
    let ran: Rc<RefCell<Option<Duration>>> = Rc::default();
    let noted = ran.clone();
    let mut simulator = alone(move || {
        let noted = noted.clone();
        async move {
            let task = tokio::spawn(async { sleep(Duration::from_millis(50)).await });
            task.await.unwrap();
            *noted.borrow_mut() = sim::elapsed();
        }
    });
    simulator.step(0);
    let mut steps = 1;
    while simulator.now() < 100_000 {
        simulator.step(100_000);
        steps += 1;
    }
    assert_eq!(steps, 25);
    assert_eq!(*ran.borrow(), Some(Duration::from_millis(50)));
    end(simulator);
}
