//! The broker on the network: a task a connection, and one queue for all of them.

use crate::{
    queue::Queue,
    wire::{PORT, read_line, write_line},
};
use squall::system::Error;
use squall_probe::{
    net::{TcpListener, TcpStream},
    point,
    task::spawn,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{io::BufReader, sync::mpsc};

/// Serves until its disk fails.
pub async fn run() -> Result<(), Error> {
    let queue = Arc::new(Mutex::new(Queue::open()?));
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let (fail, mut failed) = mpsc::channel(1);
    loop {
        tokio::select! {
            biased;
            Some(error) = failed.recv() => return Err(error),
            accepted = listener.accept() => {
                spawn(serve(accepted?.0, queue.clone(), fail.clone()));
            }
        }
    }
}

async fn serve(stream: TcpStream, queue: Arc<Mutex<Queue>>, fail: mpsc::Sender<Error>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = read_line(&mut stream).await {
        let answer = queue.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
        match answer {
            Ok(answer) => {
                // Here a scenario may make something go wrong: it is done, and nobody knows.
                point("broker.answers").await;
                if write_line(&mut stream, &answer).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                let _ = fail.send(error).await;
                break;
            }
        }
    }
}
