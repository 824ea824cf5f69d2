//! The simulator against turmoil: the same two nodes, over links that take five milliseconds, hear the same in the same
//! order, at the same time but for turmoil's tick.

use super::*;
use squall_probe::net;
use std::{cell::RefCell, rc::Rc, time::Duration};
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
    let mut simulator = Simulator::new(1, LATENCY * 1_000, false, names);
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
