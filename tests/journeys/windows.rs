//! Rules that look over windows: what is stored does what the engine does in memory.

use chrono::TimeDelta;
use packtrain_core::chain::Chain;
use packtrain_core::ids::RuleId;
use packtrain_core::limits::WINDOWS_MAX;
use packtrain_core::ports::{ChainEvents, Stretch, Watch};
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_rules::engine::{Engine, Tick};
use packtrain_rules::machine::{Change, RuleState, Tier};
use packtrain_rules::metric::{Derived, Metric};
use packtrain_rules::plan::Plan;
use packtrain_rules::rule::Rule;
use packtrain_rules::value::Value;
use packtrain_store::{PgChainEvents, PgWatch};
use serde_json::{Value as Json, json};

use super::alerts::{ETHER, Scene, below_3000};

fn over(op: &str, value: &str, aggregate: &str, window_s: u32) -> Json {
    json!({
        "name": format!("{aggregate} {op} {value}"),
        "when": {
            "metric": ETHER, "op": op, "value": value, "aggregate": aggregate,
            "window_s": window_s,
        },
    })
}

fn bodies(scene: &Scene) -> Vec<Json> {
    let got = scene.receiver.got().into_iter();
    got.map(|message| serde_json::from_slice(&message.body).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mean_of_an_hour_is_told_when_it_crosses_and_not_when_its_metric_does() {
    let scene = Scene::new().await;
    scene.rule(over("<", "3000", "mean", 3_600)).await;
    // Half an hour apart: the window is covered at the third.
    for (value, minute) in [("3100", -300), ("3100", -270), ("3100", -240)] {
        assert_eq!(scene.observe(value, minute * 60).await, 0, "{minute}");
    }
    assert_eq!(
        scene.observe("2950", -210 * 60).await,
        0,
        "the mean is 3,025"
    );
    assert_eq!(
        scene.observe("2990", -180 * 60).await,
        1,
        "the mean is 2,970"
    );
    let told = bodies(&scene).remove(0);
    assert_eq!(told["data"]["metric"], "ethereum price (mean over 1 h)");
    assert_eq!(
        told["data"]["after"],
        json!({ "value": "2970", "unit": "USD" })
    );
    assert_eq!(
        told["data"]["before"],
        json!({ "value": "3025", "unit": "USD" })
    );
    // After a longer gap than the window is long it is not known, and the rule stays as it is,
    // until there is a point again at which the window can begin.
    assert_eq!(scene.observe("9000", -55 * 60).await, 0);
    assert_eq!(scene.observe("9000", 5 * 60).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_made_while_its_window_holds_fires_at_its_first_look() {
    let scene = Scene::new().await;
    for (value, minute) in [("100", -60), ("110", -30), ("140", 0)] {
        assert_eq!(scene.observe(value, minute * 60).await, 0);
    }
    scene.rule(over(">", "35", "change_percent", 3_600)).await;
    assert_eq!(scene.look().await, 1);
    let told = bodies(&scene).remove(0);
    assert_eq!(told["data"]["after"], json!({ "value": "40", "unit": "%" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_watches_no_more_windows_than_leave_room_for_others() {
    let scene = Scene::new().await;
    let watching = |coins: std::ops::Range<u32>| {
        let leaves: Vec<Json> = coins
            .map(|coin| {
                json!({
                    "metric": format!("price:coingecko:coin-{coin}"), "op": "<", "value": "1",
                    "aggregate": "mean", "window_s": 3_600,
                })
            })
            .collect();
        json!({ "name": "many", "when": { "any": leaves } })
    };
    for tens in 0..WINDOWS_MAX / 20 {
        scene.rule(watching(tens * 20..tens * 20 + 20)).await;
    }
    let ask = async |rule: Json| {
        let asked = json!({ "rule": rule, "endpoints": [scene.endpoint] });
        let rules = "/v2/premium/alerts/rules";
        scene.owner.post(rules, &[], &asked).await
    };
    let refused = ask(watching(WINDOWS_MAX..WINDOWS_MAX + 1))
        .await
        .expect(409);
    assert_eq!(refused.json()["code"], "limit.reached");
    // Those that are watched already are derived once, for however many rules.
    ask(watching(0..20)).await.expect(201);
}

/// A rule on one window that no other rule watches.
fn alone(coin: &str) -> Json {
    let mut rule = over("<", "1", "mean", 3_600);
    rule["when"]["metric"] = format!("price:coingecko:{coin}").into();
    rule
}

/// Puts a rule in the place of another; the status of the answer.
async fn put(scene: &Scene, id: &str, rule: Json) -> u16 {
    let json = [("content-type", "application/json")];
    let path = format!("/v2/premium/alerts/rules/{id}");
    let asked = json!({ "rule": rule }).to_string();
    scene
        .owner
        .send("PUT", &path, &json, asked)
        .await
        .status
        .as_u16()
}

/// Has a rule watch windows of so many made-up metrics.
async fn watch(scene: &Scene, id: &str, windows: u32) {
    let id: RuleId = id.parse().unwrap();
    let id = id.as_uuid();
    let sql = format!(
        "insert into alert_level (metric, level, rule_id, tenant_id)
         select 'price:coingecko:x' || n || '|mean|3600', 1, id, tenant_id
           from alert_rule, generate_series(1, {windows}) as n
          where id = '{id}'"
    );
    scene.yard.database.run(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rules_that_are_changed_at_once_do_not_both_watch_the_last_window() {
    let scene = Scene::new().await;
    let full = scene.rule(below_3000()).await;
    watch(&scene, &full, WINDOWS_MAX - 1).await;
    let (one, other) = (
        scene.rule(below_3000()).await,
        scene.rule(below_3000()).await,
    );
    // Whoever wrote levels waits with the end of his transaction until the test lets him.
    let db = &scene.yard.database;
    db.run(
        "create function wait() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock_shared(7); return null; end $$",
    )
    .await;
    db.run(
        "create constraint trigger wait after insert on alert_level
         deferrable initially deferred for each row execute function wait()",
    )
    .await;
    let hold = db.hold("select pg_advisory_xact_lock(7)").await;
    let changes = async {
        let first = put(&scene, &one, alone("a"));
        let second = async {
            db.blocked(1).await;
            put(&scene, &other, alone("b")).await
        };
        let letting_go = async {
            db.blocked(2).await;
            hold.commit().await;
        };
        tokio::join!(first, second, letting_go)
    };
    let (first, second, ()) = changes.await;
    assert_eq!((first, second), (200, 409));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_too_many_windows_already_may_watch_fewer_and_no_more() {
    let scene = Scene::new().await;
    let full = scene.rule(below_3000()).await;
    let rule = scene.rule(over("<", "1", "mean", 3_600)).await;
    watch(&scene, &full, WINDOWS_MAX + 5).await;
    let mut two = over("<", "1", "mean", 3_600);
    let leaf = two["when"].take();
    two["when"] = json!({ "any": [leaf, alone("a")["when"]] });
    assert_eq!(put(&scene, &rule, two).await, 409);
    assert_eq!(put(&scene, &rule, alone("a")).await, 200, "as many");
    assert_eq!(put(&scene, &full, alone("a")).await, 200, "fewer");
}

/// A sequence that looks like chance and is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// The rules of the test, in the engine, with every window from the beginning.
fn engine(rules: &[Json], now: Timestamp) -> Engine {
    let mut engine = Engine::new();
    let tier = engine.add_tier(Tier::new(None));
    for rule in rules {
        let rule: Rule = serde_json::from_value(rule.clone()).unwrap();
        let plan = Plan::of(&rule).unwrap();
        let state = RuleState::new(now);
        let made = engine.insert(&plan, state, tier, now, &mut Vec::new());
        made.unwrap();
    }
    engine
}

/// What the store and the engine know of a window, where both know it at this moment.
async fn compare(scene: &Scene, engine: &Engine, key: &str, at: Timestamp) -> bool {
    let known = format!(
        "select trim_scale(value)::text from metric where key = '{key}'
                            and at = '{}'",
        at.to_rfc3339()
    );
    let known = scene.yard.database.texts(&known).await;
    let reading = engine.reading(&key.parse::<Derived>().unwrap());
    let reading = reading.filter(|reading| reading.at == at);
    let reading = reading.map(|reading| reading.value.to_string());
    assert_eq!(known.first(), reading.as_ref(), "{key} at {at}");
    reading.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_observed_windows_in_the_store_are_those_of_the_engine() {
    let scene = Scene::new().await;
    let mut rules = Vec::new();
    for aggregate in ["change_percent", "min", "max", "mean"] {
        for window_s in [60, 300] {
            let value = if aggregate == "change_percent" {
                "8"
            } else {
                "52"
            };
            rules.push(over(">", value, aggregate, window_s));
        }
    }
    for rule in &rules {
        scene.rule(rule.clone()).await;
    }
    scene.look().await;
    let began = SystemClock.now();
    let mut engine = engine(&rules, began);
    let metric: Metric = ETHER.parse().unwrap();
    let (mut dice, mut second, mut known, mut told) = (Dice(7), -3_000, 0, 0);
    for _ in 0..40 {
        second += [5, 20, 25, 30, 55, 130][usize::try_from(dice.roll(6)).unwrap()];
        let value = 40 + dice.roll(21);
        let tick = scene.observe(&value.to_string(), second).await;
        let at = scene.at(second);
        let mut happened = Vec::new();
        let value = Value::whole(value);
        engine.tick(&metric, Tick { at, seq: 0, value }, &mut happened);
        let wanted = happened.iter();
        let wanted = wanted.filter(|(_, event)| matches!(event.change, Change::Told(_)));
        let wanted = wanted.count();
        assert_eq!(tick, wanted, "at {second}");
        told += wanted;
        for rule in &rules {
            let when = &rule["when"];
            let aggregate = when["aggregate"].as_str().unwrap();
            let key = format!("{ETHER}|{aggregate}:{}", when["window_s"]);
            known += usize::from(compare(&scene, &engine, &key, at).await);
        }
    }
    assert!(known > 100 && told > 10, "{known} windows, {told} messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_evaluated_says_so_and_the_others_go_on() {
    let scene = Scene::new().await;
    let mut broken = below_3000();
    // Tokyo is nine hours ahead all year.
    let later = |hours: i64| {
        let there = SystemClock.now() + TimeDelta::hours(9 + hours);
        there.format("%H:%M").to_string()
    };
    broken["timezone"] = "Asia/Tokyo".into();
    broken["quiet_hours"] = json!({ "from": later(6), "to": later(7) });
    let broken = scene.rule(broken).await;
    scene.rule(below_3000()).await;
    scene.look().await;
    // At the end of all times no local day is known.
    let tamper = "update alert_state
                     set state = jsonb_set(state, '{machine,clock}', '\"+262142-12-31T23:00:00Z\"')
                   where rule_id = (select id from alert_rule order by id limit 1)";
    assert_eq!(scene.yard.database.run(tamper).await, 1);
    assert_eq!(scene.observe("3200", 0).await, 0);
    assert_eq!(scene.observe("2900", 60).await, 1, "the other is told");
    let path = format!("/v2/premium/alerts/rules/{broken}");
    let shown = scene.owner.get(&path).await.expect(200).json();
    let why = shown["broken"]["why"].as_str().unwrap();
    assert!(why.contains("the mistake is not yours"), "{shown}");
    assert!(shown["broken"]["since"].is_string(), "{shown}");
    let waits = "select count(*) from alert_state where broken is not null and wake_at > now_utc()";
    assert_eq!(
        scene.yard.database.number(waits).await,
        1,
        "it is looked at again"
    );
    let repair = "update alert_state
                     set state = jsonb_set(state, '{machine,clock}', state #> '{machine,began}'),
                         wake_at = now_utc()
                   where broken is not null";
    assert_eq!(scene.yard.database.run(repair).await, 1);
    assert_eq!(scene.look().await, 1, "it learns what it is");
    let shown = scene.owner.get(&path).await.expect(200).json();
    assert!(shown.get("broken").is_none(), "{shown}");
    assert_eq!(shown["phase"], "firing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_reason_enough_to_observe_its_metric() {
    let scene = Scene::new().await;
    let owner = "0x00000000219ab540356cbb839cbe05303d7705fa";
    let balance = format!("balance:1:{owner}:native");
    for metric in ["tvl:aave", "tvl:aave", "tvl:aave-v3", &*balance] {
        for (aggregate, window_s) in [("min", 60), ("change_percent", 3_600)] {
            let mut rule = over("<", "1", aggregate, window_s);
            rule["when"]["metric"] = metric.into();
            scene.rule(rule).await;
        }
    }
    let pool = scene.yard.database.pools().worker.clone();
    let (watch, chains) = (PgWatch::new(pool.clone()), PgChainEvents::new(pool));
    let asked = ["tvl:aave", "tvl:aav", "tvl:aave-v2", "tvl:aave-v3"].map(str::to_owned);
    let mut watched = watch.watched(&asked).await.unwrap();
    watched.sort();
    assert_eq!(watched, ["tvl:aave", "tvl:aave-v3"]);
    let mut windows = watch.windows(&asked, 100).await.unwrap();
    windows.sort();
    assert_eq!(
        windows,
        [
            "tvl:aave-v3|change_percent:3600",
            "tvl:aave-v3|min:60",
            "tvl:aave|change_percent:3600",
            "tvl:aave|min:60",
        ]
    );
    assert_eq!(watch.windows(&asked, 3).await.unwrap().len(), 3);
    let wallets = chains.watched(Chain::Ethereum, 10).await.unwrap();
    assert_eq!(wallets, [balance]);
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_read_whole_or_by_the_last_of_each_minute_and_by_what_was_before() {
    let scene = Scene::new().await;
    // Six in each of three minutes: 0 to 17.
    let points = "insert into metric_point (key, at, value, tick)
                  select 'tvl:a', timestamptz '2026-06-01 12:00:05+00' + n * interval '10 s', n,
                         gen_random_uuid()
                    from generate_series(0, 17) as n";
    scene.yard.database.run(points).await;
    let watch = PgWatch::new(scene.yard.database.pools().worker.clone());
    let at = |text: &str| -> Timestamp { format!("2026-06-01T{text}Z").parse().unwrap() };
    let read = async |is_coarse, limit| {
        let stretch = Stretch {
            metric: "tvl:a".to_owned(),
            from: at("12:00:15"),
            until: at("12:02:35"),
            is_coarse,
        };
        let points = watch.points(&stretch, limit).await.unwrap();
        let values = points.into_iter().map(|point| point.value);
        values.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(read(false, 4).await, "15 14 13 12");
    assert_eq!(read(true, 10).await, "15 11 5");
    assert_eq!(read(true, 2).await, "15 11");
    let moments = ["11:59:00", "12:00:05", "12:00:14", "12:01:00", "13:00:00"].map(at);
    let before = watch.before("tvl:a", &moments).await.unwrap();
    let values: Vec<&str> = before.iter().map(|point| &*point.value).collect();
    assert_eq!(values, ["0", "5", "17"]);
}
