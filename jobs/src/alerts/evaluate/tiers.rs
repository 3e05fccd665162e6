//! How many messages tenants may be told, and were.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use packtrain_core::fault::Fault;
use packtrain_core::ids::TenantId;
use packtrain_core::job::Ctx;
use packtrain_rules::machine::Tier;

/// The tiers of the tenants of one evaluation. All evaluations run one after the other, so nobody
/// else counts meanwhile; and the counts are written with the end of the job, so what a run counted
/// that came to no end counts for nothing.
#[derive(Debug, Default)]
pub(super) struct Tiers(HashMap<TenantId, Tier>);

impl Tiers {
    /// Reads those of tenants that are not known yet.
    pub(super) async fn learn(
        &mut self,
        ctx: &Ctx,
        tenants: impl Iterator<Item = TenantId>,
    ) -> Result<(), Fault> {
        let new: BTreeSet<TenantId> = tenants.filter(|it| !self.0.contains_key(it)).collect();
        let new: Vec<TenantId> = new.into_iter().collect();
        if new.is_empty() {
            return Ok(());
        }
        for found in ctx.world.watch.allowances(&new).await? {
            let tier = Tier::new(found.per_day);
            let tier = match found.told {
                Some((day, told)) => tier.told_on(day, told),
                None => tier,
            };
            self.0.insert(found.tenant, tier);
        }
        Ok(())
    }

    /// A tenant's.
    pub(super) fn of(&mut self, tenant: TenantId) -> &mut Tier {
        self.0.entry(tenant).or_default()
    }

    /// What each tenant was told on its last day, in order of tenants.
    pub(super) fn told(&self) -> Vec<(TenantId, NaiveDate, u32)> {
        let told = self.0.iter().filter_map(|(tenant, tier)| {
            let (day, told) = tier.told()?;
            Some((*tenant, day, told))
        });
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        told
    }
}
