//! Each library's system passes under faults of nodes, links and its own messages, each run twice, which must be the same.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use futures_util::{SinkExt, StreamExt as _};
use squall_probe::{
    codec::{Framed, FramedRead, FramedWrite, LinesCodec},
    net::{TcpListener, TcpStream},
};
use squall_reports::Verdict;
use std::process::Command;

/// A crash, a pause, and a fault on each kind of message.
fn passes(program: &str, kinds: [&str; 2], allow: &str) {
    let [request, answer] = kinds;
    let scenario = format!(
        "name: glue
workload: {{ events: 120, rate: 60/s }}
faults:
  - {{ at: 200ms, latency: {{ delay: 20ms..40ms }}, for: 300ms }}
  - {{ at: 600ms, crash: server-1, restart_after: 200ms }}
  - {{ at: 1s, lose: {{ on: [{request}], messages: 30% }}, for: 300ms }}
  - {{ at: 1400ms, lose: {{ on: [{answer}], messages: 30% }}, for: 300ms }}
  - {{ at: 1800ms, pause: server-1, for: 300ms }}
must_see: [retried]
{allow}
"
    );
    let folder = tempfile::tempdir().unwrap();
    let (yaml, json) = (folder.path().join("scenario.yaml"), folder.path().join("report.json"));
    std::fs::write(&yaml, scenario).unwrap();
    let output = Command::new(program)
        .arg("run")
        .arg(&yaml)
        .args(["--runs", "3", "--verify", "all", "--no-progress", "--report"])
        .arg(&json)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    let report = squall_reports::read(&json).unwrap();
    for run in &report.scenarios[0].runs {
        assert_eq!(run.verdict, Verdict::Passed, "{:?} {:?}\n{said}", run.reason, run.violations);
    }
}

#[test]
fn a_codec() {
    passes(env!("CARGO_BIN_EXE_codec"), ["store", "stored"], "");
}

#[test]
fn hyper() {
    passes(env!("CARGO_BIN_EXE_hyper"), ["POST", "response"], "allow: [clock]");
}

#[test]
fn axum() {
    passes(env!("CARGO_BIN_EXE_axum"), ["POST", "response"], "allow: [clock]");
}

#[test]
fn tonic() {
    passes(env!("CARGO_BIN_EXE_tonic"), ["DATA", "HEADERS"], "allow: [clock]");
}

#[test]
fn tls() {
    passes(env!("CARGO_BIN_EXE_tls"), ["bytes", "bytes"], "allow: [clock]");
}

#[test]
fn resp() {
    passes(env!("CARGO_BIN_EXE_resp"), ["SET", "reply"], "");
}

#[test]
fn what_it_logs_is_in_the_replay_with_its_node_and_virtual_time() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = folder.path().join("scenario.yaml");
    std::fs::write(&yaml, "name: logs\nworkload: { events: 60, rate: 60/s }\nfaults:\n  - { every: 50ms, reset: { isolate: server-1 } }\n").unwrap();
    let replay = Command::new(env!("CARGO_BIN_EXE_resp"))
        .arg("replay")
        .arg(&yaml)
        .args(["--seed", "1", "--log"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&replay.stdout).into_owned();
    let logged: Vec<&str> = told.lines().filter(|line| line.contains(" server-1 ")).collect();
    let said = String::from_utf8_lossy(&replay.stderr);
    assert!(!logged.is_empty(), "{told}{said}");
    assert!(logged[0].contains("0.000s  server-1"), "{logged:#?}");
    assert!(logged[0].contains("INFO listening address=192.168.0.1:7000"), "{logged:#?}");
    let warned = logged.iter().find(|line| line.contains("WARN")).unwrap();
    assert!(warned.contains("a connection failed peer=192.168.0.2:"), "{warned}");
}

/// In production a codec's frames are tokio-util's.
#[tokio::test]
async fn frames_over_real_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut lines = Framed::new(stream, LinesCodec::new()).with_kinds(|_| "line");
        while let Some(line) = lines.next().await {
            lines.feed(line.unwrap() + "!").await.unwrap();
            SinkExt::<String>::flush(&mut lines).await.unwrap();
        }
    };
    let client = async {
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        let mut write = FramedWrite::new(write, LinesCodec::new());
        let mut read = FramedRead::new(read, LinesCodec::new());
        for word in ["one", "two"] {
            write.send(word).await.unwrap();
            assert_eq!(read.next().await.unwrap().unwrap(), format!("{word}!"));
        }
        SinkExt::<&str>::close(&mut write).await.unwrap();
        assert!(read.next().await.is_none());
    };
    tokio::join!(server, client);
}
