//! The services' database: each group's ledger of effects, and the ids it has processed, which become
//! durable together, in one record of one journal.

mod books;
pub(crate) mod ledger;
pub(crate) mod marks;
pub(crate) mod policy;
mod transaction;

pub use policy::StorePolicy;

use crate::{
    Error,
    calls::{self, Call},
    metrics::Metrics,
    wire::store::StoreRequest,
};
use books::Books;
use squall_probe::{What, name, net::TcpListener, point, record};
use std::path::PathBuf;
use tokio::sync::mpsc::Receiver;

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Where it listens: `0.0.0.0:9100`.
    pub listen: String,
    /// Where its files are.
    pub data: PathBuf,
    /// What it decides.
    pub policy: StorePolicy,
    /// What it counts.
    pub metrics: Metrics,
}

/// The number of requests that may wait; once they do, callers wait to be heard.
pub const QUEUE: usize = 256;

/// What requests wait in, as records call it.
pub const QUEUED: &str = "store requests";

/// Runs the store until it fails.
///
/// # Errors
/// It cannot listen, its disk failed, or its journal is damaged: start it again, and it recovers.
pub async fn run(config: StoreConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut books = Books::open(&config.data, config.policy)?;
    let mut queue = calls::take(listener, QUEUE, config.policy.checksums);
    serve(&mut books, &mut queue, &config).await
}

async fn serve(
    books: &mut Books,
    queue: &mut Receiver<Call<StoreRequest>>,
    config: &StoreConfig,
) -> Result<(), Error> {
    let mut turn = Vec::new();
    loop {
        let stop = tokio::select! {
            biased;
            count = queue.recv_many(&mut turn, 64) => {
                if count == 0 {
                    return Err("the store's inputs are closed".into());
                }
                false
            }
            () = squall_probe::stop_asked() => true,
        };
        if stop {
            (config.policy.stopping)(queue).await;
            return Ok(());
        }
        let mut answers = Vec::new();
        let mut landed = Vec::new();
        for call in turn.drain(..) {
            let (request, caller) = call.apart();
            let kind = if request == StoreRequest::Describe { "describe" } else { "store_ack" };
            let body = books.handle(request, &mut landed)?;
            answers.push((kind, caller, body));
        }
        books.sync()?;
        record(What::Buffered { buffer: name(QUEUED), amount: queue.len() as u64 });
        config.metrics.handled(landed.len());
        for what in landed {
            record(what);
        }
        point("store.synced").await;
        for (kind, caller, body) in answers {
            caller.answer(kind, body);
        }
    }
}
