//! What sockets and their halves have in common: each is tokio's own, or one of a simulation. A macro takes the pattern by
//! which a type knows the one and the other, with the name that the pattern gives it.

/// Both addresses.
macro_rules! addresses {
    ($real:pat => $socket:ident, $simulated:pat => $end:ident) => {
        /// The address of this end.
        ///
        /// # Errors
        /// As tokio's.
        pub fn local_addr(&self) -> io::Result<SocketAddr> {
            match &self.0 {
                $real => $socket.local_addr(),
                #[cfg(feature = "sim")]
                $simulated => $end.addresses().map(|(own, _)| own),
            }
        }

        /// The address of the other end.
        ///
        /// # Errors
        /// As tokio's.
        pub fn peer_addr(&self) -> io::Result<SocketAddr> {
            match &self.0 {
                $real => $socket.peer_addr(),
                #[cfg(feature = "sim")]
                $simulated => $end.addresses().map(|(_, peer)| peer),
            }
        }
    };
}

/// Reading what has come.
macro_rules! try_reads {
    ($real:pat => $socket:ident, $simulated:pat => $reader:ident) => {
        /// Reads what has come: how many bytes.
        ///
        /// # Errors
        /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has.
        pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            match &self.0 {
                $real => $socket.try_read(buffer),
                #[cfg(feature = "sim")]
                $simulated => crate::net::simulated::try_read($reader, buffer),
            }
        }

        /// As [`try_read`](Self::try_read), into several buffers.
        ///
        /// # Errors
        /// As those of it.
        pub fn try_read_vectored(&self, buffers: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
            match &self.0 {
                $real => $socket.try_read_vectored(buffers),
                #[cfg(feature = "sim")]
                $simulated => crate::net::simulated::try_read_vectored($reader, buffers),
            }
        }

        /// As [`try_read`](Self::try_read), into a buffer that grows.
        ///
        /// # Errors
        /// As those of it.
        pub fn try_read_buf<B: bytes::BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
            match &self.0 {
                $real => $socket.try_read_buf(buffer),
                #[cfg(feature = "sim")]
                $simulated => crate::net::simulated::try_read_buf($reader, buffer),
            }
        }
    };
}

/// Writing what there is room for.
macro_rules! try_writes {
    ($real:pat => $socket:ident, $simulated:pat => $writer:ident) => {
        /// Writes what there is room for: how many bytes.
        ///
        /// # Errors
        /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none.
        pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            match &self.0 {
                $real => $socket.try_write(bytes),
                #[cfg(feature = "sim")]
                $simulated => {
                    crate::net::simulated::or_would_block($writer.poll_write(None, bytes))
                }
            }
        }

        /// As [`try_write`](Self::try_write), of several buffers.
        ///
        /// # Errors
        /// As those of it.
        pub fn try_write_vectored(&self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
            match &self.0 {
                $real => $socket.try_write_vectored(buffers),
                #[cfg(feature = "sim")]
                $simulated => {
                    let bytes = crate::net::simulated::gathered(buffers);
                    crate::net::simulated::or_would_block($writer.poll_write(None, &bytes))
                }
            }
        }
    };
}

/// Waiting until it would not wait, and doing something then. The type has `ready`.
macro_rules! readiness {
    ($real:pat => $socket:ident, $simulated:pat) => {
        /// Waits until it can be read without waiting.
        ///
        /// # Errors
        /// As tokio's.
        pub async fn readable(&self) -> io::Result<()> {
            self.ready(Interest::READABLE).await.map(|_| ())
        }

        /// Waits until it can be written without waiting.
        ///
        /// # Errors
        /// As tokio's.
        pub async fn writable(&self) -> io::Result<()> {
            self.ready(Interest::WRITABLE).await.map(|_| ())
        }

        /// Does something with it that may be told to wait ([`WouldBlock`](io::ErrorKind::WouldBlock)).
        ///
        /// # Errors
        /// Those of `act`.
        pub fn try_io<R>(
            &self,
            interest: Interest,
            act: impl FnOnce() -> io::Result<R>,
        ) -> io::Result<R> {
            match &self.0 {
                $real => $socket.try_io(interest, act),
                #[cfg(feature = "sim")]
                $simulated => act(),
            }
        }

        /// Does something with it as soon as it is not told to wait.
        ///
        /// # Errors
        /// Those of `act`.
        pub async fn async_io<R>(
            &self,
            interest: Interest,
            act: impl FnMut() -> io::Result<R>,
        ) -> io::Result<R> {
            match &self.0 {
                $real => $socket.async_io(interest, act).await,
                #[cfg(feature = "sim")]
                $simulated => {
                    let mut act = act;
                    loop {
                        self.ready(interest).await?;
                        match act() {
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                            done => return done,
                        }
                    }
                }
            }
        }
    };
}

/// `AsyncRead` of a type.
macro_rules! async_read {
    ([$($life:lifetime)?] $name:ty, $real:pat => $socket:ident, $simulated:pat => $reader:ident) => {
        impl$(<$life>)? tokio::io::AsyncRead for $name {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match &mut self.get_mut().0 {
                    $real => std::pin::Pin::new($socket).poll_read(context, buffer),
                    #[cfg(feature = "sim")]
                    $simulated => {
                        $reader.poll_read(crate::sim::Wait::Reads(context.waker()), buffer)
                    }
                }
            }
        }
    };
}

/// `AsyncWrite` of a type.
macro_rules! async_write {
    ([$($life:lifetime)?] $name:ty, $real:pat => $socket:ident, $simulated:pat => $writer:ident) => {
        impl$(<$life>)? tokio::io::AsyncWrite for $name {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().0 {
                    $real => std::pin::Pin::new($socket).poll_write(context, bytes),
                    #[cfg(feature = "sim")]
                    $simulated => $writer.poll_write(Some(context.waker()), bytes),
                }
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                context: &mut Context<'_>,
                buffers: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().0 {
                    $real => std::pin::Pin::new($socket).poll_write_vectored(context, buffers),
                    #[cfg(feature = "sim")]
                    $simulated => {
                        let bytes = crate::net::simulated::gathered(buffers);
                        $writer.poll_write(Some(context.waker()), &bytes)
                    }
                }
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                // As tokio's: nothing waits here.
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(
                self: std::pin::Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                match &mut self.get_mut().0 {
                    $real => std::pin::Pin::new($socket).poll_shutdown(context),
                    #[cfg(feature = "sim")]
                    $simulated => {
                        let _ = context;
                        $writer.shut_down();
                        Poll::Ready(Ok(()))
                    }
                }
            }
        }
    };
}

pub(super) use {addresses, async_read, async_write, readiness, try_reads, try_writes};
