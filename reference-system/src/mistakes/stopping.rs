//! Mistakes that the store can make when it stops.

use crate::{
    calls::Call,
    wire::store::{StoreReply, StoreRequest},
};
use std::{pin::Pin, time::Duration};
use tokio::sync::mpsc::Receiver;

/// What comes while the store is stopping is answered, and never written.
pub(super) fn answer_and_forget<'a>(
    queue: &'a mut Receiver<Call<StoreRequest>>,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    let draining = async {
        while let Some(call) = queue.recv().await {
            let (request, caller) = call.apart();
            if matches!(request, StoreRequest::Apply { .. }) {
                caller.answer("store_ack", StoreReply::Done);
            }
        }
    };
    Box::pin(async move {
        let _ = squall_probe::time::timeout(Duration::from_millis(300), draining).await;
    })
}
