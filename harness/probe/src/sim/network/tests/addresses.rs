//! Where nodes listen, and whom an address means.

use super::*;

#[test]
fn an_address_is_a_host_that_there_is_and_a_port() {
    simulated(|| {
        for (address, error) in [
            ("b", ErrorKind::InvalidInput),
            ("b:x", ErrorKind::InvalidInput),
            ("b:65536", ErrorKind::InvalidInput),
            ("d:1", ErrorKind::NotFound),
            ("192.168.0.0:1", ErrorKind::NotFound),
            ("192.168.0.5:1", ErrorKind::NotFound),
            ("192.167.0.1:1", ErrorKind::NotFound),
            ("::ffff:1", ErrorKind::NotFound),
        ] {
            assert_eq!(connecting(A, address).fails(), Some(error), "{address}");
        }
    });
}

#[test]
fn a_node_listens_on_addresses_of_its_own_and_on_each_port_once() {
    simulated(|| {
        for (host, shown) in [
            ("a", "192.168.0.1:5"),
            ("localhost", "127.0.0.1:5"),
            ("127.0.0.1", "127.0.0.1:5"),
            ("[::1]", "127.0.0.1:5"),
            ("0.0.0.0", "192.168.0.1:5"),
            ("[::]", "192.168.0.1:5"),
            ("192.168.0.1", "192.168.0.1:5"),
        ] {
            let listening = bind(A, &format!("{host}:5")).unwrap();
            assert_eq!(listening.address().to_string(), shown);
            let again = bind(A, "a:5").map(|_| ()).unwrap_err().kind();
            assert_eq!(again, ErrorKind::AddrInUse);
        }
        for host in ["b", "192.168.0.2", "10.0.0.1", "elsewhere"] {
            let error = bind(A, &format!("{host}:5")).map(|_| ()).unwrap_err().kind();
            assert_eq!(error, ErrorKind::AddrNotAvailable, "{host}");
        }
        let free = [(); 2].map(|()| bind(A, "a:0").unwrap());
        let ports = free.each_ref().map(|listening| listening.address().port());
        assert_eq!(ports, [49_152, 49_153]);
    });
}

#[test]
fn who_listens_on_the_loopback_is_reached_by_its_own_node_alone() {
    simulated(|| {
        let listening = bind(A, "127.0.0.1:5").unwrap();
        let mut other = connecting(B, "a:5");
        assert!(other.look().is_none());
        pass(2 * WAY);
        assert_eq!(other.fails(), Some(ErrorKind::ConnectionRefused));
        let _own = connecting(A, "localhost:5").look().unwrap().unwrap();
        assert!(accepting(A, &listening).look().is_some());
    });
}

#[test]
fn a_port_to_connect_from_can_be_chosen_and_is_used_once() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let from = |node, port| {
            let future = Box::pin(async move { connect(&Place::parse("b:5")?, port).await });
            Trying { node, future, woken: super::Woken::default() }
        };
        let mut first = from(A, 7);
        assert!(first.look().is_none());
        assert_eq!(from(A, 7).fails(), Some(ErrorKind::AddrInUse));
        pass(WAY);
        let (_, _, peer) = accepting(B, &listening).look().unwrap().unwrap();
        assert_eq!(peer.to_string(), "192.168.0.1:7");
        pass(WAY);
        let (reader, writer, _) = first.look().unwrap().unwrap();
        let ours = ("192.168.0.1:7".parse().unwrap(), "192.168.0.2:5".parse().unwrap());
        assert_eq!((reader.addresses().unwrap(), writer.addresses().unwrap()), (ours, ours));
    });
}

#[test]
fn within_a_node_everything_lands_at_once() {
    simulated(|| {
        let listening = bind(A, "0.0.0.0:5").unwrap();
        for host in ["a", "localhost", "127.0.0.1", "192.168.0.1"] {
            let address = format!("{host}:5");
            let (reader, writer, _) = connecting(A, &address).look().unwrap().unwrap();
            let (other, back, _) = accepting(A, &listening).look().unwrap().unwrap();
            sends(&writer, b"one");
            assert_eq!(read(&other), Found::Frame(b"one".to_vec()));
            sends(&back, b"two");
            assert_eq!(read(&reader), Found::Frame(b"two".to_vec()));
            drop((reader, writer));
            assert_eq!(read(&other), Found::End);
            drop((other, back));
            assert_eq!(known(), 0);
        }
        assert_eq!(connecting(A, "a:6").fails(), Some(ErrorKind::ConnectionRefused));
    });
}

#[test]
fn the_harness_has_an_address_behind_those_of_all_nodes() {
    simulated(|| {
        let _one = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(NodeId::HARNESS, "b:5");
        assert!(connects.look().is_none());
        let _two = bind(NodeId::HARNESS, "0.0.0.0:5").unwrap();
        let mut other = connecting(C, "192.168.0.4:5");
        assert!(other.look().is_none());
        pass(2 * WAY);
        let (_, _, peer) = connects.look().unwrap().unwrap();
        assert_eq!(peer.to_string(), "192.168.0.2:5");
        let (_, _, peer) = other.look().unwrap().unwrap();
        assert_eq!(peer.to_string(), "192.168.0.4:5");
    });
}
