//! Ports of this machine for servers that are told on which port to listen.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpSocket;

/// Where the ports lie that tests take: below those that the system gives to connections and to
/// whoever asks for any (from 32768 on Linux), so that nobody is given one of them between the
/// moment at which it was chosen and the one at which its server listens.
const FIRST: u16 = 10_240;
const COUNT: u16 = 20_000;
/// How far the ports of two processes whose numbers follow each other lie apart.
const APART: u32 = 97;

/// A port that nobody listens on, and that this process gives once.
pub fn free_port() -> u16 {
    free_listener().1
}

/// An address of this machine that nobody listens on, and that this process gives once.
pub fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

/// A listener on such a port: who leaves it can come back.
pub(crate) fn free_listener() -> (TcpListener, u16) {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let of_process = std::process::id().wrapping_mul(APART);
    let mut tried = (0..COUNT).map(|_| {
        let place = of_process.wrapping_add(GIVEN.fetch_add(1, Ordering::SeqCst));
        let place = u16::try_from(place % u32::from(COUNT)).expect("it is less than their count");
        FIRST + place
    });
    tried
        .find_map(|port| Some((TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?, port)))
        .expect("a port of this machine is free")
}

/// An address at which nobody is and nobody comes: it is held, and not listened on.
pub struct Nobody {
    /// The address.
    pub address: SocketAddr,
    _held: TcpSocket,
}

impl Nobody {
    /// Holds an address until it is dropped.
    pub fn hold() -> Self {
        let held = TcpSocket::new_v4().expect("a socket can be made");
        held.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .expect("a port of this machine is free");
        let address = held.local_addr().expect("it has an address");
        Self {
            address,
            _held: held,
        }
    }
}
