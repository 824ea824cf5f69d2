//! A consumer: receives a message, handles it, acknowledges it. Some take longer than a lease lasts, some it gives back.

use crate::{
    kind::Kind,
    wire::{Answer, Connection, Handle, Request},
};
use rand::RngExt as _;
use squall::system::Error;
use squall_probe::{EventId, Name, Phase, Position, What, name, point, record, rng, time::sleep};
use std::time::Duration;

/// How long it waits when there is nothing.
const IDLE: Duration = Duration::from_millis(20);

struct Consumer {
    kind: &'static Kind,
    queues: Vec<Name>,
    member: Name,
    /// A connection holds leases where these end with it, so it is kept while it works.
    connection: Connection,
}

/// A message that it was given.
#[derive(Clone, Copy)]
struct Message {
    handle: Handle,
    event: u64,
    poison: bool,
}

pub async fn run(kind: &'static Kind, node: &str) -> Result<(), Error> {
    loop {
        // Whatever becomes of a connection: what was out over it comes again.
        if let Ok(connection) = Connection::open().await {
            let queues = kind.queues.iter().map(|queue| name(queue)).collect();
            let mut consumer = Consumer { kind, queues, member: name(node), connection };
            let _ = consumer.work(node).await;
        }
        sleep(5 * IDLE).await;
    }
}

impl Consumer {
    async fn work(&mut self, node: &str) -> Result<(), Error> {
        let mut rng = rng("handling");
        loop {
            let mut idle = true;
            for queue in 0..u16::try_from(self.queues.len())? {
                let request = Request::Receive { consumer: node.to_owned(), queue };
                if let Answer::Delivery { handle, event, poison } =
                    self.connection.ask(&request).await?
                {
                    idle = false;
                    let takes = Duration::from_millis(rng.random_range(5..15));
                    self.handle(Message { handle, event, poison }, takes).await?;
                }
            }
            if idle {
                sleep(IDLE).await;
            }
        }
    }

    async fn handle(&mut self, message: Message, takes: Duration) -> Result<(), Error> {
        let first = message.handle.count == 1;
        let dead_letters = (self.kind.promises)().dead_letters != squall::system::DeadLetters::None;
        if self.kind.pops() {
            sleep(takes).await;
            self.apply(message);
            point("consumer.handled").await;
            return Ok(());
        }
        if message.event % 20 == 7 && first || message.poison && dead_letters {
            // It has no room for it now; or nobody can handle it, and in the end that shows.
            return self.refuse(message).await;
        }
        if message.event % 40 == 3
            && first
            && let Some(lease) = self.kind.lease()
        {
            sleep(lease / 2).await;
            if let Answer::Over = self.connection.ask(&Request::Extend(message.handle)).await? {
                return Ok(());
            }
            sleep(lease * 3 / 4).await;
        }
        sleep(takes).await;
        if !message.poison && !self.kind.transactional {
            self.apply(message);
        }
        point("consumer.handled").await;
        self.acknowledge(message).await
    }

    /// Something happens that cannot be taken back: a mail is sent.
    fn apply(&self, Message { handle, event, .. }: Message) {
        let (group, member) = (self.queues[usize::from(handle.queue)], self.member);
        let (position, generation) = (Position::new(0, handle.message), u64::from(handle.count));
        record(What::Apply { group, position, event: EventId(event), generation, member });
    }

    async fn acknowledge(&mut self, message: Message) -> Result<(), Error> {
        let Message { handle, event, .. } = message;
        let Handle { message, count, .. } = handle;
        let (queue, event) = (self.queues[usize::from(handle.queue)], EventId(event));
        let tell = |phase| {
            record(What::AcknowledgeMessage { queue, message, event, count, phase });
        };
        tell(Phase::Invoke);
        let answer = self.connection.ask(&Request::Acknowledge(handle)).await;
        match &answer {
            // Where acknowledgements are not confirmed, that the broker has read it says nothing.
            Ok(_) if !self.kind.confirms => {}
            Ok(Answer::Done) => tell(Phase::Ok),
            Ok(_) => tell(Phase::Fail),
            Err(_) => tell(Phase::Info),
        }
        answer.map(|_| ())
    }

    async fn refuse(&mut self, message: Message) -> Result<(), Error> {
        let Message { handle, event, .. } = message;
        let (queue, event, requeue) =
            (self.queues[usize::from(handle.queue)], EventId(event), true);
        let Handle { message, count, .. } = handle;
        record(What::Refuse { queue, message, event, count, requeue });
        self.connection.ask(&Request::Refuse { handle, requeue }).await.map(|_| ())
    }
}
