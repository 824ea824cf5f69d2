//! One program over tokio's sockets, over the probe's in production, and over the probe's in a simulation: it is the same
//! text but for the path of the module, and it sees the same.

use super::*;
use std::io::{ErrorKind, IoSlice};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};

/// What each side saw.
#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl std::fmt::Debug) {
        self.0.borrow_mut().push(format!("{what:?}"));
    }
}

const PATIENCE: Duration = Duration::from_millis(50);

macro_rules! program {
    ($net:path) => {{
        use $net as net;

        async fn serve(listener: net::TcpListener, seen: Seen) {
            // Bytes come back, in one piece or several.
            let (mut stream, peer) = listener.accept().await.unwrap();
            seen.note(stream.peer_addr().unwrap() == peer);
            let mut bytes = [0; 16];
            stream.readable().await.unwrap();
            seen.note(stream.peek(&mut bytes[..3]).await.unwrap());
            seen.note(stream.try_read(&mut bytes).unwrap());
            seen.note(stream.try_read(&mut bytes).unwrap_err().kind());
            let (mut read, mut write) = stream.split();
            let (count, ()) = tokio::join!(async { read.read(&mut bytes).await.unwrap() }, async {
                write.write_all(b"answer").await.unwrap()
            },);
            seen.note(&bytes[..count]);
            // The client says that nothing more comes, and still hears.
            seen.note(stream.read(&mut bytes).await.unwrap());
            stream.write_all(b"end").await.unwrap();
            drop(stream);

            // Halves live in tasks of their own, and make a whole again.
            let (stream, _) = listener.accept().await.unwrap();
            let (other, _) = listener.accept().await.unwrap();
            let (read, write) = stream.into_split();
            let (strange, _kept) = other.into_split();
            let error = write.reunite(strange).unwrap_err();
            seen.note(error.to_string());
            let mut stream = read.reunite(error.1).unwrap();
            let mut buffer = bytes::BytesMut::with_capacity(8);
            // That it can be read may be told too early.
            let count = loop {
                stream.readable().await.unwrap();
                match stream.try_read_buf(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => break read.unwrap(),
                }
            };
            seen.note(count);
            seen.note(&buffer);
            let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
            seen.note(ready.is_writable());
            stream.write_all(b"x").await.unwrap();
            // It was closed with a zero linger.
            let mut rest = Vec::new();
            seen.note(stream.read_to_end(&mut rest).await.unwrap_err().kind());
        }

        async fn connect(address: SocketAddr, name: &'static str, seen: Seen) {
            let found: Vec<SocketAddr> =
                net::lookup_host((name, address.port())).await.unwrap().collect();
            seen.note(found.contains(&address));
            let text: String = format!("{name}:{}", address.port());
            let mut stream = net::TcpStream::connect(&text).await.unwrap();
            seen.note(stream.nodelay().unwrap());
            stream.set_nodelay(true).unwrap();
            seen.note(stream.nodelay().unwrap());
            seen.note(stream.linger().unwrap());
            let written = stream.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")]).await;
            seen.note(written.unwrap());
            sleep(PATIENCE).await;
            stream.writable().await.unwrap();
            seen.note(stream.try_write(b"more").unwrap());
            let mut bytes = [0; 6];
            stream.read_exact(&mut bytes).await.unwrap();
            seen.note(&bytes);
            stream.shutdown().await.unwrap();
            seen.note(stream.write(b"late").await.unwrap_err().kind());
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            seen.note(rest);

            let mut first = net::TcpStream::connect((name, address.port())).await.unwrap();
            let addresses: &[SocketAddr] = &[address];
            let socket = net::TcpSocket::new_v4().unwrap();
            socket.set_nodelay(true).unwrap();
            socket.set_reuseaddr(true).unwrap();
            let second = socket.connect(addresses[0]).await.unwrap();
            seen.note((second.nodelay().unwrap(), second.peer_addr().unwrap() == address));
            first.write_all(b"four").await.unwrap();
            first.readable().await.unwrap();
            first.set_zero_linger().unwrap();
            first.read_exact(&mut bytes[..1]).await.unwrap();
            drop(first);

            // Nobody listens there.
            let nobody = SocketAddr::new(address.ip(), 9);
            seen.note(net::TcpStream::connect(&[nobody][..]).await.unwrap_err().kind());
            seen.note(net::TcpStream::connect("no port").await.unwrap_err().kind());
            let wrong = net::TcpListener::bind("203.0.113.1:80").await.unwrap_err();
            seen.note(wrong.kind());
        }

        async fn answer(socket: net::UdpSocket, seen: Seen) {
            let mut bytes = [0; 16];
            seen.note(socket.try_recv_from(&mut bytes).unwrap_err().kind());
            let (_, peer) = socket.peek_from(&mut bytes[..1]).await.unwrap();
            seen.note(socket.peek_sender().await.unwrap() == peer);
            // What there is no room for is lost.
            let (count, from) = socket.recv_from(&mut bytes[..4]).await.unwrap();
            seen.note((&bytes[..count], from == peer));
            socket.send_to(b"heard", peer).await.unwrap();
            // An empty one is one.
            seen.note(socket.recv(&mut bytes).await.unwrap());
            seen.note(socket.send(b"to whom?").await.is_err());
        }

        async fn ask(address: SocketAddr, name: &'static str, seen: Seen) {
            let any = if address.ip().is_loopback() { "127.0.0.1:0" } else { "0.0.0.0:0" };
            let socket = net::UdpSocket::bind(any).await.unwrap();
            seen.note(socket.peer_addr().unwrap_err().kind());
            sleep(PATIENCE).await;
            seen.note(socket.send_to(b"a question", (name, address.port())).await.unwrap());
            let mut bytes = [0; 16];
            let (count, from) = socket.recv_from(&mut bytes).await.unwrap();
            seen.note((&bytes[..count], from == address));
            socket.connect((name, address.port())).await.unwrap();
            seen.note(socket.peer_addr().unwrap() == address);
            seen.note(socket.send(b"").await.unwrap());
            sleep(PATIENCE).await;
            // Nobody has that port any more, and who is connected to it hears so.
            seen.note(socket.send(b"again").await.unwrap());
            seen.note(socket.recv(&mut bytes).await.unwrap_err().kind());
            seen.note(socket.send(&vec![0; 70_000]).await.is_err());
        }

        async fn bind(at: &'static str) -> (net::TcpListener, net::UdpSocket) {
            (net::TcpListener::bind(at).await.unwrap(), net::UdpSocket::bind(at).await.unwrap())
        }

        (bind, serve, connect, answer, ask)
    }};
}

/// What the two sides saw over a machine's own sockets.
macro_rules! really {
    ($net:path) => {{
        let (bind, serve, connect, answer, ask) = program!($net);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (server, client) = (Seen::default(), Seen::default());
        runtime.block_on(async {
            let (listener, socket) = bind("127.0.0.1:0").await;
            let at = listener.local_addr().unwrap();
            tokio::join!(serve(listener, server.clone()), connect(at, "localhost", client.clone()));
            let at = socket.local_addr().unwrap();
            tokio::join!(answer(socket, server.clone()), ask(at, "127.0.0.1", client.clone()));
        });
        (server.0.take(), client.0.take())
    }};
}

fn simulated() -> (Vec<String>, Vec<String>) {
    let (bind, serve, connect, answer, ask) = program!(net);
    let (server, client) = (Seen::default(), Seen::default());
    let names = vec!["server".to_owned(), "client".to_owned()];
    sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
    let mut simulator = Simulator::new(1, 1_000, false, names.len());
    let (of_server, of_client) = (server.clone(), client.clone());
    simulator.host(NodeId(0), move || {
        let seen = of_server.clone();
        async move {
            let (listener, socket) = bind("0.0.0.0:7").await;
            serve(listener, seen.clone()).await;
            answer(socket, seen).await;
            std::future::pending::<()>().await;
        }
    });
    simulator.host(NodeId(1), move || {
        let seen = of_client.clone();
        async move {
            sleep(PATIENCE).await;
            let at = "192.168.0.1:7".parse().unwrap();
            connect(at, "server", seen.clone()).await;
            ask(at, "server", seen).await;
            std::future::pending::<()>().await;
        }
    });
    while simulator.now() < 2_000_000 {
        simulator.step(0);
    }
    simulator.close();
    let _ = sim::uninstall();
    (server.0.take(), client.0.take())
}

#[test]
fn a_program_for_tokios_sockets_sees_the_same_in_all_three_worlds() {
    let tokios = really!(tokio::net);
    assert_eq!(really!(net), tokios, "in production they are tokio's");
    assert_eq!(simulated(), tokios);
    // It came to its end.
    let (server, client) = tokios;
    assert_eq!((server.len(), client.len()), (16, 21), "{server:#?} {client:#?}");
    assert!(server.contains(&format!("{:?}", ErrorKind::ConnectionReset)));
    assert!(client.contains(&format!("{:?}", ErrorKind::ConnectionRefused)));
}
