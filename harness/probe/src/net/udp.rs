//! Datagrams.

use super::{address::ToSocketAddrs, shared::readiness, unsupported::not_simulated};
#[cfg(feature = "sim")]
use super::{
    address::{first_of, look_up},
    simulated::or_would_block,
    unsupported::unsupported,
};
#[cfg(feature = "sim")]
use crate::sim::{self, Wait};
use bytes::BufMut;
use std::{
    fmt,
    future::poll_fn,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
};
use tokio::io::{Interest, ReadBuf, Ready};

/// A socket for datagrams, as tokio's of this name.
///
/// In a simulation each datagram travels by itself over the links that connections go over: it takes its own latency, so
/// one may overtake another, a cut loses it, and faults on messages lose it, delay it or let it come twice. What is sent to
/// the broadcast address goes to all nodes; multicast is refused.
pub struct UdpSocket(Kind);

enum Kind {
    Real(tokio::net::UdpSocket),
    #[cfg(feature = "sim")]
    Simulated(sim::Datagrams),
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UdpSocket").field(&self.local_addr()).finish()
    }
}

/// As much as one datagram can carry, in bytes.
const LONGEST: usize = 65_536;

/// What tokio's socket does and a simulated one has not.
macro_rules! multicast {
    ($($(#[$about:meta])* $name:ident($($of:ident: $type:ty),*);)*) => {
        $($(#[$about])*
        ///
        /// # Errors
        /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
        pub fn $name(&self, $($of: $type),*) -> io::Result<()> {
            match &self.0 {
                Kind::Real(real) => real.$name($($of),*),
                #[cfg(feature = "sim")]
                Kind::Simulated(_) => {
                    $(let _ = $of;)*
                    Err(unsupported("multicast"))
                }
            }
        })*
    };
}

impl UdpSocket {
    /// Has a socket at `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// As tokio's: the address is in use, or not ours.
    pub async fn bind<A: ToSocketAddrs>(address: A) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let bound = first_of(&address, async |place| sim::Datagrams::bind(&place)).await;
            return bound.map(|simulated| Self(Kind::Simulated(simulated)));
        }
        tokio::net::UdpSocket::bind(address).await.map(|real| Self(Kind::Real(real)))
    }

    /// Takes a socket of std's, which is in non-blocking mode.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        not_simulated("a socket of std's")?;
        tokio::net::UdpSocket::from_std(socket).map(|real| Self(Kind::Real(real)))
    }

    /// Makes it a socket of std's.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        match self.0 {
            Kind::Real(real) => real.into_std(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Err(unsupported("a socket of std's")),
        }
    }

    /// Its own address.
    ///
    /// # Errors
    /// As tokio's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Real(real) => real.local_addr(),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => Ok(simulated.address()),
        }
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    /// As tokio's: it is connected to none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Real(real) => real.peer_addr(),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.peer(),
        }
    }

    /// Sends to `address` from now on, and receives what comes from there alone.
    ///
    /// # Errors
    /// As tokio's: unknown host.
    pub async fn connect<A: ToSocketAddrs>(&self, address: A) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.connect(address).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.connect(first(&address)?),
        }
    }

    /// Waits until it can be received from or sent with, or both, as asked for.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match &self.0 {
            Kind::Real(real) => real.ready(interest).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => {
                poll_fn(|context| {
                    let mut ready =
                        if interest.is_writable() { Ready::WRITABLE } else { Ready::EMPTY };
                    let wait = Wait::Looks(context.waker());
                    if interest.is_readable() && simulated.poll_readable(wait).is_ready() {
                        ready |= Ready::READABLE;
                    }
                    if ready.is_empty() { Poll::Pending } else { Poll::Ready(Ok(ready)) }
                })
                .await
            }
        }
    }

    readiness!(Kind::Real(real) => real, Kind::Simulated(_));

    /// As [`UdpSocket::readable`], for the one task that receives.
    pub fn poll_recv_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Real(real) => real.poll_recv_ready(context),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => {
                simulated.poll_readable(Wait::Reads(context.waker())).map(Ok)
            }
        }
    }

    /// As [`UdpSocket::writable`].
    pub fn poll_send_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Real(real) => real.poll_send_ready(context),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Poll::Ready(Ok(())),
        }
    }

    /// Sends a datagram to the address that it is connected to: how many bytes.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.send(bytes).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.send(bytes, None),
        }
    }

    /// As [`UdpSocket::send`].
    pub fn poll_send(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &self.0 {
            Kind::Real(real) => real.poll_send(context, bytes),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => Poll::Ready(simulated.send(bytes, None)),
        }
    }

    /// As [`UdpSocket::send`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.try_send(bytes),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.send(bytes, None),
        }
    }

    /// Sends a datagram to an address: how many bytes.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn send_to<A: ToSocketAddrs>(&self, bytes: &[u8], address: A) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.send_to(bytes, address).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.send(bytes, Some(first(&address)?)),
        }
    }

    /// As [`UdpSocket::send_to`].
    pub fn poll_send_to(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        address: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        match &self.0 {
            Kind::Real(real) => real.poll_send_to(context, bytes, address),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => Poll::Ready(simulated.send(bytes, Some(address))),
        }
    }

    /// As [`UdpSocket::send_to`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's.
    pub fn try_send_to(&self, bytes: &[u8], address: SocketAddr) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.try_send_to(bytes, address),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.send(bytes, Some(address)),
        }
    }

    /// Receives a datagram: how many bytes. What the buffer has no room for is lost.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buffer).await.map(|(count, _)| count)
    }

    /// As [`UdpSocket::recv`].
    pub fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_recv_from(context, buffer).map_ok(|_| ())
    }

    /// As [`UdpSocket::recv`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has come.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_recv_from(buffer).map(|(count, _)| count)
    }

    /// As [`UdpSocket::recv`], into a buffer that grows.
    ///
    /// # Errors
    /// As those of it.
    pub async fn recv_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        self.recv_buf_from(buffer).await.map(|(count, _)| count)
    }

    /// As [`UdpSocket::try_recv`], into a buffer that grows.
    ///
    /// # Errors
    /// As those of it.
    pub fn try_recv_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
        self.try_recv_buf_from(buffer).map(|(count, _)| count)
    }

    /// Receives a datagram: how many bytes, and who sent it. What the buffer has no room for is lost.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.0 {
            Kind::Real(real) => real.recv_from(buffer).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => receive(simulated, buffer, false).await,
        }
    }

    /// As [`UdpSocket::recv_from`].
    pub fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        match &self.0 {
            Kind::Real(real) => real.poll_recv_from(context, buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => {
                simulated.poll_receive(Wait::Reads(context.waker()), buffer, false)
            }
        }
    }

    /// As [`UdpSocket::recv_from`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has come.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.0 {
            Kind::Real(real) => real.try_recv_from(buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => try_receive(simulated, buffer, false),
        }
    }

    /// As [`UdpSocket::recv_from`], into a buffer that grows.
    ///
    /// # Errors
    /// As those of it.
    pub async fn recv_buf_from<B: BufMut>(
        &self,
        buffer: &mut B,
    ) -> io::Result<(usize, SocketAddr)> {
        let mut bytes = vec![0; buffer.remaining_mut().min(LONGEST)];
        let (count, from) = self.recv_from(&mut bytes).await?;
        buffer.put_slice(&bytes[..count]);
        Ok((count, from))
    }

    /// As [`UdpSocket::try_recv_from`], into a buffer that grows.
    ///
    /// # Errors
    /// As those of it.
    pub fn try_recv_buf_from<B: BufMut>(&self, buffer: &mut B) -> io::Result<(usize, SocketAddr)> {
        let mut bytes = vec![0; buffer.remaining_mut().min(LONGEST)];
        let (count, from) = self.try_recv_from(&mut bytes)?;
        buffer.put_slice(&bytes[..count]);
        Ok((count, from))
    }

    /// Copies the datagram that would be received, which stays: how many bytes.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.peek_from(buffer).await.map(|(count, _)| count)
    }

    /// As [`UdpSocket::peek`].
    pub fn poll_peek(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_peek_from(context, buffer).map_ok(|_| ())
    }

    /// As [`UdpSocket::peek`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has come.
    pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_peek_from(buffer).map(|(count, _)| count)
    }

    /// As [`UdpSocket::peek`], and who sent it.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.0 {
            Kind::Real(real) => real.peek_from(buffer).await,
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => receive(simulated, buffer, true).await,
        }
    }

    /// As [`UdpSocket::peek_from`].
    pub fn poll_peek_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        match &self.0 {
            Kind::Real(real) => real.poll_peek_from(context, buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => {
                simulated.poll_receive(Wait::Looks(context.waker()), buffer, true)
            }
        }
    }

    /// As [`UdpSocket::peek_from`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has come.
    pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.0 {
            Kind::Real(real) => real.try_peek_from(buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => try_receive(simulated, buffer, true),
        }
    }

    /// Who sent the datagram that would be received.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        poll_fn(|context| self.poll_peek_sender(context)).await
    }

    /// As [`UdpSocket::peek_sender`].
    pub fn poll_peek_sender(&self, context: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_peek_from(context, &mut ReadBuf::new(&mut []))
    }

    /// As [`UdpSocket::peek_sender`], if that does not wait.
    ///
    /// # Errors
    /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has come.
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.try_peek_from(&mut []).map(|(_, from)| from)
    }

    /// Whether it may send to all (`SO_BROADCAST`).
    ///
    /// # Errors
    /// As tokio's.
    pub fn broadcast(&self) -> io::Result<bool> {
        match &self.0 {
            Kind::Real(real) => real.broadcast(),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.broadcast(),
        }
    }

    /// Says whether it may send to all.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_broadcast(on),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.set_broadcast(on),
        }
    }

    /// How many hops its packets may make. In a simulation always 64.
    ///
    /// # Errors
    /// As tokio's.
    pub fn ttl(&self) -> io::Result<u32> {
        match &self.0 {
            Kind::Real(real) => real.ttl(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Ok(64),
        }
    }

    /// Says how many hops its packets may make. Of no effect in a simulation.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_ttl(ttl),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Ok(()),
        }
    }

    multicast! {
        /// Receives what is sent to a group.
        join_multicast_v4(group: Ipv4Addr, interface: Ipv4Addr);
        /// Receives what is sent to a group.
        join_multicast_v6(group: &Ipv6Addr, interface: u32);
        /// Receives what is sent to a group no more.
        leave_multicast_v4(group: Ipv4Addr, interface: Ipv4Addr);
        /// Receives what is sent to a group no more.
        leave_multicast_v6(group: &Ipv6Addr, interface: u32);
        /// Says whether it receives what it sends to a group.
        set_multicast_loop_v4(on: bool);
        /// Says whether it receives what it sends to a group.
        set_multicast_loop_v6(on: bool);
        /// Says how many hops its packets to a group may make.
        set_multicast_ttl_v4(ttl: u32);
    }

    /// The error that waits to be told.
    ///
    /// # Errors
    /// As tokio's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        match &self.0 {
            Kind::Real(real) => real.take_error(),
            #[cfg(feature = "sim")]
            Kind::Simulated(simulated) => simulated.take_error(),
        }
    }
}

/// The first address of several.
#[cfg(feature = "sim")]
fn first(address: &impl ToSocketAddrs) -> io::Result<SocketAddr> {
    let first = look_up(address)?.into_iter().next();
    first.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")
    })
}

#[cfg(feature = "sim")]
async fn receive(
    from: &sim::Datagrams,
    buffer: &mut [u8],
    stays: bool,
) -> io::Result<(usize, SocketAddr)> {
    let mut buffer = ReadBuf::new(buffer);
    let sender =
        poll_fn(|context| from.poll_receive(Wait::Looks(context.waker()), &mut buffer, stays))
            .await?;
    Ok((buffer.filled().len(), sender))
}

#[cfg(feature = "sim")]
fn try_receive(
    from: &sim::Datagrams,
    buffer: &mut [u8],
    stays: bool,
) -> io::Result<(usize, SocketAddr)> {
    let mut buffer = ReadBuf::new(buffer);
    let sender = or_would_block(from.poll_receive(Wait::No, &mut buffer, stays))?;
    Ok((buffer.filled().len(), sender))
}
