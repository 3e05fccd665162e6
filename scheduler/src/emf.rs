//! Figures in CloudWatch's embedded metric format: a line of JSON that the log group turns into
//! metrics, so that no AWS call is made here.

use packtrain_core::ports::LaneBacklog;
use packtrain_core::time::Timestamp;
use serde_json::{Value, json};

/// Where CloudWatch keeps them.
const NAMESPACE: &str = "packtrain";
/// The figures that are worth a metric of their own each month, and their units; the line holds no
/// other, since each costs by lane.
const WANTED: [(&str, &str); 4] = [
    ("packtrain_backlog_seconds", "Seconds"),
    ("packtrain_backlog_jobs", "Count"),
    ("packtrain_backlog_oldest_seconds", "Seconds"),
    ("packtrain_slots_busy_percent", "Percent"),
];

/// The figures of one lane: a line has one value for each dimension, and so one lane.
pub(crate) fn line(lane: &LaneBacklog, now: Timestamp) -> Value {
    let metrics = WANTED.map(|(name, unit)| json!({ "Name": name, "Unit": unit }));
    let mut line = json!({
        "_aws": {
            "Timestamp": now.timestamp_millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["lane"]],
                "Metrics": metrics,
            }],
        },
        "lane": lane.lane.as_str(),
    });
    for (name, value) in lane.figures(now) {
        if WANTED.iter().any(|(wanted, _)| *wanted == name) {
            line[name] = value.into();
        }
    }
    line
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use packtrain_core::job::Lane;

    use super::*;

    pub(crate) fn lane() -> LaneBacklog {
        LaneBacklog {
            lane: Lane::Notify,
            is_paused: false,
            jobs: 1_200,
            work: Duration::from_secs(30),
            oldest: Some("2026-11-24T11:59:57.5Z".parse().unwrap()),
            in_flight: 40,
            began: 30,
            remaining: Duration::from_millis(400),
            workers: 2,
            slots: 40,
        }
    }

    pub(crate) fn paused() -> LaneBacklog {
        LaneBacklog {
            lane: Lane::Cpu,
            is_paused: true,
            ..lane()
        }
    }

    #[test]
    fn a_line_is_one_document_that_names_its_metrics_and_holds_their_values() {
        let text = line(&lane(), "2026-11-24T12:00:00Z".parse().unwrap()).to_string();
        assert!(!text.contains('\n'));
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["_aws"]["Timestamp"], 1_795_521_600_000_u64);
        let directive = &read["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "packtrain");
        assert_eq!(directive["Dimensions"], json!([["lane"]]));
        assert_eq!(read["lane"], "notify");
        let named = directive["Metrics"].as_array().unwrap();
        let values = named.iter().map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            (name, read[name].as_f64().unwrap())
        });
        let expected = [
            ("packtrain_backlog_seconds", 0.75),
            ("packtrain_backlog_jobs", 1_200.0),
            ("packtrain_backlog_oldest_seconds", 2.5),
            ("packtrain_slots_busy_percent", 75.0),
        ];
        assert_eq!(values.collect::<Vec<_>>(), expected);
    }
}
