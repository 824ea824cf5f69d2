//! The system as real processes on loopback: the leader is killed in the middle, and nothing is lost.

use reference_system::domain::{GROUPS, Order, is_declined};
use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const EVENTS: u64 = 600;

/// Ends the process also when the test panics.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Process {
    let child = Command::new(env!("CARGO_BIN_EXE_reference-system"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Process(child)
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn describe(which: &str, address: &str) -> Option<Vec<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_reference-system"))
        .args(["describe", which, address])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| text.lines().map(str::to_owned).collect())
}

/// Polls until `look` finds something; gives up after a time that only a broken system needs.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        sleep(Duration::from_millis(50));
    }
}

fn broker(id: usize, all: &str, data: &Path, metrics: &str) -> Process {
    let data = data.join(format!("broker-{id}"));
    let id = id.to_string();
    let data = data.to_str().unwrap();
    start(&["broker", "--id", &id, "--brokers", all, "--data", data, "--metrics", metrics])
}

/// What a node says of itself over HTTP.
fn scrape(address: &str) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

/// Partition, end and digest lines: equal for equal logs.
fn log_of(address: &str) -> Option<Vec<String>> {
    describe("--broker", address).map(|lines| lines[1..].to_vec())
}

fn total(log: &[String]) -> u64 {
    log.iter().map(|line| line.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap()).sum()
}

/// The orders, and what follows from those that the services handle by following each other's events.
fn expected() -> u64 {
    let follows = |id: u64| {
        let order = Order::placed(id, 0, 0);
        match (order.is_orchestrated(), is_declined(id), order.is_shippable()) {
            (true, _, _) => 0,
            (false, false, false) => 2,
            (false, _, _) => 1,
        }
    };
    EVENTS + (1..=EVENTS).map(follows).sum::<u64>()
}

#[test]
fn killing_the_leaders_process_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let addresses: Vec<String> = (0..3).map(|_| free_address()).collect();
    let metrics: Vec<String> = (0..3).map(|_| free_address()).collect();
    let all = addresses.join(",");
    let store_address = free_address();
    let mut brokers: Vec<Option<Process>> =
        (1..=3).map(|id| Some(broker(id, &all, folder.path(), &metrics[id - 1]))).collect();
    let store_data = folder.path().join("store");
    let _store =
        start(&["store", "--listen", &store_address, "--data", store_data.to_str().unwrap()]);
    let (gateway_address, view_address) = (free_address(), free_address());
    let gateway_data = folder.path().join("gateway");
    let _gateway =
        start(&["gateway", "--listen", &gateway_address, "--data", gateway_data.to_str().unwrap()]);
    let view_data = folder.path().join("view");
    let _consumer = start(&[
        "consumer",
        "--name",
        "consumer-1",
        "--brokers",
        &all,
        "--store",
        &store_address,
        "--gateway",
        &gateway_address,
        "--listen",
        &view_address,
        "--data",
        view_data.to_str().unwrap(),
    ]);
    let events = EVENTS.to_string();
    let mut producer = start(&[
        "producer",
        "--name",
        "producer-1",
        "--brokers",
        &all,
        "--events",
        &events,
        "--rate",
        "200",
    ]);

    let leader = wait_for("a leader with events", || {
        addresses.iter().position(|address| {
            describe("--broker", address)
                .is_some_and(|lines| lines[0] == "leader true" && total(&lines[1..]) > EVENTS / 6)
        })
    });
    brokers[leader] = None; // SIGKILL

    assert!(producer.0.wait().unwrap().success());
    let mut said = String::new();
    producer.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.trim(), format!("acked {EVENTS} indeterminate 0 failed 0"));

    let survivors: Vec<&String> =
        addresses.iter().enumerate().filter(|(i, _)| *i != leader).map(|(_, a)| a).collect();
    let log = wait_for("equal logs with all that follows", || {
        let logs: Option<BTreeSet<_>> = survivors.iter().map(|address| log_of(address)).collect();
        let log = logs.filter(|logs| logs.len() == 1).and_then(|mut logs| logs.pop_first())?;
        (total(&log) == expected()).then_some(log)
    });

    wait_for("every effect, once", || {
        let ledgers = describe("--store", &store_address)?;
        let whole = format!(" effects {} ", expected());
        let (reserved, groups) = ledgers.split_first()?;
        let digests: BTreeSet<&str> =
            groups.iter().filter_map(|line| line.split_whitespace().last()).collect();
        let all = groups.len() == GROUPS.len() && groups.iter().all(|line| line.contains(&whole));
        // Every saga has ended: nothing is reserved any more.
        (all && digests.len() == 1 && reserved == "reserved 0").then_some(())
    });

    let survivor = (0..3).find(|id| *id != leader).unwrap();
    let said = scrape(&metrics[survivor]).unwrap();
    assert!(said.contains("application/openmetrics-text"), "{said}");
    assert!(said.contains(&format!("orders_events_total {}", expected())), "{said}");
    assert!(said.trim_end().ends_with("# EOF"), "{said}");

    let replayed = Command::new(env!("CARGO_BIN_EXE_reference-system"))
        .args(["replay", "--brokers", &all, "--group", "audit", "--from-offset", "10"])
        .output()
        .unwrap();
    let said = String::from_utf8(replayed.stdout).unwrap();
    let from_ten = expected() - 4 * 10;
    assert_eq!(said.lines().last().unwrap(), format!("replayed {from_ten}"));

    brokers[leader] = Some(broker(leader + 1, &all, folder.path(), &metrics[leader]));
    wait_for("the killed broker to catch up", || {
        (log_of(&addresses[leader])? == log).then_some(())
    });
}
