//! SQS: what we rely on, on our own fake, on moto and on fauxqs; and our transport on all three.

mod dead;
mod fake;
pub(crate) mod ground;
mod hints;
pub(crate) mod process;
pub(crate) mod promises;
pub(crate) mod queue;
mod returned;
pub(crate) mod wire;
