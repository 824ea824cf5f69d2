//! Small worlds of three nodes over a network of ten milliseconds.

mod addresses;
mod breaking;
mod closing;
mod connecting;
mod datagrams;
mod fate;
mod giving_up;
mod leaving;
mod link;
mod links;
mod narrow;
mod streams;
mod tables;
mod written;

use super::{
    Latency, LinkState, Listening, Next, Place, Reader, Wait, Writer, connect, segment::Direction,
};
use crate::{
    record::{NodeId, Tampering},
    sim::{
        self, Distribution, MessageFault, Names, OccurrenceId, World,
        tests::{Woken, task_sets},
        with,
    },
};
use bytes::Bytes;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const NODES: [NodeId; 4] = [A, B, C, NodeId::HARNESS];

/// How long a segment takes.
const WAY: u64 = 10;

/// What records call the fault of most tests.
const ID: OccurrenceId = OccurrenceId { step: 3, occurrence: 0 };

/// Acts in a new world.
fn simulated(act: impl FnOnce()) {
    told(act, Box::new(|_| ()));
}

fn told(act: impl FnOnce(), sink: sim::Sink) {
    let names = ["a", "b", "c"].map(str::to_owned);
    sim::install(1, &names, Names::default(), sink);
    let distribution = Distribution::Uniform;
    with(|world| world.set_latency(Latency { min_ms: 10, max_ms: 10, distribution }));
    act();
    let _ = sim::uninstall();
}

/// Acts as the code of a node, at a time within a step, in microseconds.
fn at<R>(node: NodeId, time: u64, act: impl FnOnce() -> R) -> R {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let _inside = runtime.enter();
    let began = tokio::time::Instant::now();
    with(|world| world.enter(node, began, time, task_sets(), false));
    let done = act();
    with(World::leave);
    done
}

/// Acts as the code of a node, now.
fn here<R>(node: NodeId, act: impl FnOnce() -> R) -> R {
    let now = with(|world| world.now);
    at(node, now, act)
}

/// Steps of a millisecond are made.
fn pass(ms: u64) {
    for _ in 0..ms {
        with(|world| {
            let end = world.now + 1_000;
            world.begin_step(end);
            NODES.iter().for_each(|node| world.land_by(*node, end - 1));
            world.end_steps(1, end);
        });
    }
    // What lands now has landed.
    with(|world| NODES.iter().for_each(|node| world.land_by(*node, world.now)));
}

type Made = io::Result<(Reader, Writer, SocketAddr)>;

/// Somebody who connects or accepts.
struct Trying<'a> {
    node: NodeId,
    future: Pin<Box<dyn Future<Output = Made> + 'a>>,
    woken: Woken,
}

impl Trying<'_> {
    /// What comes of it, if anything does by now.
    fn look(&mut self) -> Option<Made> {
        let waker = self.woken.waker();
        let polled =
            here(self.node, || self.future.as_mut().poll(&mut Context::from_waker(&waker)));
        match polled {
            Poll::Ready(made) => Some(made),
            Poll::Pending => None,
        }
    }

    fn fails(&mut self) -> Option<ErrorKind> {
        self.look().map(|made| made.expect_err("it should fail").kind())
    }
}

fn connecting(node: NodeId, address: &str) -> Trying<'_> {
    let future = Box::pin(async { connect(&Place::parse(address)?, 0).await });
    Trying { node, future, woken: Woken::default() }
}

fn accepting(node: NodeId, listening: &Listening) -> Trying<'_> {
    let future = Box::pin(std::future::poll_fn(|context| listening.poll_accept(context)));
    Trying { node, future, woken: Woken::default() }
}

fn bind(node: NodeId, address: &str) -> io::Result<Listening> {
    here(node, || Listening::bind(&Place::parse(address)?))
}

/// Both ends of a connection that is made: of who connects, and of who accepts.
fn pair(from: NodeId, to: NodeId) -> ((Reader, Writer), (Reader, Writer)) {
    let listening = bind(to, "0.0.0.0:5").unwrap();
    let address = with(|world| world.network.socket(to, 5)).to_string();
    let mut connecting = connecting(from, &address);
    let at_once = connecting.look();
    pass(WAY);
    let (to_read, to_write, _) = accepting(to, &listening).look().unwrap().unwrap();
    pass(WAY);
    let (reader, writer, _) = at_once.or_else(|| connecting.look()).unwrap().unwrap();
    ((reader, writer), (to_read, to_write))
}

fn send(writer: &Writer, frame: &'static [u8]) -> Poll<io::Result<()>> {
    writer.poll_send(None, "publish", &mut Some(Bytes::from_static(frame)))
}

/// As [`send`], where there is room.
fn sends(writer: &Writer, frame: &'static [u8]) {
    assert!(matches!(send(writer, frame), Poll::Ready(Ok(()))));
}

fn write(writer: &Writer, bytes: &[u8]) -> Poll<Result<usize, ErrorKind>> {
    let written = writer.poll_write(Some(Waker::noop()), bytes);
    written.map_err(|error| error.kind())
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Frame(Vec<u8>),
    Bytes(Vec<u8>),
    End,
    Error(ErrorKind),
}

fn looks(reader: &Reader, waker: &Waker) -> Found {
    match reader.poll_next(&mut Context::from_waker(waker)) {
        Poll::Pending => Found::Nothing,
        Poll::Ready(Ok(Next::Frame)) => Found::Frame(reader.take_frame().unwrap().to_vec()),
        Poll::Ready(Ok(Next::Bytes(bytes))) => Found::Bytes(bytes.to_vec()),
        Poll::Ready(Ok(Next::End)) => Found::End,
        Poll::Ready(Err(error)) => Found::Error(error.kind()),
    }
}

fn read(reader: &Reader) -> Found {
    looks(reader, Waker::noop())
}

/// All frames that have come.
fn frames(reader: &Reader) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| match read(reader) {
        Found::Frame(frame) => Some(frame),
        _ => None,
    })
    .collect()
}

fn reset() -> Found {
    Found::Error(ErrorKind::ConnectionReset)
}

fn felt(fault: u16) -> u64 {
    with(|world| world.felt(fault))
}

/// How many connections are known.
fn known() -> usize {
    with(|world| world.network.all().count())
}

fn under_way() -> Option<String> {
    with(|world| world.under_way())
}

/// How much memory is counted as held in a node.
fn memory(node: NodeId) -> u64 {
    with(|world| world.machine(node).unwrap().hindered.memory)
}

fn cut() -> LinkState {
    LinkState { cuts: vec![3], ..LinkState::default() }
}

fn held() -> LinkState {
    LinkState { held: true, ..LinkState::default() }
}

/// Faults act on these directions from now on, and on no other.
fn links<const N: usize>(links: [(Direction, LinkState); N]) {
    with(|world| world.set_links(links.into()));
}

/// A fault that acts on each frame from the first node to the second, by five milliseconds where it is about time.
fn fault(step: u16, tampering: Tampering) -> MessageFault {
    MessageFault {
        id: OccurrenceId { step, occurrence: 0 },
        draw: 7,
        tampering,
        share: 1.0,
        kinds: Vec::new(),
        links: None,
        delay_ms: (5, 5),
        by_order: false,
    }
}

fn tamper(step: u16, tampering: Tampering) {
    with(|world| world.tamper(fault(step, tampering)));
}

fn heal(step: u16) {
    with(|world| world.end(OccurrenceId { step, occurrence: 0 }));
}

/// The power of a node fails.
fn power_off(node: NodeId) {
    with(|world| world.cut_power(node));
}

/// As the harness does it, when the code of the node is gone.
fn stops(node: NodeId) {
    with(|world| world.node_goes_down(node));
    with(|world| world.node_stops(node));
}
