//! What stands in the place of SNS in a build without the feature `aws`.

use std::sync::Arc;

use packtrain_core::ports::Channel;
use packtrain_store::Pool;

use crate::failure::{Failure, USAGE};
use crate::settings::Settings;

/// This build asks no SNS.
pub(super) fn open(settings: &Settings, _: &Pool) -> Result<Vec<Arc<dyn Channel>>, Failure> {
    let refused = |key| {
        let failure = Failure::new(USAGE, format!("{key} is set, and this build has no SNS"));
        Err(failure.help("build it with the feature `aws`"))
    };
    if !settings.sns.topics().is_empty() {
        return refused("sns.topics");
    }
    match settings.sms.budgets() {
        Some(_) => refused("sms.budget_usd_day"),
        None => Ok(Vec::new()),
    }
}
