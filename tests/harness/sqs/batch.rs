//! Requests of several entries, each of which stands for itself.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::queue::BYTES_MAX;
use super::refusal::Refusal;
use super::state::State;

/// Entries of one request, at most.
const ENTRIES_MAX: usize = 10;

/// Does each entry and says what became of it.
pub(super) fn run(
    state: &mut State,
    request: &Value,
    mut perform: impl FnMut(&mut State, &Value) -> Result<Value, Refusal>,
) -> Result<Value, Refusal> {
    state.named(request)?;
    let none = Vec::new();
    let entries = request["Entries"].as_array().unwrap_or(&none);
    check(entries)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match perform(state, entry) {
            Ok(mut done) => {
                done["Id"] = entry["Id"].clone();
                successful.push(done);
            }
            Err(Refusal { code, message }) => failed.push(json!({
                "Id": entry["Id"], "SenderFault": true, "Code": code, "Message": message,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn check(entries: &[Value]) -> Result<(), Refusal> {
    if entries.is_empty() {
        return Err(Refusal::new("EmptyBatchRequest", "There is no entry."));
    }
    if entries.len() > ENTRIES_MAX {
        let said = "Maximum number of entries per request are 10.";
        return Err(Refusal::new("TooManyEntriesInBatchRequest", said));
    }
    let ids: HashSet<&str> = entries.iter().filter_map(|e| e["Id"].as_str()).collect();
    if ids.len() < entries.len() {
        let said = "Two or more batch entries in the request have the same Id.";
        return Err(Refusal::new("BatchEntryIdsNotDistinct", said));
    }
    let bodies = entries.iter().filter_map(|e| e["MessageBody"].as_str());
    if bodies.map(str::len).sum::<usize>() > BYTES_MAX {
        let said = format!("Batch requests cannot be longer than {BYTES_MAX} bytes.");
        return Err(Refusal::new("BatchRequestTooLong", said));
    }
    Ok(())
}
