//! What is kept of a chain, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    AddressBytes, ChainEvent, ChainEvents, ScanPart, ScanState, Scanned, StoreError, TokenDecimals,
};
use packtrain_core::time::Timestamp;

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
    /// The last block that was scanned, and what was read of those after it.
    pub(super) fn stands(&self) -> Option<(BlockHash, Option<ScanPart>)> {
        let state = self.state.lock().unwrap();
        let last = |it: &ScanState| (it.blocks.last().unwrap().hash, it.part);
        state.as_ref().map(last)
    }

    /// Writes as the store does.
    pub(super) fn write(&self, scanned: &Scanned) {
        let began = scanned.begun_at.map(|hash| (hash, scanned.begun_part));
        if self.stands() != began {
            return;
        }
        let mut state = self.state.lock().unwrap();
        let (mut events, mut told) = (self.events.lock().unwrap(), self.told.lock().unwrap());
        let kept = state.take().map(|it| (it.blocks, it.gaps));
        let (mut blocks, mut gaps) = kept.unwrap_or_default();
        if let Some(above) = scanned.above {
            gaps.retain(|gap| gap.number <= above);
            blocks.retain(|block| block.number <= above);
            told.retain(|_, (number, _)| *number <= above);
            for (event, state) in events.values_mut().filter(|(it, _)| it.number > above) {
                assert!(event.number > above);
                *state = "retracted";
            }
        }
        if let Some(above) = scanned.again {
            gaps.retain(|gap| gap.number <= above);
            events.retain(|_, (event, state)| event.number <= above || *state != "pending");
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
