//! Redis, kept warm: a nudge goes through it and is heard.

use std::error::Error;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Warmed, Warmth};

use super::RedisSettings;
use super::link::{Link, Refused};
use super::names::Names;

/// How long a nudge may take to be heard.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// The lane that is nudged: its workers look once more than they need to.
const NUDGED: Lane = Lane::Ops;

/// A Redis that is nudged to see whether that is heard.
pub struct RedisWarmth {
    link: Link,
    channel: String,
}

impl RedisWarmth {
    /// Nudges this one.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(settings: &RedisSettings) -> Result<Self, Refused> {
        Ok(Self {
            link: Link::new(settings)?,
            channel: Names::new(&settings.prefix).nudge(NUDGED),
        })
    }
}

#[async_trait]
impl Warmth for RedisWarmth {
    fn what(&self) -> &'static str {
        "hints redis"
    }

    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        let mut listener = self.link.listener().await?;
        listener.subscribe(&self.channel).await?;
        let mut heard = listener.into_on_message();
        let mut link = self.link.clone();
        let mut times = [Duration::ZERO; 2];
        for time in &mut times {
            redis::cmd("PUBLISH")
                .arg(&self.channel)
                .arg("warm")
                .query_async::<()>(&mut link)
                .await?;
            let next = tokio::time::timeout(HEARD_WITHIN, heard.next()).await?;
            next.ok_or("redis closed the connection")?;
            *time = began.elapsed();
        }
        let [cold, both] = times;
        Ok(Warmed {
            cold,
            warm: both - cold,
        })
    }
}
