//! A job's life: asked for, held back, claimed, ended, and what follows from that.

pub(crate) mod asked;
pub(crate) mod batches;
pub(crate) mod checkpoints;
pub(crate) mod claims;
pub(crate) mod clocks;
pub(crate) mod ends;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod fair;
pub(crate) mod gates;
pub(crate) mod halt;
pub(crate) mod keyed;
pub(crate) mod promote;
pub(crate) mod rates;
pub(crate) mod reap;
pub(crate) mod release;
pub(crate) mod renewals;
pub(crate) mod settle;
pub(crate) mod tied;
pub(crate) mod unserved;
pub(crate) mod writes;
