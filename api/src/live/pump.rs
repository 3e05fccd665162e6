//! The one reader of a process: it reads what is new in each stream once, for all who follow it.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use packtrain_core::fault::chain;
use packtrain_core::patience::patient;
use packtrain_core::ports::{LiveListener, LiveStream, StoreError};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::hub::{Hub, Told};

/// How often all streams are looked at, whatever was heard.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often jobs are looked at: nothing is heard of them.
const JOBS_EVERY: Duration = Duration::from_millis(500);
/// Pause before a broken listener is opened again.
const PAUSE: Duration = Duration::from_millis(500);
/// Events that are read at once.
const PAGE: u32 = 100;
/// Streams that are read at the same time.
const READS_AT_ONCE: usize = 4;

/// Reads until `stop`.
pub(super) async fn run(hub: &Hub, stop: &CancellationToken) {
    tokio::join!(hear(hub, stop), stop.run_until_cancelled(look(hub)));
}

/// Hears in which streams something is new. Whoever begins to hear may have missed something.
async fn hear(hub: &Hub, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match patient(hub.log.listen()).await {
            Ok(listener) => {
                hub.missed();
                hear_until(hub, listener, stop).await;
            }
            Err(error) => warn!(error = %chain(&error), "live streams cannot be heard yet"),
        }
        stop.run_until_cancelled(sleep(PAUSE)).await;
    }
}

/// Hears until the connection breaks or `stop`.
async fn hear_until(hub: &Hub, mut listener: Box<dyn LiveListener>, stop: &CancellationToken) {
    while let Some(next) = stop.run_until_cancelled(listener.next()).await {
        match next {
            Ok(stream) => hub.heard(stream),
            Err(error) => {
                warn!(error = %chain(&error), "live streams are not heard, listening again");
                break;
            }
        }
    }
    listener.close().await;
}

/// Looks where something is new, was heard to be, or cannot be heard of.
async fn look(hub: &Hub) {
    let (mut all, mut jobs) = (ticks(LOOK_EVERY), ticks(JOBS_EVERY));
    loop {
        let moved = tokio::select! {
            () = hub.wake.notified() => {
                let (heard, is_deaf) = hub.news();
                match is_deaf {
                    true => moved(hub).await,
                    false => Ok(heard.into_iter().collect()),
                }
            }
            _ = all.tick() => moved(hub).await,
            _ = jobs.tick() => Ok(of_jobs(hub)),
        };
        match moved {
            Ok(moved) => read(hub, moved).await,
            Err(error) => warn!(error = %chain(&error), "live streams cannot be looked at"),
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn is_job(stream: LiveStream) -> bool {
    matches!(stream, LiveStream::Job(..))
}

fn of_jobs(hub: &Hub) -> Vec<LiveStream> {
    let followed = hub.followed().into_iter();
    { followed }
        .map(|(stream, _)| stream)
        .filter(|stream| is_job(*stream))
        .collect()
}

/// Streams that go on behind the place up to which they were told; jobs are looked at by
/// themselves.
async fn moved(hub: &Hub) -> Result<Vec<LiveStream>, StoreError> {
    let mut followed = hub.followed();
    followed.retain(|(stream, _)| !is_job(*stream));
    if followed.is_empty() {
        return Ok(Vec::new());
    }
    let streams: Vec<LiveStream> = followed.iter().map(|(stream, _)| *stream).collect();
    let heads = patient(hub.log.heads(&streams)).await?;
    let moved = heads.into_iter().filter(|(stream, head)| {
        let place = followed.binary_search_by_key(stream, |(stream, _)| *stream);
        place.is_ok_and(|place| followed[place].1 < *head)
    });
    Ok(moved.map(|(stream, _)| stream).collect())
}

async fn read(hub: &Hub, streams: Vec<LiveStream>) {
    let reading = stream::iter(streams).for_each_concurrent(READS_AT_ONCE, async |stream| {
        if let Err(error) = read_one(hub, stream).await {
            // The next look finds it where it is.
            warn!(error = %chain(&error), "a live stream cannot be read");
        }
    });
    reading.await;
}

async fn read_one(hub: &Hub, stream: LiveStream) -> Result<(), StoreError> {
    while let Some(last) = hub.told(stream) {
        let events = patient(hub.log.after(stream, last, PAGE)).await?;
        let is_all = events.len() < PAGE as usize;
        let events = events
            .iter()
            .map(|event| Arc::new(Told::new(stream, event)));
        hub.tell(stream, events.collect());
        if is_all {
            break;
        }
    }
    Ok(())
}
