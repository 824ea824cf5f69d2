//! What a system under test links.
//!
//! A system that takes its network, disk, clock, tasks and randomness from here runs unchanged on
//! real TCP and a real disk, and under squall's simulation. It also says here what only it can know:
//! [`record`]s of what happened, and fault [`point`]s where something could go wrong.
//!
//! The crate knows nothing of the harness. The simulated half stands behind the feature `sim` and acts
//! only on a thread on which a simulation runs; everywhere else each call is its tokio or std namesake.
//!
//! | in place of | put |
//! |---|---|
//! | `tokio::net` | [`net`] |
//! | `std::fs`, `tokio::fs` | [`fs`], [`fs::tokio`] |
//! | `tokio::spawn`, `tokio::task` | [`task`] (tokio's own work too) |
//! | `tokio::time` | [`time`] (tokio's own work too) |
//! | `std::time::SystemTime` | [`clock`] |
//! | `rand::rng()` | [`rng`] |
//!
//! A server that answers for what it has stored, as it runs in production and in a simulation:
//!
//! ```
//! use squall_probe::{EventId, What, fs, name, net::{TcpListener, TcpStream}, point, record, task};
//! use std::io::Write as _;
//! use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("squall-probe-doc-{}", std::process::id()));
//! # fs::create_dir_all(&folder)?;
//! # let path = folder.join("events");
//! let mut file = fs::File::create(&path)?;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let server = task::spawn(async move {
//!     let (mut stream, _) = listener.accept().await?;
//!     let event = stream.read_u64().await?;
//!     file.write_all(&event.to_be_bytes())?;
//!     file.sync_all()?;
//!     // For who judges: it is in the queue, as durable as it will be.
//!     let queue = name("events");
//!     record(What::Enqueue { queue, message: event, event: EventId(event), group: 0, deduplication: None });
//!     // For who injects faults: it is stored, and nobody has been told.
//!     point("server.synced").await;
//!     stream.write_u8(1).await
//! });
//! let mut client = TcpStream::connect(address).await?;
//! client.write_u64(42).await?;
//! assert_eq!(client.read_u8().await?, 1);
//! server.await??;
//! assert_eq!(fs::read(&path)?, 42_u64.to_be_bytes());
//! # fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! None is on by default, and then the crate brings four others beside tokio and its own.
//!
//! | feature | what for |
//! |---|---|
//! | `sim` | the simulated half; squall itself switches it on |
//! | `serde` | records can be written down and read |
//! | `live` | a real process writes its records down for squall's live world, see `live` |
//! | `codec`, `hyper`, `axum`, `tonic`, `tracing` | glue for those libraries, see `glue`, `codec` and `tracing` |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod generator;
mod instrument;
mod record;

pub mod clock;
#[cfg(feature = "codec")]
pub mod codec;
pub mod fs;
#[cfg(any(feature = "axum", feature = "codec", feature = "hyper", feature = "tonic"))]
pub mod glue;
#[cfg(feature = "live")]
pub mod live;
pub mod net;
#[cfg(feature = "sim")]
pub mod sim;
pub mod task;
pub mod time;
#[cfg(feature = "tracing")]
pub mod tracing;

pub use generator::Rng;
pub use instrument::{
    Reserved, counter, gauge, name, point, record, record_unless_recorded, reserve, rng, say,
    signal, stop_asked,
};
pub use record::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, Removed,
    Requeued, SagaChange, StateOf, Tampering, What, mix,
};
