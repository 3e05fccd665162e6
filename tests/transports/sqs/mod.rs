//! SQS: what we rely on, on our own fake, on moto and on fauxqs; and our transport on all three.

mod dead;
mod fake;
mod ground;
mod hints;
mod process;
mod promises;
mod queue;
mod returned;
mod wire;
