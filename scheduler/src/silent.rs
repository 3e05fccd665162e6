//! A database that does not answer the first time that it is asked something.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Mutex;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, HintStream, Hints};

/// How often each question was asked.
#[derive(Debug, Default)]
pub(crate) struct Silent(Mutex<BTreeMap<&'static str, u32>>);

impl Silent {
    /// Notes a question; the first one of its kind is never answered.
    pub(crate) async fn hear(&self, question: &'static str) {
        if self.count(question) == 1 {
            pending::<()>().await;
        }
    }

    fn count(&self, question: &'static str) -> u32 {
        let mut asked = self.0.lock().expect("no holder panics");
        let count = asked.entry(question).or_default();
        *count += 1;
        *count
    }

    /// The questions that were asked again after their silence, by name.
    pub(crate) fn asked_again(&self) -> Vec<&'static str> {
        let asked = self.0.lock().expect("no holder panics");
        let again = asked.iter().filter(|(_, count)| **count > 1);
        again.map(|(question, _)| *question).collect()
    }
}

/// Hints that nobody hears.
pub(crate) struct Unheard;

#[async_trait]
impl Hints for Unheard {
    fn send(&self, _: Hint) {}

    async fn subscribe(&self, _: &[Lane]) -> HintStream {
        Box::pin(futures::stream::pending())
    }
}
