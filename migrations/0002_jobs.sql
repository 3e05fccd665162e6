-- A job's state is where its entry is, not a column that is overwritten.
--
-- `job` is written once. An entry stands in exactly one of ready, scheduled, waiting, lease or
-- dead, or the job has an outcome. No foreign keys point to `job`: they would lock the write-once
-- row and block dropping a partition.

create table job (
    id           uuid        not null,
    tenant_id    uuid        not null,
    lane         text        not null,
    kind         text        not null,
    schema       smallint    not null,
    priority     smallint    not null check (priority between 0 and 9),
    payload      jsonb       not null,
    max_attempts smallint    not null check (max_attempts between 1 and 25),
    deadline     timestamptz,
    gate_key     text,
    parent_id    uuid,
    schedule_id  uuid,
    trace_parent text,
    created_at   timestamptz not null default now_utc(),
    primary key (id)
) partition by range (id);

create index job_tenant_id on job (tenant_id, id desc);

-- Due work: narrow, without payload. Order of service: priority, fair_key, id; 0 is first.
create table ready (
    id        uuid     not null,
    lane      text     not null,
    priority  smallint not null,
    fair_key  bigint   not null,
    kind      text     not null,
    schema    smallint not null,
    tenant_id uuid     not null,
    attempts  smallint not null,
    solo      boolean  not null default false,
    since     timestamptz not null default now_utc(),
    primary key (id)
);
create unique index ready_in_order on ready (lane, priority, fair_key, id)
    include (kind, schema);

-- Not before run_at: delays, retries, snoozes, and kinds that nobody serves.
create table scheduled (
    id        uuid        not null primary key,
    lane      text        not null,
    priority  smallint    not null,
    kind      text        not null,
    schema    smallint    not null,
    tenant_id uuid        not null,
    attempts  smallint    not null,
    solo      boolean     not null default false,
    run_at    timestamptz not null,
    reason    text        not null
);
create index scheduled_due on scheduled (run_at, id);

-- Behind a gate or behind a parent, in gate order.
create table waiting (
    id        uuid     not null primary key,
    gate_key  text     not null,
    seq       bigint   not null,
    lane      text     not null,
    priority  smallint not null,
    kind      text     not null,
    schema    smallint not null,
    tenant_id uuid     not null,
    attempts  smallint not null
);
create index waiting_in_order on waiting (gate_key, seq);

create table gate (
    key       text     not null primary key,
    tenant_id uuid     not null,
    in_play   integer  not null default 0 check (in_play >= 0),
    max_play  integer  not null check (max_play > 0),
    next_seq  bigint   not null default 1
);

-- One row a claimed batch; the id is the fencing token. `ids` and `attempts` never change;
-- a job's place is its bit in `open` (not settled yet) and `started` (really began).
create table lease (
    id         uuid        not null primary key,
    worker_id  uuid        not null,
    lane       text        not null,
    beat       bigint      not null default 0,
    ids        uuid[]      not null check (cardinality(ids) between 1 and 64),
    attempts   smallint[]  not null,
    open       bigint      not null,
    started    bigint      not null default 0,
    claimed_at timestamptz not null default now_utc()
) with (fillfactor = 50);
create index lease_worker on lease (worker_id);

create table outcome (
    id          uuid        not null,
    tenant_id   uuid        not null,
    state       text        not null
                check (state in ('succeeded', 'cancelled', 'discarded', 'expired')),
    attempts    smallint    not null,
    started_at  timestamptz,
    finished_at timestamptz not null default now_utc(),
    result      jsonb,
    primary key (id)
) partition by range (id);

-- Failed or lost attempts; a success at the first try writes none.
create table attempt (
    job_id    uuid        not null,
    number    smallint    not null,
    tenant_id uuid        not null,
    code      text        not null,
    message   text        not null,
    ended_at  timestamptz not null default now_utc(),
    primary key (job_id, number)
) partition by range (job_id);

create table dead (
    id          uuid        not null primary key,
    tenant_id   uuid        not null,
    lane        text        not null,
    kind        text        not null,
    attempts    smallint    not null,
    code        text        not null,
    message     text        not null,
    fingerprint text        not null,
    died_at     timestamptz not null default now_utc()
);
create index dead_by_cause on dead (fingerprint, id);

-- Progress and stages in order: what a reader resumes from.
create table job_event (
    job_id    uuid        not null,
    seq       bigint      not null,
    tenant_id uuid        not null,
    at        timestamptz not null default now_utc(),
    name      text        not null,
    data      jsonb       not null,
    primary key (job_id, seq)
) partition by range (job_id);

create table cancel_request (
    job_id       uuid        not null primary key,
    tenant_id    uuid        not null,
    requested_at timestamptz not null default now_utc()
);

create table idempotency (
    tenant_id   uuid        not null,
    kind        text        not null,
    key         text        not null,
    body_sha256 bytea       not null,
    job_id      uuid        not null,
    expires_at  timestamptz not null,
    primary key (tenant_id, kind, key)
);
create index idempotency_expiry on idempotency (expires_at);

create table worker (
    id         uuid        not null primary key,
    name       text        not null,
    version    text        not null,
    lanes      text[]      not null,
    started_at timestamptz not null default now_utc(),
    seen_at    timestamptz not null default now_utc()
);

create table audit (
    id        uuid        not null primary key,
    tenant_id uuid        not null,
    actor     text        not null,
    action    text        not null,
    subject   text        not null,
    detail    jsonb       not null default '{}',
    at        timestamptz not null default now_utc()
);

-- Partitions: a week each, by the time in the first 48 bits of the id.

create function uuid_floor(at timestamptz) returns uuid
language sql immutable strict parallel safe
as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;

-- Makes the partitions of the week of `at` and of the `weeks` weeks after it. A week whose rows
-- already lie in the default partition is left there.
create function ensure_partitions(at timestamptz, weeks integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public
as $$
declare
    parent text;
    week   timestamptz;
    made   integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('packtrain.partitions'));
    foreach parent in array array['job', 'outcome', 'attempt', 'job_event'] loop
        for week in
            select date_trunc('week', at, 'UTC') + n * interval '7 days'
              from generate_series(0, weeks) as n
        loop
            if to_regclass(format('public.%I', parent || to_char(week at time zone 'UTC', '_YYYYMMDD'))) is not null then
                continue;
            end if;
            begin
                execute format(
                    'create table public.%I partition of public.%I for values from (%L) to (%L)',
                    parent || to_char(week at time zone 'UTC', '_YYYYMMDD'), parent,
                    uuid_floor(week), uuid_floor(week + interval '7 days'));
                made := made + 1;
            exception when check_violation then
                raise notice 'rows of week % stay in the default partition of %', week, parent;
            end;
        end loop;
    end loop;
    return made;
end
$$;
revoke all on function ensure_partitions(timestamptz, integer) from public;
grant execute on function ensure_partitions(timestamptz, integer) to packtrain_worker;

create table job_default partition of job default;
create table outcome_default partition of outcome default;
create table attempt_default partition of attempt default;
create table job_event_default partition of job_event default;
select ensure_partitions(now_utc(), 4);

-- The order of service within a lane and priority: when the work became due, in microseconds.
create function next_fair_key() returns bigint
language sql volatile parallel safe
as $$
    select (extract(epoch from now_utc()) * 1000000)::bigint
$$;
