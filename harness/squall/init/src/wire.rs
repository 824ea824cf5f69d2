//! What goes over the wire: a request and its answer, each a line of text.
//!
//! | request | answer |
//! |---|---|
//! | `publish JOB` | `ok` |
//! | `receive WORKER` | `job JOB COUNT`: it is the worker's for a time; or `nothing` |
//! | `done JOB COUNT` | `ok`, or `late`: somebody else may have the job by now |
//! | `describe` | `holds JOBS DIGEST` |

use squall::system::Error;
use squall_probe::{net::TcpStream, time::timeout};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

pub const PORT: u16 = 7000;

/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// The next line; `None` when there is no other. A line without its end was cut off.
pub async fn read_line(stream: &mut BufReader<TcpStream>) -> Result<Option<String>, Error> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.strip_suffix('\n').map(str::to_owned))
}

pub async fn write_line(stream: &mut BufReader<TcpStream>, line: &str) -> Result<(), Error> {
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// A connection to the broker, for one request after the other.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub async fn open() -> Result<Self, Error> {
        let stream = timeout(PATIENCE, TcpStream::connect(("broker-1", PORT))).await??;
        Ok(Self(BufReader::new(stream)))
    }

    /// The answer to a request. After an error the connection is of no more use: what comes late would be taken for the
    /// answer to another request.
    pub async fn ask(&mut self, request: &str) -> Result<String, Error> {
        let answer = async {
            write_line(&mut self.0, request).await?;
            Ok(read_line(&mut self.0).await?.ok_or("the broker has closed the connection")?)
        };
        timeout(PATIENCE, answer).await?
    }
}
