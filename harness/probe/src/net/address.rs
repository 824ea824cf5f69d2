//! Addresses: of hosts by their names, and as they are.

#[cfg(feature = "sim")]
use crate::sim;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
};

/// What can be an address, or several, as tokio's trait of this name: `"broker-1:9000"`, `("broker-1", 9000)`, a
/// [`SocketAddr`], `(ip, port)`, a slice of addresses, or a reference to any. In a simulation the nodes are known by their
/// names, and nobody asks DNS.
pub trait ToSocketAddrs: tokio::net::ToSocketAddrs + sealed::Places {}

impl<T: tokio::net::ToSocketAddrs + sealed::Places + ?Sized> ToSocketAddrs for T {}

pub(super) mod sealed {
    #[cfg(feature = "sim")]
    use crate::sim::Place;
    #[cfg(feature = "sim")]
    use std::io;

    /// What the simulated network makes of an address.
    pub trait Places {
        #[cfg(feature = "sim")]
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn places(&self) -> io::Result<Vec<Place>>;
    }
}
use sealed::Places;

macro_rules! places {
    ($($of:ty, $this:ident => $places:expr;)*) => {
        $(impl Places for $of {
            #[cfg(feature = "sim")]
            #[allow(private_interfaces)]
            fn places(&self) -> io::Result<Vec<sim::Place>> {
                let $this = self;
                $places
            }
        })*
    };
}

places! {
    SocketAddr, it => Ok(vec![(*it).into()]);
    SocketAddrV4, it => Ok(vec![SocketAddr::from(*it).into()]);
    SocketAddrV6, it => Ok(vec![SocketAddr::from(*it).into()]);
    (IpAddr, u16), it => Ok(vec![SocketAddr::from(*it).into()]);
    (Ipv4Addr, u16), it => Ok(vec![SocketAddr::from(*it).into()]);
    (Ipv6Addr, u16), it => Ok(vec![SocketAddr::from(*it).into()]);
    &[SocketAddr], it => Ok(it.iter().map(|address| (*address).into()).collect());
    str, it => Ok(vec![sim::Place::parse(it)?]);
    String, it => Ok(vec![sim::Place::parse(it)?]);
    (&str, u16), it => Ok(vec![sim::Place::of(it.0, it.1)]);
    (String, u16), it => Ok(vec![sim::Place::of(&it.0, it.1)]);
}

impl<T: Places + ?Sized> Places for &T {
    #[cfg(feature = "sim")]
    #[allow(private_interfaces)]
    fn places(&self) -> io::Result<Vec<sim::Place>> {
        (**self).places()
    }
}

/// The addresses of a host.
///
/// # Errors
/// As tokio's: nobody has that name.
pub async fn lookup_host<T: ToSocketAddrs>(
    host: T,
) -> io::Result<impl Iterator<Item = SocketAddr>> {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        return look_up(&host).map(Vec::into_iter);
    }
    Ok(tokio::net::lookup_host(host).await?.collect::<Vec<_>>().into_iter())
}

/// The addresses of a host that the simulated network knows.
#[cfg(feature = "sim")]
pub(super) fn look_up(host: &impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    let node = sim::current_node();
    let places = host.places()?;
    places.iter().map(|place| sim::with(|world| world.look_up(place, node))).collect()
}

/// What comes of the first place of which anything does.
#[cfg(feature = "sim")]
pub(super) async fn first_of<R>(
    address: &impl ToSocketAddrs,
    mut act: impl AsyncFnMut(sim::Place) -> io::Result<R>,
) -> io::Result<R> {
    let mut failed = None;
    for place in address.places()? {
        match act(place).await {
            Ok(done) => return Ok(done),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")
    }))
}
