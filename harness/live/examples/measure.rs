//! What the cages cost: `cargo run --release -p squall-live --example measure`.

#![allow(clippy::unwrap_used)] // Measures where it can, as root.

use squall_live::{Lab, LabOptions, Node, NodeOptions, Rule};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant},
};

fn main() {
    let clock = Instant::now();
    let lab = Lab::create(LabOptions::default()).unwrap();
    told("a lab", clock.elapsed());
    let add = |name: &str, options| {
        let clock = Instant::now();
        let node = lab.add_node(name, options).unwrap();
        (node, clock.elapsed())
    };
    let (one, took) = add("one", NodeOptions::default());
    told("a node without a disk", took);
    let (two, took) = add("two", NodeOptions::with_disk(64 << 20));
    told("a node with a disk of 64 MiB", took);
    let options = NodeOptions { disk_faults: true, ..NodeOptions::with_disk(64 << 20) };
    let (three, took) = add("three", options);
    told("likewise, one that can fail", took);
    syncs("a write and its sync, median", &two);
    syncs("likewise, one that can fail", &three);
    round_trips(&one, &two);
    throughput(&one, &two);
    lab.set_rule(&one, &two, Rule { lose: 1e-9, ..Rule::default() });
    println!("with a rule that decides about every packet:");
    round_trips(&one, &two);
    throughput(&one, &two);
    let clock = Instant::now();
    two.power_off().unwrap();
    told("power off", clock.elapsed());
    let clock = Instant::now();
    two.power_on().unwrap();
    told("power on", clock.elapsed());
    let clock = Instant::now();
    drop(lab);
    told("the end", clock.elapsed());
}

/// On the node's disk, as its processes write.
fn syncs(what: &str, node: &Node) {
    let path = node.seen_from_host(&node.disk().join("file")).unwrap();
    let mut file = File::create(path).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let clock = Instant::now();
            file.write_all(&[0; 100]).unwrap();
            file.sync_data().unwrap();
            clock.elapsed()
        })
        .collect();
    times.sort();
    told(what, times[100]);
}

fn told(what: &str, took: Duration) {
    println!("{what:30} {:10.3} ms", took.as_secs_f64() * 1e3);
}

fn round_trips(one: &Node, two: &Node) {
    let socket =
        |node: &Node| node.inside(|| UdpSocket::bind((node.address(), 0)).unwrap()).unwrap();
    let (here, there) = (socket(one), socket(two));
    here.connect(there.local_addr().unwrap()).unwrap();
    there.connect(here.local_addr().unwrap()).unwrap();
    const COUNT: usize = 20_000;
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..COUNT {
                let length = there.recv(&mut [0; 64]).unwrap();
                there.send(&[0; 64][..length]).unwrap();
            }
        });
        let mut times: Vec<Duration> = (0..COUNT)
            .map(|_| {
                let clock = Instant::now();
                here.send(&[0; 64]).unwrap();
                here.recv(&mut [0; 64]).unwrap();
                clock.elapsed()
            })
            .collect();
        times.sort();
        told("round trip, median", times[COUNT / 2]);
        told("round trip, 99th of 100", times[COUNT * 99 / 100]);
    });
}

fn throughput(one: &Node, two: &Node) {
    const BYTES: usize = 500_000_000;
    let listener = two.inside(|| TcpListener::bind((two.address(), 0)).unwrap()).unwrap();
    let to = listener.local_addr().unwrap();
    let mut here = one.inside(|| TcpStream::connect(to).unwrap()).unwrap();
    let (mut there, _) = listener.accept().unwrap();
    let clock = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            let room = vec![0; 65_536];
            let mut left = BYTES;
            while left > 0 {
                left -= here.write(&room[..left.min(room.len())]).unwrap();
            }
        });
        let mut room = vec![0; 65_536];
        let mut left = BYTES;
        while left > 0 {
            left -= there.read(&mut room).unwrap();
        }
    });
    let rate = BYTES as f64 / clock.elapsed().as_secs_f64() / 1e6;
    println!("{:30} {rate:10.0} MB/s", "one TCP connection");
}
