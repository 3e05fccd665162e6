//! The jobs of this service over a world in memory: what they leave, and what stops them.

mod compare;
mod formats;
mod imports;
mod prices;
mod said;
mod taxpayer;
mod years;

use std::sync::Arc;

use bytes::Bytes;
use packtrain_core::fault::Fault;
use packtrain_core::ids::FileId;
use packtrain_core::job::{Done, Job};
use packtrain_core::ports::{ReportRecord, Write};
use serde_json::{Value, json};

use super::import::Import;
use crate::world::World;

/// Two purchases at different prices; a sale of one unit in each of two years.
const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
a,2024-01-10T12:00:00Z,buy,main,100,USD,1,BTC,USD
b,2024-02-10T12:00:00Z,buy,main,300,USD,1,BTC,USD
c,2024-06-10T12:00:00Z,sell,main,1,BTC,500,USD,USD
d,2025-06-10T12:00:00Z,sell,main,1,BTC,500,USD,USD
";

/// Uploads a file and has it read.
async fn imported(world: &Arc<World>, name: &str, text: &'static str) -> FileId {
    let file = world.upload(name, text).await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    file
}

/// A job with this payload, run as attempt of the job of this number.
async fn run<J: Job>(world: &Arc<World>, job: u128, payload: Value) -> Result<Done, Fault> {
    let payload: J = serde_json::from_value(payload).unwrap();
    assert_eq!(payload.check(), []);
    payload.run(&world.attempt(job)).await
}

/// The record that a job wants written with its end.
fn record(done: &Done) -> &ReportRecord {
    let [Write::Report(record)] = done.writes.as_slice() else {
        panic!("one record: {:?}", done.writes);
    };
    record
}

/// Names, media types and bytes of what a job left.
fn files(world: &World, done: &Done) -> Vec<(String, String, Bytes)> {
    let artefacts = record(done).artefacts.iter();
    artefacts
        .map(|made| {
            let bytes = world.bytes(&made.stored);
            (made.name.clone(), made.media_type.clone(), bytes)
        })
        .collect()
}

/// The one file that a job left, as JSON.
fn only_json(world: &World, done: &Done) -> Value {
    let files = files(world, done);
    assert_eq!(files.len(), 1);
    serde_json::from_slice(&files[0].2).unwrap()
}

/// A request for US figures of files.
fn us(files: &[FileId]) -> Value {
    json!({"country": "us", "files": files})
}
