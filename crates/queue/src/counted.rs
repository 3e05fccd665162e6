//! Counts hints by transport and lane.

use packtrain_core::job::Lane;

/// Why hints were not sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dropped {
    /// This process sends more than it can get rid of.
    Behind,
    /// Enough of them wait with the server.
    #[cfg(any(feature = "redis", feature = "aws"))]
    Full,
    /// Others of the same moment wake as many workers as they would.
    Gathered,
    /// The server did not take them.
    Failed,
}

impl Dropped {
    const fn reason(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            #[cfg(any(feature = "redis", feature = "aws"))]
            Self::Full => "full",
            Self::Gathered => "gathered",
            Self::Failed => "failed",
        }
    }
}

/// The counters of one transport.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted(pub(crate) &'static str);

impl Counted {
    /// Hints went to the server.
    pub(crate) fn sent(self, lane: Lane, count: usize) {
        metrics::counter!("packtrain_hints_sent_total", &self.labels(lane)).increment(count as u64);
    }

    /// Hints did not go.
    pub(crate) fn dropped(self, lane: Lane, why: Dropped, count: usize) {
        if count > 0 {
            let [transport, lane] = self.labels(lane);
            let labels = [transport, lane, ("reason", why.reason())];
            metrics::counter!("packtrain_hints_dropped_total", &labels).increment(count as u64);
        }
    }

    /// Hints came from the server.
    pub(crate) fn heard(self, lane: Lane, count: usize) {
        metrics::counter!("packtrain_hints_heard_total", &self.labels(lane))
            .increment(count as u64);
    }

    /// The server could not be heard, whatever the lane: listening begins anew.
    pub(crate) fn deaf(self) {
        metrics::counter!("packtrain_hints_failures_total", "transport" => self.0).increment(1);
    }

    fn labels(self, lane: Lane) -> [(&'static str, &'static str); 2] {
        [("transport", self.0), ("lane", lane.as_str())]
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn hints_are_counted_by_transport_and_lane_and_what_was_not_sent_by_reason() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let counted = Counted("pg");
            counted.sent(Lane::Io, 2);
            counted.heard(Lane::Cpu, 1);
            counted.dropped(Lane::Io, Dropped::Behind, 3);
            counted.dropped(Lane::Io, Dropped::Failed, 0);
            counted.deaf();
        });
        let shown = recorder.handle().render();
        for line in [
            r#"packtrain_hints_sent_total{transport="pg",lane="io"} 2"#,
            r#"packtrain_hints_heard_total{transport="pg",lane="cpu"} 1"#,
            r#"packtrain_hints_dropped_total{transport="pg",lane="io",reason="behind"} 3"#,
            r#"packtrain_hints_failures_total{transport="pg"} 1"#,
        ] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(!shown.contains("failed"), "{shown}");
    }
}
