//! Journeys through the public door: each test is named as the sentence that it proves.

mod bad_input;
mod idempotency;
mod kinds;
mod reports;
mod runs;
mod strangers;
