//! TCP between the hosts of a world, with tokio's names.

use crate::{
    current,
    world::{Host, Pipe, try_with, with},
};
use bytes::{Buf as _, Bytes};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};

/// What is only used on the thread of its world, where the code under it asks for `Send`.
#[derive(Debug)]
pub(crate) struct Here<T>(pub(crate) T);
// SAFETY: a world and all its tasks live on one thread, whose runtime is a `LocalRuntime`; the prototype gives none of
// them away.
unsafe impl<T> Send for Here<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Here<T> {}

/// Connections that wait to be accepted.
#[derive(Default)]
pub(crate) struct Backlog {
    waiting: RefCell<VecDeque<TcpStream>>,
    acceptor: RefCell<Option<Waker>>,
}

fn here() -> Host {
    current().expect("sockets belong to tasks of hosts")
}

fn address(host: Host, port: u16) -> SocketAddr {
    (Ipv4Addr::from(0x0a00_0001 + host.index), port).into()
}

fn port_of(address: &str) -> io::Result<(&str, u16)> {
    let (host, port) = address.rsplit_once(':').ok_or(io::ErrorKind::InvalidInput)?;
    Ok((host, port.parse().map_err(io::Error::other)?))
}

pub struct TcpListener {
    backlog: Here<Rc<Backlog>>,
    local: SocketAddr,
}

impl TcpListener {
    pub async fn bind(address_of_it: &str) -> io::Result<Self> {
        let (_, port) = port_of(address_of_it)?;
        let host = here();
        let backlog = Rc::new(Backlog::default());
        with(|state| state.listeners.insert((host.index, port), backlog.clone()));
        Ok(Self { backlog: Here(backlog), local: address(host, port) })
    }

    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        let backlog = &self.backlog;
        poll_fn(move |context| {
            if let Some(stream) = backlog.0.waiting.borrow_mut().pop_front() {
                let peer = stream.peer;
                return Poll::Ready(Ok((stream, peer)));
            }
            *backlog.0.acceptor.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

#[derive(Debug)]
pub struct TcpStream {
    read: tcp::OwnedReadHalf,
    write: tcp::OwnedWriteHalf,
    local: SocketAddr,
    peer: SocketAddr,
}

impl TcpStream {
    pub async fn connect(address_of_it: &str) -> io::Result<Self> {
        let (name, port) = port_of(address_of_it)?;
        let me = here();
        sleep(with(|state| state.latency())).await;
        let connected = with(|state| {
            let peer = state.named(name).ok_or(io::ErrorKind::NotFound)?;
            let listener = state.listeners.get(&(peer.index, port)).cloned();
            Ok::<_, io::Error>((peer, listener))
        });
        let connected = connected.map(|(peer, listener)| {
            let backlog = listener?;
            let (to, from) = (Pipe::new(me, peer), Pipe::new(peer, me));
            let (mine, theirs) = (address(me, 40_000), address(peer, port));
            let accepted = Self::new(to.clone(), from.clone(), theirs, mine);
            backlog.waiting.borrow_mut().push_back(accepted);
            if let Some(acceptor) = backlog.acceptor.borrow_mut().take() {
                acceptor.wake();
            }
            Some(Self::new(from, to, mine, theirs))
        });
        sleep(with(|state| state.latency())).await;
        connected?.ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }

    fn new(read: Rc<Pipe>, write: Rc<Pipe>, local: SocketAddr, peer: SocketAddr) -> Self {
        Self {
            read: tcp::OwnedReadHalf { pipe: Here(read) },
            write: tcp::OwnedWriteHalf { pipe: Here(write), ended: Cell::new(false) },
            local,
            peer,
        }
    }

    pub fn set_nodelay(&self, _nodelay: bool) -> io::Result<()> {
        Ok(())
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }

    pub fn into_split(self) -> (tcp::OwnedReadHalf, tcp::OwnedWriteHalf) {
        (self.read, self.write)
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}

/// As `tokio::net::tcp`.
pub mod tcp {
    use super::*;

    pub struct OwnedReadHalf {
        pub(super) pipe: Here<Rc<Pipe>>,
    }

    impl std::fmt::Debug for OwnedReadHalf {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("OwnedReadHalf")
        }
    }

    impl AsyncRead for OwnedReadHalf {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let pipe = &self.pipe.0;
            let mut arrived = pipe.arrived.borrow_mut();
            if let Some(first) = arrived.front_mut() {
                let count = first.len().min(buffer.remaining());
                buffer.put_slice(&first[..count]);
                first.advance(count);
                if first.is_empty() {
                    arrived.pop_front();
                }
                return Poll::Ready(Ok(()));
            }
            if pipe.ended.get() {
                return Poll::Ready(Ok(()));
            }
            *pipe.reader.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        }
    }

    pub struct OwnedWriteHalf {
        pub(super) pipe: Here<Rc<Pipe>>,
        pub(super) ended: Cell<bool>,
    }

    impl std::fmt::Debug for OwnedWriteHalf {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("OwnedWriteHalf")
        }
    }

    impl AsyncWrite for OwnedWriteHalf {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.ended.get() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let pipe = &self.pipe.0;
            with(|state| state.send(pipe, Some(Bytes::copy_from_slice(bytes))));
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if !self.ended.replace(true) {
                let pipe = &self.pipe.0;
                with(|state| state.send(pipe, None));
            }
            Poll::Ready(Ok(()))
        }
    }

    impl Drop for OwnedWriteHalf {
        fn drop(&mut self) {
            if !self.ended.replace(true) && tokio::runtime::Handle::try_current().is_ok() {
                let pipe = &self.pipe.0;
                try_with(|state| state.send(pipe, None));
            }
        }
    }
}
