//! Connections.

#[cfg(feature = "sim")]
use super::halves::Sends;
use super::{
    frames::{self, FrameReceiver, FrameSender},
    halves::{Read, ReadHalf, Write, WriteHalf},
};
#[cfg(feature = "sim")]
use crate::sim;
use std::io;

/// A connection.
#[derive(Debug)]
pub struct TcpStream(pub(super) Transport);

#[derive(Debug)]
pub(super) enum Transport {
    Real(tokio::net::TcpStream),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::TcpStream, sim::Wire),
}

impl TcpStream {
    /// Connects to `address` (`broker-1:9000`).
    ///
    /// Give it a timeout: a host that is cut off or down does not answer.
    ///
    /// # Errors
    /// As tokio's: refused, unknown host.
    pub async fn connect(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            loop {
                sim::reachable(host).await?;
                let slow = sim::slows(host);
                // A cut takes the handshake away as well. turmoil then says "refused" at once, or answers
                // over a way that does not exist; who connects would hear nothing, and try on.
                let connected = turmoil::net::TcpStream::connect(address).await;
                slow.over();
                match connected {
                    Ok(stream) if !sim::silent(host) => {
                        let port = stream.local_addr()?.port();
                        let wire = sim::Wire::connected(stream.peer_addr()?, port);
                        return Ok(Self(Transport::Simulated(stream, wire)));
                    }
                    Ok(_) => {}
                    Err(error)
                        if error.kind() == io::ErrorKind::ConnectionRefused
                            && sim::silent(host) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(Transport::Real(stream)))
    }

    /// Splits it into halves that can live in different tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self.0 {
            Transport::Real(real) => {
                let (read, write) = real.into_split();
                (ReadHalf(Read::Real(read)), WriteHalf(Write::Real(write)))
            }
            #[cfg(feature = "sim")]
            Transport::Simulated(simulated, wire) => {
                let (read, write) = simulated.into_split();
                let twin = wire.twin();
                let write = WriteHalf(Write::Simulated(write, twin, Sends::Bytes));
                (ReadHalf(Read::Simulated(read, wire)), write)
            }
        }
    }

    /// Makes it a connection of frames, each preceded by its length (four bytes, big endian).
    #[must_use]
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        #[cfg_attr(not(feature = "sim"), allow(unused_mut))]
        let (read, mut write) = self.into_split();
        #[cfg(feature = "sim")]
        if let Write::Simulated(_, _, sends) = &mut write.0 {
            *sends = Sends::Frames;
        }
        frames::over(read, write)
    }
}
