//! A system of your own in one file: a server that stores events, and clients that send them.
//!
//!     cargo run -p squall --example tiny -- run my-scenarios/
//!
//! It has no replicas; the server's file is its log, and an event takes effect when it is synced there. It knows one
//! mistake, `--defect no-sync`: with it a suite shows that it would notice.

use bytes::Bytes;
use squall::system::{
    Client, Cluster, Defect, Error, Event, LocalFuture, Node, Outcome, Promises, Role, State,
    System, kafka_like_log,
};
use squall_probe::{EventId, Position, StateOf, What, fs, name, net, point, record, signal};
use std::{
    collections::BTreeSet,
    io::Write as _,
    process::ExitCode,
    rc::Rc,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

const GROUP: &str = "sink";
const FILE: &str = "/data/events";

/// The mistake that it can be told to make.
const NO_SYNC: &str = "no-sync";

/// An event in the file, in bytes: a frame.
const EVENT: usize = 16;

struct Tiny;

static DEFECTS: LazyLock<[Defect; 1]> = LazyLock::new(|| {
    [Defect {
        id: NO_SYNC,
        about: "the server answers before it has synced",
        breaks: vec!["no_loss"],
    }]
});

const ROLES: &[Role] = &[
    Role {
        name: "server",
        plural: "servers",
        default: 1,
        min: 1,
        max: 1,
        client: false,
        replica: true,
        about: "Stores events",
    },
    Role {
        name: "client",
        plural: "clients",
        default: 1,
        min: 1,
        max: 5,
        client: true,
        replica: false,
        about: "Sends events",
    },
];

impl System for Tiny {
    fn name(&self) -> &str {
        "tiny"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[GROUP]
    }
    fn messages(&self) -> &[&'static str] {
        &["send", "answer"]
    }
    fn points(&self) -> &[&'static str] {
        &["server.synced"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[("server.synced", "the server has synced an event, and not answered")]
    }
    fn defects(&self) -> &[Defect] {
        DEFECTS.as_slice()
    }
    fn promises(&self) -> Promises {
        kafka_like_log()
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(serve(node, cluster))
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::<Sender>::default() as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async move {
            if node.role != "server" {
                return Ok(Vec::new());
            }
            let count = ask("send", 0).await.ok_or("no answer")?;
            let state = |of| State { node: node.id, of, position: count, digest: 0 };
            let log = state(StateOf::Replica { partition: 0 });
            Ok(vec![log, state(StateOf::Projection { group: name(GROUP) })])
        })
    }
}

async fn serve(node: Node, cluster: Cluster) -> Result<(), Error> {
    let listener = net::TcpListener::bind("0.0.0.0:7000").await?;
    let mut file = fs::open(FILE)?;
    fs::sync_dir("/data")?;
    record(What::Rebuild);
    // There is nobody else to lead; each life is a term of its own.
    record(What::Lead { term: u64::from(node.incarnation) + 1 });
    let mut stored = BTreeSet::new();
    // A torn last event was never answered for.
    let content = fs::read(FILE)?;
    for (event, offset) in content.chunks(EVENT).map_while(number_in).zip(0..) {
        stored.insert(event);
        appended(event, offset);
        // What was found may be in memory only, and be so after a sync that failed: it is written again.
        file.write_all(&frame_of(event))?;
    }
    file.set_len((stored.len() * EVENT) as u64)?;
    file.sync_all()?;
    let syncs = !cluster.defects.iter().any(|defect| defect == NO_SYNC);
    loop {
        let (stream, _) = tokio::select! {
            biased;
            // Everything that was answered for is on disk: there is nothing to finish.
            () = squall_probe::stop_asked() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let (sender, mut receiver) = stream.into_frames();
        while let Ok(Some(frame)) = receiver.recv().await {
            let Some(event) = number_in(&frame) else { break };
            if event > 0 && stored.insert(event) {
                let mut stored_it = file.write_all(&frame_of(event));
                if syncs {
                    stored_it = stored_it.and_then(|()| file.sync_all());
                }
                if let Err(error) = stored_it {
                    // Nobody will be answered: nobody shall find it.
                    file.set_len(((stored.len() - 1) * EVENT) as u64)?;
                    return Err(error.into());
                }
                let offset = stored.len() as u64 - 1;
                appended(event, offset);
                let (group, position) = (name(GROUP), Position::new(0, offset));
                let (event, member) = (EventId(event), name("server-1"));
                record(What::Apply { group, position, event, generation: 1, member });
                point("server.synced").await;
            }
            sender.send("answer", frame_of(stored.len() as u64)).await?;
        }
    }
}

/// A number and its complement, by which damage shows.
fn frame_of(number: u64) -> Bytes {
    [number.to_be_bytes(), (!number).to_be_bytes()].concat().into()
}

fn number_in(frame: &[u8]) -> Option<u64> {
    let (number, check) = frame.split_at_checked(8)?;
    let number = u64::from_be_bytes(number.try_into().ok()?);
    let check = u64::from_be_bytes(check.try_into().ok()?);
    (check == !number).then_some(number)
}

fn appended(event: u64, offset: u64) {
    let position = Position::new(0, offset);
    record(What::Append { position, event: EventId(event), key: 0, term: 1, content: 0 });
}

/// Sends one event and waits for the answer: how many events the server has.
async fn ask(kind: &'static str, event: u64) -> Option<u64> {
    timeout(Duration::from_millis(300), async {
        let (sender, mut receiver) =
            net::TcpStream::connect("server-1:7000").await.ok()?.into_frames();
        sender.send(kind, frame_of(event)).await.ok()?;
        number_in(&receiver.recv().await.ok()??)
    })
    .await
    .ok()?
}

/// One event after the other: the order of a client's events is promised.
#[derive(Default)]
struct Sender(Rc<Mutex<()>>);

impl Client for Sender {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let turn = self.0.clone();
        Box::pin(async move {
            let _turn = turn.lock().await;
            let mut early = Some(early);
            for attempt in 0.. {
                if ask("send", event.id.0).await.is_some() {
                    return Outcome::Ok(None);
                }
                signal("retried");
                if attempt == 5
                    && let Some(early) = early.take()
                {
                    early("still no answer".to_owned());
                }
                sleep(Duration::from_millis(100)).await;
            }
            Outcome::Info("gave up".to_owned())
        })
    }
}

fn main() -> ExitCode {
    squall::main(Arc::new(Tiny))
}
