//! Datagrams, and what faults do to them.

use super::{super::Datagrams, *};
use tokio::io::ReadBuf;

fn socket(node: NodeId, address: &str) -> io::Result<Datagrams> {
    here(node, || Datagrams::bind(&Place::parse(address)?))
}

/// Both sockets of two nodes at port 5.
fn sockets() -> (Datagrams, Datagrams) {
    (socket(A, "0.0.0.0:5").unwrap(), socket(B, "0.0.0.0:5").unwrap())
}

fn tells(socket: &Datagrams, node: NodeId, bytes: &[u8], to: &str) -> io::Result<usize> {
    here(node, || socket.send(bytes, Some(to.parse().unwrap())))
}

const TO_B: &str = "192.168.0.2:5";

/// The next datagram, if one has come.
fn heard(socket: &Datagrams) -> Option<Vec<u8>> {
    let mut bytes = [0; 100];
    let mut buffer = ReadBuf::new(&mut bytes);
    match socket.poll_receive(Wait::No, &mut buffer, false) {
        Poll::Ready(Ok(_)) => Some(buffer.filled().to_vec()),
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => None,
    }
}

fn all(socket: &Datagrams) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| heard(socket)).collect()
}

#[test]
fn a_datagram_arrives_after_the_latency_of_its_link() {
    simulated(|| {
        let (a, b) = sockets();
        tells(&a, A, b"one", TO_B).unwrap();
        pass(WAY - 1);
        assert_eq!(heard(&b), None);
        pass(1);
        assert_eq!(heard(&b).unwrap(), b"one");
        assert_eq!(heard(&b), None);
    });
}

#[test]
fn each_takes_a_latency_of_its_own_so_they_overtake_each_other() {
    simulated(|| {
        let distribution = Distribution::Uniform;
        with(|world| world.set_latency(Latency { min_ms: 1, max_ms: 50, distribution }));
        let (a, b) = sockets();
        let sent: Vec<Vec<u8>> = (0..20).map(|number| vec![number]).collect();
        for bytes in &sent {
            tells(&a, A, bytes, TO_B).unwrap();
        }
        pass(60);
        let mut came = all(&b);
        assert_ne!(came, sent);
        came.sort();
        assert_eq!(came, sent);
    });
}

#[test]
fn a_cut_loses_and_a_hold_keeps_them() {
    simulated(|| {
        let (a, b) = sockets();
        tells(&a, A, b"on the wire", TO_B).unwrap();
        links([((A, B), cut())]);
        tells(&a, A, b"into the cut", TO_B).unwrap();
        assert_eq!(felt(3), 1);
        links([((A, B), held())]);
        tells(&a, A, b"held", TO_B).unwrap();
        pass(3 * WAY);
        assert_eq!(heard(&b), None);
        links([]);
        pass(WAY);
        assert_eq!(all(&b), [b"held"]);
    });
}

#[test]
fn message_faults_act_on_each_and_are_felt_when_it_is_received() {
    for (tampering, comes, feels) in [
        (Tampering::Lost, 0, 2),
        (Tampering::Duplicated, 4, 2),
        (Tampering::Delayed, 2, 2),
        (Tampering::Corrupted, 2, 2),
        // There is no connection.
        (Tampering::Reset, 2, 0),
        (Tampering::Replayed, 2, 0),
    ] {
        simulated(|| {
            let (a, b) = sockets();
            tamper(3, tampering);
            tells(&a, A, b"one", TO_B).unwrap();
            tells(&a, A, b"two", TO_B).unwrap();
            let late = tampering == Tampering::Delayed;
            assert_eq!(memory(A), if late { 6 } else { 0 });
            assert!(!late || under_way().is_some());
            pass(2 * WAY);
            let came = all(&b);
            assert_eq!((came.len(), felt(3)), (comes, feels), "{tampering:?}");
            let damaged = came.iter().any(|bytes| bytes != b"one" && bytes != b"two");
            assert_eq!(damaged, tampering == Tampering::Corrupted);
            assert_eq!(memory(A), 0);
        });
    }
}

#[test]
fn one_that_is_overtaken_is_felt_when_a_later_one_is_received_first() {
    simulated(|| {
        let (a, b) = sockets();
        with(|world| {
            let reordered = fault(3, Tampering::Reordered);
            world.tamper(MessageFault { by_order: true, ..reordered });
        });
        tells(&a, A, b"one", TO_B).unwrap();
        heal(3);
        tells(&a, A, b"two", TO_B).unwrap();
        pass(2 * WAY);
        assert_eq!(all(&b), [b"two", b"one"]);
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn a_narrow_link_carries_them_one_after_the_other() {
    simulated(|| {
        let (a, b) = sockets();
        with(|world| world.narrow(ID, 1_000, [(A, B)].into()));
        for _ in 0..3 {
            tells(&a, A, &[1; 10], TO_B).unwrap();
        }
        pass(WAY + 11);
        assert_eq!(all(&b).len(), 1);
        pass(20);
        assert_eq!(all(&b).len(), 2);
    });
}

#[test]
fn who_has_no_room_loses_what_comes() {
    simulated(|| {
        let (a, b) = sockets();
        for _ in 0..10 {
            tells(&a, A, &[0; 60_000], TO_B).unwrap();
        }
        pass(WAY);
        assert_eq!(all(&b).len(), 3);
        assert_eq!(tells(&a, A, &[0; 65_508], TO_B).unwrap_err().kind(), ErrorKind::Other);
    });
}

#[test]
fn a_connected_socket_takes_its_peers_alone_and_hears_that_nobody_is_there() {
    simulated(|| {
        let (a, b) = sockets();
        let c = socket(C, "0.0.0.0:5").unwrap();
        here(B, || b.connect("192.168.0.1:5".parse().unwrap())).unwrap();
        tells(&c, C, b"stranger", TO_B).unwrap();
        tells(&a, A, b"peer", TO_B).unwrap();
        pass(WAY);
        assert_eq!(all(&b), [b"peer"]);
        here(A, || drop(a));
        here(B, || b.send(b"anybody?", None)).unwrap();
        pass(2 * WAY);
        let refused = b.poll_receive(Wait::No, &mut ReadBuf::new(&mut []), false);
        let Poll::Ready(Err(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // It is told once.
        assert_eq!(heard(&b), None);
    });
}

#[test]
fn what_is_sent_to_all_reaches_all_who_listen_if_that_is_allowed() {
    simulated(|| {
        let (a, b) = sockets();
        let c = socket(C, "127.0.0.1:5").unwrap();
        let error = tells(&a, A, b"all", "255.255.255.255:5").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        a.set_broadcast(true).unwrap();
        tells(&a, A, b"all", "255.255.255.255:5").unwrap();
        pass(WAY);
        // Who listens on the loopback is reached by its own node alone.
        assert_eq!((all(&a).len(), all(&b).len(), all(&c).len()), (1, 1, 0));
        let error = tells(&a, A, b"nobody", "10.0.0.1:5").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
    });
}

#[test]
fn a_node_that_is_down_has_no_sockets_and_what_is_sent_to_it_is_lost() {
    simulated(|| {
        let (a, b) = sockets();
        assert_eq!(socket(B, "b:5").unwrap_err().kind(), ErrorKind::AddrInUse);
        tells(&a, A, b"lost", TO_B).unwrap();
        power_off(B);
        stops(B);
        drop(b);
        pass(WAY);
        with(|world| world.node_returns(B));
        let b = socket(B, "0.0.0.0:5").unwrap();
        tells(&a, A, b"heard", TO_B).unwrap();
        pass(WAY);
        assert_eq!(all(&b), [b"heard"]);
    });
}
