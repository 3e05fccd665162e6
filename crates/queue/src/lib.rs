//! Hint transports behind one port. A hint says "look in lane X"; it may be lost or doubled.

mod pg;
mod warmth;

pub use pg::PgHints;
pub use warmth::BellWarmth;
