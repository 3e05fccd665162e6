//! Hint transports behind one port. A hint says "look in lane X"; it may be lost or doubled.

mod pg;

pub use pg::PgHints;
