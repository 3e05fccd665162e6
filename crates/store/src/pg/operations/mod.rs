//! What operators see and do, over all tenants; each write with its audit entry.

pub(crate) mod backlog;
pub(crate) mod change;
pub(crate) mod control;
pub(crate) mod dead;
pub(crate) mod figures;
pub(crate) mod fleet;
pub(crate) mod lanes;
pub(crate) mod listing;
pub(crate) mod platform;
