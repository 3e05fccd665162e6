//! The money for SMS: whatever happens at once, no more is set aside than a day has.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::{StreamExt, stream};
use packtrain_core::ids::TenantId;
use packtrain_core::money::{Currency, Money};
use packtrain_core::ports::{Budget, Reservation, Reserved};
use packtrain_store::{PgBudget, SmsCaps};
use packtrain_tests::Database;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Those who come at once: a connection for each, since nobody waits for one for ever.
const AT_ONCE: usize = 8;

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

fn cents(cents: u32) -> Money {
    usd(&format!("{}.{:02}", cents / 100, cents % 100))
}

fn budget(db: &Database, platform: &str, tenant: &str) -> PgBudget {
    let caps = SmsCaps {
        platform: usd(platform),
        tenant: usd(tenant),
    };
    PgBudget::new(db.pools().worker.clone(), caps)
}

/// Sets a price aside; none when the money does not reach.
async fn take(budget: &PgBudget, tenant: TenantId, price: Money) -> Option<Reservation> {
    match budget.reserve(tenant, price).await.unwrap() {
        Reserved::Taken(reservation) => Some(reservation),
        Reserved::Spent(_) => None,
    }
}

/// What is set aside for all and, where there is a tenant, for it, as plain decimals.
async fn spent(db: &Database) -> Vec<String> {
    let sums = "select trim_scale(s.usd)::text
                  from (select usd, null::uuid as tenant_id from sms_day
                         union all
                        select usd, tenant_id from sms_tenant_day) s
                 order by s.tenant_id nulls first";
    db.texts(sums).await
}

/// What one of many who come at once wants: whose it is, the price in cents, and whether it is
/// given back at once.
type Want = (usize, u32, bool);

/// All of them, as many at once as there are connections; what stays taken, by tenant, in cents.
async fn all_at_once(
    budget: &PgBudget,
    tenants: &[TenantId],
    wants: &[Want],
) -> BTreeMap<TenantId, u32> {
    let running = wants.iter().map(async |(place, price, is_returned)| {
        let tenant = tenants[*place];
        let taken = take(budget, tenant, cents(*price)).await;
        match taken {
            Some(taken) if *is_returned => {
                budget.give_back(&taken).await.unwrap();
                None
            }
            taken => taken.map(|_| (tenant, *price)),
        }
    });
    let mut running = stream::iter(running).buffer_unordered(AT_ONCE);
    let mut sums = BTreeMap::new();
    while let Some(kept) = running.next().await {
        if let Some((tenant, price)) = kept {
            *sums.entry(tenant).or_default() += price;
        }
    }
    sums
}

#[test]
fn however_many_set_money_aside_at_once_no_cap_is_passed_and_every_cent_is_counted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (db, tenants) = runtime.block_on(async {
        let db = Database::new().await;
        db.within_a_day().await;
        let tenants = [
            db.tenant("a").await,
            db.tenant("b").await,
            db.tenant("c").await,
        ];
        (db, tenants)
    });
    let wants = prop::collection::vec((0..3_usize, 1..40_u32, any::<bool>()), 1..60);
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let ran = TestRunner::new(config).run(&(wants, 0..300_u32, 0..200_u32), |given| {
        let (wants, platform, tenant) = given;
        runtime.block_on(async {
            db.run("truncate sms_day, sms_tenant_day").await;
            let caps = SmsCaps {
                platform: cents(platform),
                tenant: cents(tenant),
            };
            let budget = PgBudget::new(db.pools().worker.clone(), caps);
            let sums = all_at_once(&budget, &tenants, &wants).await;
            let all: u32 = sums.values().sum();
            prop_assert!(all <= platform, "{all} of {platform}");
            prop_assert!(
                sums.values().all(|own| *own <= tenant),
                "{sums:?} of {tenant}"
            );
            // The rows say what is taken, and what they leave can be taken to the last cent.
            for (whose, place) in tenants.iter().zip(0..) {
                let own = sums.get(whose).copied().unwrap_or(0);
                let taken: u32 = sums.values().sum();
                let left = (platform - taken).min(tenant - own);
                let more = take(&budget, *whose, cents(left + 1)).await;
                prop_assert!(more.is_none(), "{place}: more than {left} was left");
                if left > 0 {
                    let rest = take(&budget, *whose, cents(left)).await;
                    prop_assert!(rest.is_some(), "{place}: {left} were left");
                    budget.give_back(&rest.unwrap()).await.unwrap();
                }
            }
            Ok(())
        })
    });
    runtime.block_on(async { drop(db) });
    ran.unwrap();
}

#[tokio::test]
async fn a_tenant_that_has_spent_its_money_takes_none_of_the_platform_s() {
    let db = Database::new().await;
    db.within_a_day().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let budget = budget(&db, "1", "0.25");
    assert!(take(&budget, a, usd("0.2")).await.is_some());
    assert!(take(&budget, a, usd("0.1")).await.is_none());
    assert_eq!(spent(&db).await, ["0.2", "0.2"]);
    assert!(take(&budget, a, usd("0.05")).await.is_some());
    assert!(take(&budget, b, usd("0.25")).await.is_some());
    assert_eq!(spent(&db).await.first().unwrap(), "0.5");
}

#[tokio::test]
async fn a_tenant_s_own_cap_counts_in_place_of_that_of_the_settings() {
    let db = Database::new().await;
    db.within_a_day().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let own = format!(
        "update tenant set sms_usd_a_day = 0.5 where id = '{}'",
        a.as_uuid()
    );
    db.run(&own).await;
    let budget = budget(&db, "1", "0.1");
    assert!(take(&budget, a, usd("0.5")).await.is_some());
    assert!(take(&budget, b, usd("0.5")).await.is_none());
    assert!(take(&budget, b, usd("0.1")).await.is_some());
}

#[tokio::test]
async fn each_utc_day_has_its_own_money_and_what_is_given_back_goes_to_its_day() {
    let db = Database::new().await;
    let ahead = db.within_a_day().await;
    let tenant = db.tenant("a").await;
    let budget = budget(&db, "0.3", "0.3");
    let first = take(&budget, tenant, usd("0.3")).await.unwrap();
    let Reserved::Spent(wait) = budget.reserve(tenant, usd("0.01")).await.unwrap() else {
        panic!("there was none left");
    };
    assert!(wait.as_secs() <= 24 * 60 * 60, "{wait:?}");
    let wait = TimeDelta::from_std(wait).unwrap();
    db.shift_clock(ahead + wait + TimeDelta::seconds(1)).await;
    let second = take(&budget, tenant, usd("0.2")).await.unwrap();
    assert!(second.day > first.day);
    budget.give_back(&first).await.unwrap();
    assert!(take(&budget, tenant, usd("0.2")).await.is_none());
    let by_day = "select trim_scale(usd)::text from sms_day order by day";
    assert_eq!(db.texts(by_day).await, ["0", "0.2"]);
}
