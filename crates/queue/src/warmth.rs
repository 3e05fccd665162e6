//! The bell, kept warm: a ring goes through the database and is heard.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Bell, Listener, Warmed, Warmth};

/// How long a ring may take to be heard.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// The lane that is rung for: its workers look once more than they need to.
const RUNG: Lane = Lane::Ops;

/// A bell that is rung to see whether it is heard.
pub struct BellWarmth {
    bell: Arc<dyn Bell>,
}

impl BellWarmth {
    /// Rings this bell.
    pub const fn new(bell: Arc<dyn Bell>) -> Self {
        Self { bell }
    }

    async fn ring(&self, listener: &mut dyn Listener) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.bell.ring(&[RUNG]).await?;
        let heard = async {
            // Another process may ring for another lane meanwhile.
            while listener.next().await? != RUNG {}
            Ok(())
        };
        tokio::time::timeout(HEARD_WITHIN, heard).await?
    }
}

#[async_trait]
impl Warmth for BellWarmth {
    fn what(&self) -> &'static str {
        "hints pg"
    }

    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        let mut listener = self.bell.listen().await?;
        self.ring(&mut *listener).await?;
        let cold = began.elapsed();
        self.ring(&mut *listener).await?;
        let warm = began.elapsed() - cold;
        listener.close().await;
        Ok(Warmed { cold, warm })
    }
}
