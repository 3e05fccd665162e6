//! Hints that a process sent itself: they need no way through a transport.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Heard, HintStream};
use tokio::sync::broadcast;

/// The hints for these lanes that this process sent itself, or heard.
pub(crate) fn own(heard: broadcast::Receiver<Lane>, lanes: BTreeSet<Lane>) -> HintStream {
    stream::unfold((heard, lanes), |(mut heard, lanes)| async move {
        loop {
            let lane = match heard.recv().await {
                Ok(lane) if lanes.contains(&lane) => lane,
                Ok(_) => continue,
                // Some were missed: any of our lanes may be meant, and one look finds out.
                Err(broadcast::error::RecvError::Lagged(_)) => *lanes.first()?,
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            return Some((Heard::once(lane), (heard, lanes)));
        }
    })
    .boxed()
}
