//! The private PostgreSQL of `packtrain dev` and of the test run, and their stand-in for AWS.
//!
//! [`start`] finds PostgreSQL 15 or newer (or fetches it), sets up a data folder, and starts a
//! server that dies with its owner; a second process on the same folder attaches to it. Nothing
//! here speaks SQL: whether the server answers is asked through a probe that the caller passes.
//! [`Moto`] stands in for SQS and S3.

mod account;
mod advice;
mod binaries;
mod cluster;
mod connection;
mod error;
mod fetch;
mod guard;
mod keeper;
mod moto;
mod options;
mod pidfile;
mod postmaster;
mod server;

pub use binaries::{PassedOver, SystemFolders};
pub use connection::{Connection, SUPERUSER};
pub use error::DevdbError;
pub use guard::{Guard, guard_main};
pub use moto::{Moto, MotoError};
pub use options::{Narrate, Options};
pub use server::{Server, start};
