//! An address whose server changes, as that of a database does after a promotion.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// An address that leads to one server first and to another one later, as a name does that is moved
/// after a promotion. Connections that are open stay where they are.
pub struct Signpost {
    /// Where it takes connections.
    pub address: SocketAddr,
    leads_to: Arc<Mutex<SocketAddr>>,
}

impl Signpost {
    /// Leads to this server, until the test's runtime ends.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let leads_to = Arc::new(Mutex::new(server));
        let (tasks, server) = (TaskTracker::new(), Arc::clone(&leads_to));
        let inner = tasks.clone();
        tasks.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = *server.lock().unwrap_or_else(PoisonError::into_inner);
                inner.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        copy_bidirectional(&mut client, &mut server).await.ok();
                    }
                });
            }
        });
        Self { address, leads_to }
    }

    /// Leads new connections to this server from now on.
    pub fn turn(&self, server: SocketAddr) {
        *self.leads_to.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }
}
