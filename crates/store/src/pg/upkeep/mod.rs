//! What keeps the tables moving, and what is past its time.

pub(crate) mod housekeeping;
pub(crate) mod older;
pub(crate) mod tables;
