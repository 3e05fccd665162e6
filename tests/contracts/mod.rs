//! What every implementation of a port must do, tried on each of them.

mod carriers;
#[cfg(feature = "aws")]
mod document;
mod ground;
mod hints;
mod objects;
#[cfg(feature = "aws")]
mod s3;
mod table;
