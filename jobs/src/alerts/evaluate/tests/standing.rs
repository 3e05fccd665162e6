//! How a rule stands while it is snoozed, broken, or told of by another evaluation.

use packtrain_core::fault::Verdict;

use super::*;

#[tokio::test]
async fn a_snooze_holds_back_what_is_told_when_it_ends_and_neither_loses_the_other() {
    let mut bench = Bench::new();
    bench.make(1, &above("10", &json!({}))).await;
    let snooze = |until: Option<Timestamp>| {
        bench.row(1, |row| {
            row.snoozed_until = until;
            row.wake_at = Some(start());
        });
    };
    snooze(Some(at(100)));
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    let fired = [(1, "fired".to_owned()), (1, "held snooze".to_owned())];
    assert_eq!(words(bench.happened()), fired);
    bench.look(at(99)).await;
    assert_eq!(words(bench.happened()), []);
    bench.look(at(100)).await;
    assert_eq!(words(bench.happened()), [(1, "told fired".to_owned())]);
    // Who ends a snooze while an evaluation is at work that knew of it is heard at the next look.
    bench.row(1, |row| row.snoozed_until = Some(at(900)));
    bench.observe("tvl:a", &[(at(110), 9)]).await;
    assert_eq!(words(bench.happened()).len(), 2);
    let found = {
        let looking = Evaluate::default();
        bench.row(1, |row| row.wake_at = Some(start()));
        let done = looking.run(&bench.ctx).await.unwrap();
        let Some(Write::Evaluated(found)) = done.writes.into_iter().next() else {
            panic!("it was looked at");
        };
        *found
    };
    assert_eq!(found.states[0].wake_at, Some(at(900)));
    bench.row(1, |row| row.snoozed_until = None);
    bench.with(|kept| kept.write(found));
    bench.look(at(120)).await;
    assert_eq!(words(bench.happened()), [(1, "told resolved".to_owned())]);
}

/// A rule's clock at the end of all times, at which no local day is known.
fn tamper(row: &mut Row) {
    row.state["machine"]["clock"] = json!("+262142-12-31T23:00:00Z");
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_stops_no_other_and_begins_anew_once_it_can_be() {
    let mut bench = Bench::new();
    let quiet = json!({
        "timezone": "Asia/Tokyo", "quiet_hours": { "from": "01:00", "to": "02:00" },
    });
    bench.make(1, &above("10", &quiet)).await;
    bench.make(2, &above("10", &json!({}))).await;
    bench.make(3, &above("10", &json!({}))).await;
    let whole = bench.row(1, |row| row.state.clone());
    bench.row(1, tamper);
    bench.row(3, |row| row.state = json!("of a later release"));
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    let told = [(2, "fired".to_owned()), (2, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    for (number, why) in [(1, "the mistake is not yours"), (3, "cannot be read")] {
        let broken = bench.row(number, |row| row.broken.clone()).unwrap();
        assert!(broken.contains(why), "{broken}");
        assert!(bench.row(number, |row| row.wake_at.is_some()));
    }
    // The metric does not move again, and what it is the rule learns all the same.
    bench.row(1, |row| row.state = whole);
    bench.look(at(100_000_000)).await;
    let told = [(1, "fired".to_owned()), (1, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    assert_eq!(bench.row(1, |row| row.broken.clone()), None);
    assert!(bench.row(3, |row| row.broken.is_some()));
}

#[tokio::test]
async fn an_evaluation_waits_until_the_messages_of_the_one_before_it_are_enqueued() {
    let mut bench = Bench::new();
    bench.make(1, &above("10", &json!({}))).await;
    let gate = Tell::gate(bench.ctx.tenant).unwrap();
    bench.with(|kept| kept.in_play = Some(gate.to_string()));
    let fault = Evaluate::default().run(&bench.ctx).await.unwrap_err();
    assert!(matches!(fault.verdict, Verdict::Snooze(_)), "{fault:?}");
    bench.with(|kept| kept.in_play = None);
    bench.observe("tvl:a", &[(at(10), 11)]).await;
    assert_eq!(words(bench.happened()).len(), 2);
}
