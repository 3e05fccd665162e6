//! Rules on jobs and on the platform: who may have them, and that they fire.

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Yard, until};
use serde_json::{Value, json};

const RULES: &str = "/v2/premium/alerts/rules";

fn rule(metric: &str, op: &str, value: &str) -> Value {
    let when = json!({ "metric": metric, "op": op, "value": value });
    json!({ "rule": { "name": metric, "when": when } })
}

#[tokio::test]
async fn rules_on_jobs_and_the_platform_are_for_keys_that_may_see_them_and_name_what_there_is() {
    let yard = Yard::without_workers().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    let dead = rule("job:tax.report:dead", ">", "0");
    for asked in [&dead, &rule("platform:workers", "<", "1")] {
        let refused = user.post(RULES, &[], asked).await.expect(403).json();
        assert_eq!(refused["code"], "auth.scope_missing");
        assert!(refused["detail"].as_str().unwrap().contains("`viewer`"));
    }
    let hidden = json!({ "rule": { "name": "hidden", "when": { "any": [
        { "metric": "tvl:aave", "op": ">", "value": "1" },
        { "not": { "metric": "platform:dead", "op": "<", "value": "1" } },
    ] } } });
    user.post(RULES, &[], &hidden).await.expect(403);
    // A rule that is there is not changed into one either.
    let own = rule("tvl:aave", ">", "1");
    let made = user.post(RULES, &[], &own).await.expect(201);
    let place = made.header("location").to_owned();
    let body = dead.to_string();
    let json = [("content-type", "application/json")];
    user.send("PUT", &place, &json, body).await.expect(403);

    let viewer = yard
        .client("ada", &[KeyScope::User, KeyScope::Viewer])
        .await;
    viewer.post(RULES, &[], &dead).await.expect(201);
    let operator = yard
        .client("ada", &[KeyScope::User, KeyScope::Operator])
        .await;
    operator.post(RULES, &[], &hidden).await.expect(201);
    for unknown in [
        "job:tax.riddle:dead",
        "job:tax.report:luck",
        "platform:luck",
    ] {
        let refused = viewer.post(RULES, &[], &rule(unknown, ">", "1")).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["code"], "unknown_figure", "{refused}");
    }
    yard.stop().await;
}

#[tokio::test]
async fn a_dead_letter_fires_the_rule_on_its_kind_and_nothing_is_read_without_a_rule() {
    let yard = Yard::start().await;
    let look = async || yard.job("ops.observe", json!({})).await;
    assert_eq!(look().await, Value::Null);
    let desk = yard
        .client("ops", &[KeyScope::User, KeyScope::Viewer])
        .await;
    for asked in [
        rule("job:tax.report:dead", ">", "0"),
        rule("platform:workers", "<", "1"),
        rule("platform:dead", ">=", "1"),
    ] {
        desk.post(RULES, &[], &asked).await.expect(201);
    }
    assert_eq!(look().await, json!({ "wanted": 3, "observed": 3 }));
    let values = async || {
        let sql = "select key || ' ' || value from metric order by key";
        yard.database.texts(sql).await
    };
    let wanted = [
        "job:tax.report:dead 0",
        "platform:dead 0",
        "platform:workers 1",
    ];
    until("rules know of it", async || values().await == wanted).await;

    let dies = "insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
                select gen_random_uuid(), id, 'cpu', 'tax.report', 1, 'x', 'x', 'x' from tenant
                 limit 1";
    assert_eq!(yard.database.run(dies).await, 1);
    look().await;
    until("both rules fire", async || {
        let incidents = desk.get("/v2/premium/alerts/incidents").await.expect(200);
        let incidents = incidents.json();
        let items = incidents["items"].as_array().unwrap().iter();
        let mut names: Vec<&str> = items.map(|one| one["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        names == ["job:tax.report:dead", "platform:dead"]
    })
    .await;
    yard.stop().await;
}
