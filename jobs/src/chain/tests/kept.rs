//! What is kept of a chain, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ids::{JobId, RuleId, TenantId};
use packtrain_core::ports::{
    AddressBytes, Allowance, ChainEvent, ChainEvents, Move, Point, ScanState, Scanned, StoreError,
    Stretch, TokenDecimals, Undone, Watch, Watched,
};
use packtrain_core::time::{Clock, Timestamp};

use crate::world::Noon;

/// Events by block and place, each pending, confirmed or retracted.
type Events = BTreeMap<(BlockHash, u64), (ChainEvent, &'static str)>;

/// What is kept: events with whether they count, where the chain stands, what was told.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) state: Mutex<Option<ScanState>>,
    /// What was found.
    pub(super) events: Mutex<Events>,
    /// Points that came of events and hold, and the block each came of.
    pub(super) told: Mutex<BTreeMap<(Timestamp, String), (u64, String)>>,
    /// What is watched besides.
    pub(super) also: Mutex<Vec<String>>,
    /// Whether what the wallet sends is watched no more.
    pub(super) is_left: Mutex<bool>,
}

impl Kept {
    /// Writes as the store does.
    pub(super) fn write(&self, scanned: &Scanned) {
        let mut state = self.state.lock().unwrap();
        let stands = state
            .as_ref()
            .and_then(|it| it.blocks.last().map(|block| block.hash));
        if stands != scanned.begun_at {
            return;
        }
        let (mut events, mut told) = (self.events.lock().unwrap(), self.told.lock().unwrap());
        let ScanState {
            mut blocks,
            mut gaps,
            ..
        } = state.take().unwrap_or_default();
        if let Some(above) = scanned.above {
            gaps.retain(|gap| gap.number <= above);
            blocks.retain(|block| block.number <= above);
            told.retain(|_, (number, _)| *number <= above);
            for (event, state) in events.values_mut().filter(|(it, _)| it.number > above) {
                assert!(event.number > above);
                *state = "retracted";
            }
        }
        blocks.extend(&scanned.blocks);
        blocks.retain(|block| block.number >= scanned.keep_from);
        gaps.extend(&scanned.gaps);
        gaps.retain(|gap| gap.number >= scanned.keep_from);
        for event in &scanned.events {
            let key = (event.block, event.log_index);
            events.insert(key, (event.clone(), "pending"));
        }
        for (event, state) in events.values_mut() {
            if *state == "pending" && Some(event.number) <= scanned.confirmed_to {
                *state = "confirmed";
            }
        }
        for point in &scanned.told {
            let mut points = scanned.points.iter();
            let value = points.find(|it| it.at == point.at && it.metric == point.metric);
            let key = (point.at, point.metric.clone());
            let before = told.insert(key, (point.number, value.unwrap().value.clone()));
            assert_eq!(before, None, "no time is given twice");
        }
        *state = Some(ScanState {
            blocks,
            gaps,
            part: scanned.part,
            told_to: None,
            told_at: scanned.told_at,
        });
    }
}

#[async_trait]
impl ChainEvents for Kept {
    async fn watched(&self, _: Chain, _: u32) -> Result<Vec<String>, StoreError> {
        let (wallet, token) = ("ad".repeat(20), "70".repeat(20));
        let sent = format!("transfer_out:1:0x{wallet}:0x{token}");
        let is_left = *self.is_left.lock().unwrap();
        let mut watched = self.also.lock().unwrap().clone();
        watched.extend((!is_left).then_some(sent));
        Ok(watched)
    }

    async fn state(&self, _: Chain) -> Result<Option<ScanState>, StoreError> {
        let mut state = self.state.lock().unwrap().clone();
        if let Some(state) = &mut state {
            let told = self.told.lock().unwrap();
            let numbers = told.values().map(|(number, _)| *number);
            let first = state.blocks.first().map_or(0, |block| block.number);
            state.told_to = numbers.filter(|number| *number >= first).max();
        }
        Ok(state)
    }

    async fn pending(
        &self,
        _: Chain,
        upto: u64,
        limit: u32,
    ) -> Result<Vec<ChainEvent>, StoreError> {
        let events = self.events.lock().unwrap();
        let pending = events
            .values()
            .filter(|(event, state)| *state == "pending" && event.number <= upto);
        let pending = pending.map(|(event, _)| event.clone());
        Ok(pending.take(limit as usize).collect())
    }

    async fn decimals(
        &self,
        _: Chain,
        _: &[AddressBytes],
    ) -> Result<Vec<TokenDecimals>, StoreError> {
        Ok(Vec::new())
    }
}

/// Rules that were evaluated with these values.
#[derive(Default)]
pub(super) struct Seen(pub(super) Vec<Point>);

#[async_trait]
impl Watch for Seen {
    async fn moved(&self, _: JobId) -> Result<Vec<Move>, StoreError> {
        Ok(Vec::new())
    }

    async fn crossed(
        &self,
        _: &[Move],
        _: Option<RuleId>,
        _: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        Ok(Vec::new())
    }

    async fn due(&self, _: u32) -> Result<(Timestamp, Vec<Watched>), StoreError> {
        Ok((Noon.now(), Vec::new()))
    }

    async fn watched(&self, _: &[String]) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn watched_of(&self, _: &str, _: u32) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn values(&self, _: &[String]) -> Result<Vec<Point>, StoreError> {
        Ok(self.0.clone())
    }

    async fn windows(&self, _: &[String], _: u32) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn points(&self, _: &Stretch, _: u32) -> Result<Vec<Point>, StoreError> {
        Ok(Vec::new())
    }

    async fn before(&self, _: &str, _: &[Timestamp]) -> Result<Vec<Point>, StoreError> {
        Ok(Vec::new())
    }

    async fn is_in_play(&self, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn undone(
        &self,
        _: JobId,
        _: Option<(RuleId, u32)>,
        _: u32,
    ) -> Result<Vec<Undone>, StoreError> {
        Ok(Vec::new())
    }

    async fn allowances(&self, _: &[TenantId]) -> Result<Vec<Allowance>, StoreError> {
        Ok(Vec::new())
    }
}
