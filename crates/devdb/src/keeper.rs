//! Starts a guarded child from a thread of its own and waits there for its end.
//!
//! The kernel sends the death signal when the *thread* that started the child ends, so the child
//! must not be started from a thread of a pool, which may end sooner than the process.

use std::{
    io,
    process::{Command, ExitStatus},
    thread,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::{oneshot, watch};

/// A child whose end can be waited for by many. Dropped while running, it is interrupted.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts the command.
    pub(crate) async fn spawn(mut command: Command) -> io::Result<Self> {
        let (started, start) = oneshot::channel();
        let (ended, exit) = watch::channel(None);
        thread::Builder::new()
            .name("postgres keeper".to_owned())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => return drop(started.send(Err(error))),
                };
                // Ours are the only copies of its input and output; the child must see their end.
                drop(command);
                let pid = Pid::from_child(&child);
                if started.send(Ok(pid)).is_err() {
                    interrupt(pid);
                }
                ended.send_replace(child.wait().ok());
            })?;
        let pid = start.await.map_err(io::Error::other)??;
        Ok(Self { pid, exit })
    }

    /// Gives a future that ends with the child, apart from this handle.
    pub(crate) fn exited(&self) -> impl Future<Output = Option<ExitStatus>> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            exit.wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|status| *status)
        }
    }

    /// Says whether the child has ended.
    pub(crate) fn has_exited(&self) -> bool {
        self.exit.borrow().is_some() || self.exit.has_changed().is_err()
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_exited() {
            interrupt(self.pid);
        }
    }
}

/// Asks for a quick but clean end. The child leads a process group of its own (see the guard).
fn interrupt(pid: Pid) {
    // It may have ended by itself meanwhile, which is what is wanted.
    let _ = kill_process_group(pid, Signal::INT);
}
