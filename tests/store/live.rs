//! Places in live streams: in the order of the commits, without a hole, and gone after their time.

use packtrain_core::chain::Chain;
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{LiveLog, LiveStream, StreamTickets};
use packtrain_store::PgLive;
use packtrain_tests::{Database, Role, run_on};

use super::access::as_tenant;

/// Something happens to a rule of a tenant.
fn step(tenant: TenantId) -> String {
    let tenant = tenant.as_uuid();
    format!(
        "with opened as (
            insert into incident (id, tenant_id, rule_id, name, severity, opened_at)
            values (gen_random_uuid(), '{tenant}', gen_random_uuid(), 'n', 'info', now_utc())
            returning id, rule_id)
         insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
         select rule_id, 1, '{tenant}', id, 'fired', now_utc(), '{{}}' from opened"
    )
}

/// A chain is looked at.
fn look(block: &str) -> String {
    format!(
        "with kept as (
            insert into gas_block (chain_id, number, hash, parent, at, base_fee_wei,
                   next_base_fee_wei, is_formula_exact, gas_used, gas_limit)
            values (1, 7, sha256('{block}'), sha256('p'), now_utc(), 1, 1, true, 0, 1)
            returning number, hash)
         insert into gas_head (chain_id, number, hash, seen_at)
         select 1, number, hash, now_utc() from kept
             on conflict (chain_id) do update set hash = excluded.hash, seen_at = excluded.seen_at"
    )
}

/// A tenant is told two things of a wallet.
fn moved(tenant: TenantId, block: &str) -> String {
    let tenant = tenant.as_uuid();
    format!(
        "with told as (
            insert into wallet_news (news, n, step, chain_id, wallet, number, block_hash, block_at,
                                     amount)
            select s.news, n, 'balance', 1, substr(sha256('w'), 1, 20), 7, sha256('{block}'),
                   now_utc(), n
              from (select nextval('wallet_news_id') as news) s
             cross join generate_series(1, 2) as n
            returning news)
         select place_portfolio(array['{tenant}'::uuid], array[min(news)], array[2]) from told"
    )
}

async fn places(log: &PgLive, stream: LiveStream) -> Vec<i64> {
    let events = log.after(stream, 0, 100).await.unwrap();
    events.iter().map(|event| event.seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_seen_is_seen_after_all_before_it_whoever_commits_first() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let log = PgLive::new(db.pools().clone());
    db.run(&look("w")).await;
    for (stream, each, first, second) in [
        (LiveStream::Alerts(a), 1, step(a), step(a)),
        (LiveStream::Gas(Chain::Ethereum), 1, look("x"), look("y")),
        (LiveStream::Portfolio(a), 2, moved(a, "x"), moved(a, "y")),
    ] {
        let before = places(&log, stream).await.len();
        let before = i64::try_from(before).unwrap();
        for is_kept in [true, false] {
            let at = places(&log, stream).await.last().copied().unwrap_or(before);
            let hold = db
                .hold(&first.replace("'x'", &format!("'x{is_kept}'")))
                .await;
            let url = db.url(Role::Superuser);
            let second = second.replace("'y'", &format!("'y{is_kept}'"));
            let later = async { run_on(&url, &second).await };
            let order = async {
                db.blocked(1).await;
                // Another tenant is not held up.
                db.run(&step(b)).await;
                assert_eq!(log.after(stream, at, 9).await.unwrap(), [], "{stream}");
                match is_kept {
                    true => hold.commit().await,
                    false => hold.rollback().await,
                }
            };
            tokio::join!(later, order);
            let seen = places(&log, stream).await;
            let until = at + each * if is_kept { 2 } else { 1 };
            assert_eq!(seen, (1..=until).collect::<Vec<_>>(), "{stream}");
            let head = log.heads(&[stream]).await.unwrap();
            assert_eq!(head, [(stream, until)]);
        }
    }
}

#[tokio::test]
async fn places_and_tickets_go_after_their_time_and_places_go_on_where_they_were() {
    let house = super::housekeeping::House::new().await;
    let db = &house.scene.db;
    let log = PgLive::new(db.pools().clone());
    let alerts = LiveStream::Alerts(house.scene.tenant);
    let gas = LiveStream::Gas(Chain::Ethereum);
    let portfolio = LiveStream::Portfolio(house.scene.tenant);
    for round in ["a", "b"] {
        db.run(&step(house.scene.tenant)).await;
        db.run(&look(round)).await;
        db.run(&moved(house.scene.tenant, round)).await;
    }
    let tenant = house.scene.tenant.as_uuid();
    // One that is watched still, one that is not.
    for metric in ["balance:1:0xa:native", "balance:1:0xb:native"] {
        db.run(&format!(
            "insert into wallet_balance (tenant_id, metric, amount, number)
             values ('{tenant}', '{metric}', 1, 1)"
        ))
        .await;
    }
    db.run(&format!(
        "insert into alert_level (metric, level, rule_id, tenant_id)
         values ('balance:1:0xa:native|mean:300', 1, gen_random_uuid(), '{tenant}')"
    ))
    .await;
    let minute = std::time::Duration::from_secs(60);
    log.issue(house.scene.tenant, [7; 32], minute)
        .await
        .unwrap();
    house.prune().await;
    assert_eq!(log.take([7; 32]).await.unwrap(), Some(house.scene.tenant));
    assert_eq!(log.take([7; 32]).await.unwrap(), None);
    log.issue(house.scene.tenant, [8; 32], minute)
        .await
        .unwrap();
    assert_eq!(places(&log, alerts).await, [1, 2]);
    assert_eq!(places(&log, portfolio).await, [1, 2, 3, 4]);
    house.days_later(15).await;
    house.prune().await;
    let watched = "select metric from wallet_balance";
    assert_eq!(db.texts(watched).await, ["balance:1:0xa:native"]);
    for table in [
        "live_alert",
        "live_portfolio",
        "stream_ticket",
        "wallet_news",
    ] {
        let left = db.number(&format!("select count(*) from {table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(db.number("select count(*) from gas_snapshot").await, 1);
    db.run(&step(house.scene.tenant)).await;
    db.run(&look("c")).await;
    db.run(&moved(house.scene.tenant, "c")).await;
    assert_eq!(places(&log, alerts).await, [3]);
    assert_eq!(places(&log, portfolio).await, [5, 6]);
    assert_eq!(places(&log, gas).await, [3]);
}

#[tokio::test]
async fn an_incident_that_was_open_for_long_is_told_when_it_ends() {
    let house = super::housekeeping::House::new().await;
    let db = &house.scene.db;
    let log = PgLive::new(db.pools().clone());
    let alerts = LiveStream::Alerts(house.scene.tenant);
    let open = async || db.number("select count(*) from incident").await;
    db.run(&step(house.scene.tenant)).await;
    house.days_later(91).await;
    house.prune().await;
    let end = "with ended as (
                   update incident set ended_at = now_utc() where ended_at is null
                   returning id, rule_id, tenant_id)
               insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
               select rule_id, 2, tenant_id, id, 'resolved', now_utc(), '{}' from ended";
    assert_eq!(db.run(end).await, 1);
    house.prune().await;
    assert_eq!(places(&log, alerts).await, [2]);
    house.days_later(91 + 13).await;
    house.prune().await;
    assert_eq!(open().await, 1);
    house.days_later(91 + 15).await;
    house.prune().await;
    assert_eq!(open().await, 0);
}

#[tokio::test]
async fn a_tenant_has_so_many_tickets_and_no_more() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let tickets = PgLive::new(db.pools().clone());
    let sql = format!(
        "insert into stream_ticket (hash, tenant_id, expires_at)
         select sha256(n::text::bytea), '{}', now_utc() + interval '1 minute'
           from generate_series(1, 999) as n",
        a.as_uuid()
    );
    db.run(&sql).await;
    let minute = std::time::Duration::from_secs(60);
    assert!(tickets.issue(a, [1; 32], minute).await.unwrap().is_some());
    assert_eq!(tickets.issue(a, [2; 32], minute).await.unwrap(), None);
    assert!(tickets.issue(b, [3; 32], minute).await.unwrap().is_some());
    db.run("update stream_ticket set expires_at = now_utc() where hash = sha256('5')")
        .await;
    assert!(tickets.issue(a, [2; 32], minute).await.unwrap().is_some());
}

#[tokio::test]
async fn news_of_a_wallet_are_read_by_who_was_told_and_by_no_other_tenant() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    db.run(&moved(a, "x")).await;
    let mut app = db.connect(Role::App).await;
    let look = "select 1 from wallet_news";
    for (tenant, seen) in [(Some(a), 2), (Some(b), 0), (None, 0)] {
        assert_eq!(as_tenant(&mut app, tenant, look).await, Ok(seen));
    }
}
