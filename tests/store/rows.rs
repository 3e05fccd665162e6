//! How a row of each table with a tenant is made: a new table cannot be forgotten here.

use packtrain_core::ids::TenantId;

/// Table, its columns and their values; `$` is the tenant.
pub(crate) const ROWS: &[(&str, &str, &str)] = &[
    (
        "alert_level",
        "metric, level, rule_id, tenant_id",
        "'m', 1, gen_random_uuid(), $",
    ),
    (
        "alert_rule",
        "id, tenant_id, name, rule, endpoints",
        "gen_random_uuid(), $, 'n', '{}', '{}'",
    ),
    (
        "alert_state",
        "rule_id, tenant_id, version, state",
        "gen_random_uuid(), $, 1, '{}'",
    ),
    ("alert_told", "tenant_id, day, told", "$, now(), 1"),
    (
        "api_key",
        "id, tenant_id, name, secret_sha256, scopes",
        "gen_random_uuid(), $, 'k', sha256('x'), '{user}'",
    ),
    (
        "artefact",
        "report_id, name, tenant_id, media_type, object_key, sha256, size_bytes",
        "gen_random_uuid(), 'a', $, 'm', 'k', 's', 1",
    ),
    (
        "attempt",
        "job_id, number, tenant_id, code, message",
        "gen_random_uuid(), 1, $, 'c', 'm'",
    ),
    (
        "audit",
        "id, tenant_id, actor, action, subject",
        "gen_random_uuid(), $, 'a', 'b', 'c'",
    ),
    (
        "batch",
        "id, tenant_id, on_failure",
        "gen_random_uuid(), $, 'hold'",
    ),
    (
        "cancel_request",
        "job_id, tenant_id",
        "gen_random_uuid(), $",
    ),
    (
        "checkpoint",
        "job_id, tenant_id, data",
        "gen_random_uuid(), $, '{}'",
    ),
    (
        "code_count",
        "tenant_id, day, sent",
        "$, current_date + (random() * 1e5)::integer, 1",
    ),
    (
        "dead",
        "id, tenant_id, lane, kind, attempts, code, message, fingerprint",
        "gen_random_uuid(), $, 'io', 'k', 1, 'c', 'm', 'f'",
    ),
    (
        "delivery_try",
        "job_id, number, tenant_id, endpoint_id, at, latency_ms, result",
        "gen_random_uuid(), 1, $, gen_random_uuid(), now(), 1, 'delivered'",
    ),
    (
        "digest_entry",
        "rule_id, seq, endpoint_id, tenant_id",
        "gen_random_uuid(), 1, gen_random_uuid(), $",
    ),
    (
        "digest_window",
        "endpoint_id, tenant_id, due_at",
        "gen_random_uuid(), $, now()",
    ),
    (
        "edge",
        "cause, job, tenant_id",
        "gen_random_uuid(), gen_random_uuid(), $",
    ),
    (
        "endpoint",
        "id, tenant_id, name, channel, address",
        "gen_random_uuid(), $, 'n', 'webhook', 'a'",
    ),
    (
        "fair",
        "lane, tenant_id, finish",
        "gen_random_uuid()::text, $, 1",
    ),
    (
        "file",
        "id, tenant_id, name, object_key, sha256, size_bytes",
        "gen_random_uuid(), $, 'n', 'k', 's', 1",
    ),
    (
        "gate",
        "key, tenant_id, max_play",
        "gen_random_uuid()::text, $, 1",
    ),
    (
        "idempotency",
        "tenant_id, kind, key, body_sha256, job_id, expires_at",
        "$, 'k', gen_random_uuid()::text, 'b', gen_random_uuid(), now()",
    ),
    (
        "incident",
        "id, tenant_id, rule_id, name, severity, opened_at",
        "gen_random_uuid(), $, gen_random_uuid(), 'n', 'info', now()",
    ),
    (
        "incident_step",
        "rule_id, seq, tenant_id, incident_id, step, at, facts",
        "gen_random_uuid(), 1, $, gen_random_uuid(), 's', now(), '{}'",
    ),
    (
        "job",
        "id, tenant_id, lane, kind, schema, priority, payload, max_attempts",
        "gen_random_uuid(), $, 'io', 'k', 1, 5, '{}', 1",
    ),
    (
        "job_event",
        "job_id, seq, tenant_id, name, data",
        "gen_random_uuid(), 1, $, 'n', '{}'",
    ),
    (
        "ledger_row",
        "file_id, line, tenant_id, row_id, at, kind, wallet, currency",
        "gen_random_uuid(), 1, $, 'r', now(), 'buy', 'w', 'USD'",
    ),
    (
        "live_alert",
        "tenant_id, seq, rule_id, step, at",
        "$, (random() * 1e9)::bigint, gen_random_uuid(), 1, now()",
    ),
    (
        "live_count",
        "tenant_id, stream, last",
        "$, gen_random_uuid()::text, 1",
    ),
    (
        "live_follow",
        "tenant_id, horizon, since, mark, marked_at, until",
        "$, 1, now(), 1, now(), now()",
    ),
    (
        "live_job",
        "tenant_id, seq, job_id, state, at",
        "$, (random() * 1e9)::bigint, gen_random_uuid(), 'dead', now()",
    ),
    (
        "live_portfolio",
        "tenant_id, upto, many, news, at",
        "$, (random() * 1e9)::bigint, 1, 1, now()",
    ),
    (
        "outcome",
        "id, tenant_id, state, attempts",
        "gen_random_uuid(), $, 'succeeded', 1",
    ),
    (
        "promise",
        "id, tenant_id, size_bytes, expires_at",
        "gen_random_uuid(), $, 1, now()",
    ),
    (
        "ready",
        "id, lane, priority, fair_key, kind, schema, tenant_id, attempts",
        "gen_random_uuid(), 'io', 5, 1, 'k', 1, $, 0",
    ),
    (
        "report",
        "id, tenant_id, summary, finished_at",
        "gen_random_uuid(), $, '{}', now()",
    ),
    (
        "row_error",
        "file_id, line, place, tenant_id, error",
        "gen_random_uuid(), 1, 1, $, '{}'",
    ),
    (
        "schedule",
        "id, tenant_id, kind, cron, zone, missed",
        "gen_random_uuid(), $, gen_random_uuid()::text, '@daily', 'UTC', 'skip'",
    ),
    (
        "schedule_tick",
        "schedule_id, tick_at, tenant_id, job_id",
        "gen_random_uuid(), now(), $, gen_random_uuid()",
    ),
    (
        "scheduled",
        "id, lane, priority, kind, schema, tenant_id, attempts, run_at, reason",
        "gen_random_uuid(), 'io', 5, 'k', 1, $, 0, now(), 'r'",
    ),
    (
        "service_level",
        "job_id, tenant_id, lane, asked_at, done_at",
        "gen_random_uuid(), $, 'io', now(), now()",
    ),
    (
        "sms_tenant_day",
        "day, tenant_id, usd, cap",
        "now()::date - (random() * 1e5)::integer, $, 0, 1",
    ),
    (
        "stream_ticket",
        "hash, tenant_id, expires_at",
        "sha256(gen_random_uuid()::text::bytea), $, now()",
    ),
    (
        "waiting",
        "id, gate_key, seq, lane, priority, kind, schema, tenant_id, attempts",
        "gen_random_uuid(), 'g', 1, 'io', 5, 'k', 1, $, 0",
    ),
    (
        "wallet_balance",
        "tenant_id, metric, amount, number",
        "$, gen_random_uuid()::text, 1, 1",
    ),
];

/// A statement that makes a row of a table for a tenant.
pub(crate) fn row_of(table: &str, tenant: TenantId) -> String {
    let (_, columns, values) = ROWS
        .iter()
        .find(|(name, ..)| *name == table)
        .unwrap_or_else(|| panic!("say in ROWS how a row of {table} is made"));
    let values = values.replace('$', &format!("'{}'", tenant.as_uuid()));
    format!("insert into {table} ({columns}) values ({values})")
}
