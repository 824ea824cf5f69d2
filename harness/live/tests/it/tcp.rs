//! The network between nodes, in connections.

use crate::common::{LIMIT, can, eventually, pair, shell};
use squall_live::{Lab, Node, Rule};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups"];
const PORT: u16 = 7000;

fn listen(node: &Node) -> TcpListener {
    node.inside(|| TcpListener::bind((node.address(), PORT)).unwrap()).unwrap()
}

/// A connection from the first to the second.
fn connect(from: &Node, to: &Node, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let here = from.inside(|| TcpStream::connect_timeout(&(to.address(), PORT).into(), LIMIT));
    let here = here.unwrap().unwrap();
    let (there, _) = listener.accept().unwrap();
    for stream in [&here, &there] {
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    (here, there)
}

fn connected() -> (Lab, Node, Node, TcpListener, TcpStream, TcpStream) {
    let (lab, one, two) = pair();
    let listener = listen(&two);
    let (here, there) = connect(&one, &two, &listener);
    (lab, one, two, listener, here, there)
}

fn both(lab: &Lab, one: &Node, two: &Node, rule: &Rule) {
    lab.set_rule(one, two, rule.clone());
    lab.set_rule(two, one, rule.clone());
}

#[test]
fn a_cut_link_stops_connections_and_heals() {
    if !can("a_cut_link_stops_connections_and_heals", NEEDS) {
        return;
    }
    let (lab, one, two, listener, mut here, mut there) = connected();
    here.write_all(b"before").unwrap();
    there.read_exact(&mut [0; 6]).unwrap();
    both(&lab, &one, &two, &Rule::cut());
    here.write_all(b"during").unwrap();
    there.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(there.read(&mut [0; 6]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let limit = Duration::from_millis(300);
    let refused = one
        .inside(|| TcpStream::connect_timeout(&(two.address(), PORT).into(), limit).unwrap_err())
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::TimedOut);
    assert!(lab.counters(&one, &two).cut >= 2);
    both(&lab, &one, &two, &Rule::default());
    there.set_read_timeout(Some(LIMIT)).unwrap();
    let mut said = [0; 6];
    there.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"during");
    connect(&one, &two, &listener);
}

#[test]
fn a_reset_is_one_at_both_ends() {
    if !can("a_reset_is_one_at_both_ends", NEEDS) {
        return;
    }
    let (lab, one, two, listener, mut here, mut there) = connected();
    // Idle, and others untouched.
    assert_eq!(lab.reset(&one, &two), 1);
    for stream in [&mut here, &mut there] {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!((lab.counters(&one, &two).reset, lab.counters(&two, &one).reset), (1, 1));
    assert_eq!(lab.reset(&one, &two), 0);
    // New ones work, and with data under way both ways.
    let (here, there) = connect(&one, &two, &listener);
    let talk = |stream: &TcpStream| {
        let (mut reads, mut writes) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        let ends = |kind: ErrorKind| {
            assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind:?}");
            kind
        };
        let reader = std::thread::spawn(move || {
            loop {
                match reads.read(&mut [0; 4096]) {
                    // The error is told once, and the writer was told.
                    Ok(0) => break ErrorKind::BrokenPipe,
                    Ok(_) => {}
                    Err(error) => break ends(error.kind()),
                }
            }
        });
        let writer = std::thread::spawn(move || {
            loop {
                if let Err(error) = writes.write_all(&[0; 4096]) {
                    break ends(error.kind());
                }
            }
        });
        [reader, writer]
    };
    let threads = [talk(&here), talk(&there)];
    let before = lab.counters(&one, &two).delivered;
    eventually("they talk", || lab.counters(&one, &two).delivered > before + 1000);
    assert_eq!(lab.reset(&one, &two), 1);
    for end in threads {
        let kinds = end.map(|thread| thread.join().unwrap());
        assert!(kinds.contains(&ErrorKind::ConnectionReset), "{kinds:?}");
    }
}

#[test]
fn a_reset_reaches_who_has_not_acknowledged_what_was_lost() {
    if !can("a_reset_reaches_who_has_not_acknowledged_what_was_lost", NEEDS) {
        return;
    }
    let (lab, one, two, _listener, mut here, mut there) = connected();
    both(&lab, &one, &two, &Rule::cut());
    here.write_all(&[1; 5000]).unwrap();
    there.write_all(&[1; 5000]).unwrap();
    eventually("it was lost", || {
        lab.counters(&one, &two).cut > 0 && lab.counters(&two, &one).cut > 0
    });
    assert_eq!(lab.reset(&one, &two), 1);
    for stream in [&mut here, &mut there] {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_killed_process_says_goodbye_and_a_power_cut_does_not() {
    if !can("a_killed_process_says_goodbye_and_a_power_cut_does_not", NEEDS) {
        return;
    }
    let (_lab, one, two) = pair();
    let listener = listen(&one);
    // bash opens connections by itself; a socket of this process would not die with the node.
    let script = format!("exec 3<>/dev/tcp/one/{PORT}; exec sleep 1000");
    let dial = || {
        let command = squall_live::Command::new("bash").args(["-c", &script]);
        two.spawn(&command).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream
    };
    let mut stream = dial();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    two.kill().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    let mut stream = dial();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    two.power_off().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // When it has power again it knows of no connection.
    two.power_on().unwrap();
    stream.write_all(b"still there?").unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let _ = shell(&two, "true").wait(LIMIT);
}
