//! A scan that began where the chain no longer stands.

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{Point, Scanned, Write};
use packtrain_jobs::catalogue::{Entry, entry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The kind of this file.
pub(super) const LATE_KINDS: &[Entry] = &[entry::<ScansLate>()];

/// Would take back everything that was found, had it begun where the chain stands.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct ScansLate {}

impl Job for ScansLate {
    const KIND: Kind = Kind::new("test.scans_late");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let point = Point {
            metric: "transfer_out:1:late".to_owned(),
            at: ctx.clock.now(),
            value: "1".to_owned(),
        };
        let scanned = Scanned {
            chain: Chain::Ethereum,
            begun_at: Some(BlockHash([1; 32])),
            begun_part: None,
            above: Some(0),
            again: None,
            blocks: Vec::new(),
            keep_from: 0,
            events: Vec::new(),
            gaps: Vec::new(),
            part: None,
            confirmed_to: None,
            told: Vec::new(),
            points: vec![point],
            told_at: None,
            is_over: false,
            watchers: Vec::new(),
        };
        Ok(Done {
            writes: vec![Write::Scanned(Box::new(scanned))],
            ..Done::default()
        })
    }
}
