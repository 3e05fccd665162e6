//! Topics of SNS and SMS, where the build has them.

use std::sync::Arc;

use packtrain_core::ports::Channel;
use packtrain_core::secret::Secret;
use packtrain_notify::{Sms, Sns, SnsAccess, SnsClient, SnsSettings};
use packtrain_store::{PgBudget, Pool, SmsCaps};

use super::sqs::OWN;
use crate::failure::Failure;
use crate::settings::Settings;

/// The channels that the settings ask for. Nothing is connected yet.
pub(super) fn open(settings: &Settings, worker: &Pool) -> Result<Vec<Arc<dyn Channel>>, Failure> {
    let client = Arc::new(SnsClient::new(named(settings)));
    let mut all: Vec<Arc<dyn Channel>> = Vec::new();
    if !settings.sns.topics().is_empty() {
        all.push(Arc::new(Sns::new(Arc::clone(&client))));
    }
    if let Some(((platform, tenant), tariff)) = settings.sms.budgets().zip(settings.sms.tariff()) {
        let caps = SmsCaps { platform, tenant };
        let budget = Arc::new(PgBudget::new(worker.clone(), caps));
        all.push(Arc::new(Sms::new(client, tariff, budget)));
    }
    Ok(all)
}

/// Where SNS is: where the rest of AWS is, unless it has an address of its own.
fn named(settings: &Settings) -> SnsSettings {
    let (aws, sns) = (&settings.aws, &settings.sns);
    let region = match sns.region.as_str() {
        "" => aws.region.as_str(),
        own => own,
    };
    let access = match aws.is_own && sns.endpoint_url.get().is_none() {
        false => SnsAccess::Found,
        true => SnsAccess::Key {
            id: OWN.to_owned(),
            secret: Secret::new(OWN.to_owned()),
        },
    };
    SnsSettings {
        region: region.to_owned(),
        endpoint_url: sns.endpoint_url.get().or_else(|| aws.endpoint_url.get()),
        access,
    }
}
