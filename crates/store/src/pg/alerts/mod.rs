//! Alerts: rules as their owners keep them, and as they are evaluated for all tenants.

pub(crate) mod evaluated;
mod incidents;
mod levels;
mod points;
pub(crate) mod prune;
pub(crate) mod row;
pub(crate) mod rules;
pub(crate) mod tries;
mod undone;
pub(crate) mod watch;
