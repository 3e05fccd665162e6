//! What the tests of every service stand on: the world outside, in memory.

mod nowhere;
pub(crate) mod world;
