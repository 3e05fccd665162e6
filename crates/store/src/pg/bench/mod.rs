//! For benches alone: very many rows at once, and what the database itself counts.

pub(crate) mod gauge;
pub(crate) mod stage;
