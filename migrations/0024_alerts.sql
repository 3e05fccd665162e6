-- Alerts: what was measured, the rules that watch it, what came of them, and who is told.

-- What everybody's rules look at: public figures, so of no tenant. `metric` is the value with which
-- rules were evaluated last; `metric_point` is everything that was observed, by the job that did.
create table metric (
    key   text        not null primary key,
    value numeric     not null,
    at    timestamptz not null
);

create table metric_point (
    key   text        not null,
    at    timestamptz not null,
    value numeric     not null,
    tick  uuid        not null,
    primary key (key, at)
);
create index metric_point_tick on metric_point (tick);
create index metric_point_age on metric_point (at);

-- `version` rises with every change; what was found out about an earlier one changes nothing.
create table alert_rule (
    id         uuid        not null primary key,
    tenant_id  uuid        not null,
    name       text        not null,
    rule       jsonb       not null,
    endpoints  uuid[]      not null,
    version    integer     not null default 1,
    created_at timestamptz not null default now_utc(),
    updated_at timestamptz not null default now_utc()
);
create index alert_rule_tenant on alert_rule (tenant_id, id desc);

-- The crossing index: the values at which a condition of a rule may change. A metric that moves
-- finds the rules whose levels lie between where it was and where it is, and no others.
create table alert_level (
    metric    text    collate "C" not null,
    level     numeric not null,
    rule_id   uuid    not null,
    tenant_id uuid    not null,
    primary key (metric, level, rule_id)
);
create index alert_level_rule on alert_level (rule_id);

-- How each rule stands, as the rule engine writes it, and when it must be looked at although
-- nothing moves.
create table alert_state (
    rule_id   uuid    not null primary key,
    tenant_id uuid    not null,
    version   integer not null,
    state     jsonb   not null,
    is_silent boolean not null default false,
    wake_at   timestamptz
);
create index alert_state_wake on alert_state (wake_at) where wake_at is not null;
create index alert_state_silent on alert_state (rule_id) where is_silent;

-- What happened: from the firing of a rule to its end, step by step.
create table incident (
    id         uuid        not null primary key,
    tenant_id  uuid        not null,
    rule_id    uuid        not null,
    name       text        not null,
    severity   text        not null,
    opened_at  timestamptz not null,
    ended_at   timestamptz
);
create index incident_tenant on incident (tenant_id, id desc);
create index incident_rule on incident (rule_id, id desc);
create index incident_age on incident (opened_at);

-- `seq` counts everything that happened to the rule: messages of a rule have one order.
create table incident_step (
    rule_id     uuid        not null,
    seq         integer     not null,
    tenant_id   uuid        not null,
    incident_id uuid        not null,
    step        text        not null,
    at          timestamptz not null,
    facts       jsonb       not null,
    primary key (rule_id, seq)
);
create index incident_step_incident on incident_step (incident_id, seq);
create index incident_step_age on incident_step (at);

-- Who is told, and where. `address` may hold a token, and `secrets` sign what is sent.
create table endpoint (
    id          uuid        not null primary key,
    tenant_id   uuid        not null,
    name        text        not null,
    channel     text        not null,
    address     text        not null,
    secrets     text[]      not null default '{}',
    created_at  timestamptz not null default now_utc(),
    verified_at timestamptz,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_because text
);
create index endpoint_tenant on endpoint (tenant_id, id desc);

-- Each try to hand a message over: what was sent is made from the incident, what came back is kept.
create table delivery_try (
    job_id      uuid        not null,
    number      integer     not null,
    tenant_id   uuid        not null,
    rule_id     uuid,
    seq         integer,
    endpoint_id uuid        not null,
    at          timestamptz not null,
    latency_ms  integer     not null,
    result      text        not null,
    status      integer,
    cause       text,
    excerpt     text,
    primary key (job_id, number)
);
create index delivery_try_step on delivery_try (rule_id, seq);
create index delivery_try_age on delivery_try (at);

do $$
declare
    named text;
begin
    foreach named in array array[
        'alert_rule', 'alert_level', 'alert_state', 'incident', 'incident_step', 'endpoint',
        'delivery_try'
    ] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy own on %I to packtrain_app, packtrain_worker '
            'using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
    end loop;
    -- One look at a metric that moved finds the rules of all tenants that watch it, and writes how
    -- they stand; what is old goes for all tenants. Endpoints workers reach in their tenant's name
    -- alone.
    foreach named in array array[
        'alert_rule', 'alert_level', 'alert_state', 'incident', 'incident_step', 'delivery_try'
    ] loop
        execute format(
            'create policy watched on %I to packtrain_worker using (true) with check (true)',
            named);
    end loop;
end
$$;

grant select, insert, update, delete on alert_rule, alert_level, alert_state, endpoint
   to packtrain_app;
grant select on incident, incident_step, delivery_try, metric, metric_point to packtrain_app;
-- Who changes a rule or takes it away ends what it was firing for.
grant update (ended_at) on incident to packtrain_app;
grant select on alert_rule, alert_level to packtrain_worker;
grant select, update on alert_state to packtrain_worker;
grant select, insert, update, delete on incident to packtrain_worker;
grant select, insert, delete on incident_step, delivery_try to packtrain_worker;
grant select, update on endpoint to packtrain_worker;
grant select, insert, update on metric to packtrain_worker;
grant select, insert, delete on metric_point to packtrain_worker;
