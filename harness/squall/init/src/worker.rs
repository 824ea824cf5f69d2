//! A worker: asks for a job, does it, and says so.

use crate::{queue::QUEUE, wire::Connection};
use squall::system::Error;
use squall_probe::{EventId, Phase, Position, What, name, point, record, time::sleep};
use std::time::Duration;

/// How long it waits when there is nothing to do, or nobody to ask.
const IDLE: Duration = Duration::from_millis(20);

/// How long a job takes.
const WORK: Duration = Duration::from_millis(10);

pub async fn run(worker: &str) -> Result<(), Error> {
    loop {
        // Whatever becomes of the connection: the job that it was given comes again when its lease has ended.
        if let Ok(mut broker) = Connection::open().await {
            let _ = work(worker, &mut broker).await;
        }
        sleep(IDLE).await;
    }
}

async fn work(worker: &str, broker: &mut Connection) -> Result<(), Error> {
    loop {
        let answer = broker.ask(&format!("receive {worker}")).await?;
        let Some((job, count)) = answer.strip_prefix("job ").and_then(|job| job.split_once(' '))
        else {
            sleep(IDLE).await;
            continue;
        };
        handle(worker, broker, job.parse()?, count.parse()?).await?;
    }
}

async fn handle(worker: &str, broker: &mut Connection, job: u64, count: u32) -> Result<(), Error> {
    sleep(WORK).await;
    let (queue, event) = (name(QUEUE), EventId(job));
    // The mail is sent, the invoice is printed: it cannot be taken back.
    record(What::Apply {
        group: queue,
        position: Position::new(0, job),
        event,
        generation: u64::from(count),
        member: name(worker),
    });
    point("worker.handled").await;
    let tell = |phase| {
        record(What::AcknowledgeMessage { queue, message: job, event, count, phase });
    };
    tell(Phase::Invoke);
    let answer = broker.ask(&format!("done {job} {count}")).await;
    tell(match answer.as_deref() {
        Ok("ok") => Phase::Ok,
        Ok(_) => Phase::Fail,
        // Nobody knows.
        Err(_) => Phase::Info,
    });
    answer.map(drop)
}
