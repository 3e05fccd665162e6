//! What every implementation of a port must do, tried on each of them.

mod ground;
mod objects;
#[cfg(feature = "aws")]
mod s3;
