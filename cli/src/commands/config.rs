//! `packtrain config`: the settings, and where each comes from.

use crate::args::{Config, ConfigCommand, Global};
use crate::failure::{FAILED, Failure};
use crate::settings::{Loaded, Shown};
use crate::terminal::QUIET;

/// Runs the command.
pub(crate) fn run(global: &Global, args: &Config, loaded: &Loaded) -> Result<(), Failure> {
    let ConfigCommand::Show { origin } = args.command;
    let shown = loaded.shown();
    if global.json {
        let text = serde_json::to_string_pretty(&shown)
            .map_err(|error| Failure::new(FAILED, error.to_string()))?;
        anstream::println!("{text}");
        return Ok(());
    }
    let widest = |length: fn(&Shown) -> usize| shown.iter().map(length).max().unwrap_or(0);
    let width = widest(|shown| shown.key.len());
    let values = widest(|shown| shown.value.to_string().len());
    for shown in shown {
        let value = shown.value.to_string();
        if origin {
            let from = shown.origin;
            anstream::println!(
                "{:width$}  {value:values$}  {QUIET}{from}{QUIET:#}",
                shown.key
            );
        } else {
            anstream::println!("{:width$}  {value}", shown.key);
        }
    }
    Ok(())
}
