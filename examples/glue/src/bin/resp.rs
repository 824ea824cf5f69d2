//! Requests over Redis' protocol, by a server that knows nothing but tokio, whose `tokio::net` is `squall_probe::net` here:
//! faults on messages know commands and replies by themselves. What it logs by `tracing` is in the replay of a run.

use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    tracing::ReplayLayer,
};
use std::{io, process::ExitCode};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter,
};
use tracing::{info, warn};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[derive(Default)]
struct Resp;

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A connection that is read and written through buffers.
struct Connection(BufReader<BufWriter<TcpStream>>);

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(BufWriter::new(stream)))
    }

    /// A line of a kind, and the number in it; `None` at the end of the connection.
    async fn number(&mut self, kind: char) -> io::Result<Option<usize>> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let number = line.trim_end().strip_prefix(kind).and_then(|number| number.parse().ok());
        number.map(Some).ok_or_else(|| wrong(&line))
    }

    /// A command: an array of strings.
    async fn command(&mut self) -> io::Result<Option<Vec<String>>> {
        let Some(count) = self.number('*').await? else { return Ok(None) };
        let mut words = Vec::new();
        for _ in 0..count {
            let length = self.number('$').await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut bytes = vec![0; length + 2];
            self.0.read_exact(&mut bytes).await?;
            bytes.truncate(length);
            words.push(String::from_utf8(bytes).map_err(|_| wrong("no text"))?);
        }
        Ok(Some(words))
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        self.0.flush().await
    }
}

async fn handle(stream: TcpStream, store: Store) -> io::Result<()> {
    let mut connection = Connection::new(stream);
    while let Some(command) = connection.command().await? {
        let reply = match command.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["SET", key, _] => {
                let event = key.parse().map_err(|_| wrong(key))?;
                format!(":{}\r\n", store.keep(event)?)
            }
            _ => format!("-ERR unknown command {command:?}\r\n"),
        };
        connection.write(&reply).await?;
    }
    Ok(())
}

async fn set(server: impl ToSocketAddrs, key: u64) -> Result<u64, Error> {
    let mut connection = Connection::new(TcpStream::connect(server).await?);
    let key = key.to_string();
    let command = format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\n1\r\n", key.len());
    connection.write(&command).await?;
    let count = connection.number(':').await?.ok_or("no reply")?;
    Ok(count.try_into()?)
}

impl Transport for Resp {
    const NAME: &'static str = "resp";
    const MESSAGES: &'static [&'static str] = &["SET", "reply"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        info!(address = %listener.local_addr()?, "listening");
        loop {
            let (stream, peer) = listener.accept().await?;
            let store = store.clone();
            tokio::spawn(async move {
                if let Err(error) = handle(stream, store).await {
                    warn!(%peer, %error, "a connection failed");
                }
            });
        }
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        set(("server-1", 7000), event).await
    }
}

fn main() -> ExitCode {
    tracing_subscriber::registry().with(ReplayLayer).init();
    squall_example_glue::main::<Resp>()
}
