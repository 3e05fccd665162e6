-- What holds work back besides time: gates, rates, and work that must end before it.

-- A member of a gate has a place in its order, written once; a redriven one takes it again.
alter table job
    add column gate_seq bigint,
    add column batch_id uuid,
    add column rate     text;
create index job_batch on job (batch_id, id) where batch_id is not null;

-- A member is in play while it stands in ready, scheduled or a lease, and in a gate that holds
-- dead letters as long as it is dead. The others wait. Whoever lets a member in or out holds the
-- gate's row, and takes several in the order of their keys.
alter table gate
    add column holds_dead boolean     not null default false,
    add column moved_at   timestamptz not null default now_utc();

-- Behind a gate (no needs), or behind so many jobs that have not ended.
alter table waiting
    alter column gate_key drop not null,
    alter column seq drop not null,
    add column needs  integer     not null default 0 check (needs >= 0),
    add column solo   boolean     not null default false,
    add column run_at timestamptz;
drop index waiting_in_order;
create index waiting_in_order on waiting (gate_key, seq)
    where needs = 0 and gate_key is not null;

-- A batch is what one job split into; its id is that job's.
create table batch (
    id         uuid        not null primary key,
    tenant_id  uuid        not null,
    on_failure text        not null check (on_failure in ('hold', 'stop', 'proceed')),
    created_at timestamptz not null default now_utc()
);

-- `job` waits for the end of `cause`. An edge goes when it is satisfied, so that a member that is
-- redriven and ends again counts once.
create table edge (
    cause     uuid not null,
    job       uuid not null,
    tenant_id uuid not null,
    primary key (cause, job)
);
create index edge_job on edge (job);

-- When the next job of a class may begin, by the generic cell rate algorithm.
create table rate (
    class    text        not null primary key,
    every_us bigint      not null check (every_us > 0),
    burst    smallint    not null check (burst > 0),
    next_at  timestamptz not null default '-infinity'
);

-- The class whose beginning a scheduled job has still to be given.
alter table scheduled
    add column rate text;

-- How far a long job came.
create table checkpoint (
    job_id    uuid        not null primary key,
    tenant_id uuid        not null,
    data      jsonb       not null,
    at        timestamptz not null default now_utc()
);

-- Measured ways through the queue. No key: a row that is there twice would tell that an end was
-- written twice.
create table service_level (
    job_id    uuid        not null,
    tenant_id uuid        not null,
    lane      text        not null,
    asked_at  timestamptz not null,
    done_at   timestamptz not null
);
create index service_level_newest on service_level (done_at);

do $$
declare
    named text;
begin
    foreach named in array array['batch', 'edge', 'checkpoint', 'service_level'] loop
        execute format('alter table %I enable row level security', named);
        execute format(
            'create policy own on %I to packtrain_app using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
        execute format(
            'create policy every on %I to packtrain_operator, packtrain_worker '
            'using (true) with check (true)', named);
        execute format('grant select on %I to packtrain_app, packtrain_operator', named);
        execute format('grant select, insert, update, delete on %I to packtrain_worker', named);
    end loop;
end
$$;
alter table rate enable row level security;
create policy every on rate to packtrain_worker using (true) with check (true);
create policy reader on rate for select to packtrain_operator using (true);
grant select, insert, update on rate to packtrain_worker;
grant select on rate to packtrain_operator;

-- Who enqueues lets jobs in; who operates lets them in and out.
grant select, insert, update on gate to packtrain_app;
grant delete on waiting to packtrain_app;
grant select, insert, update on gate to packtrain_operator;
grant update on waiting to packtrain_operator;
grant delete on edge to packtrain_operator;

create or replace view job_state as
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'queued'::text as state, r.attempts, null::timestamptz as run_at,
       null::timestamptz as started_at, null::timestamptz as finished_at, null::jsonb as result,
       j.batch_id, j.gate_key, null::text as reason
  from job j join ready r on r.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'scheduled', s.attempts, s.run_at, null, null, null, j.batch_id, j.gate_key, s.reason
  from job j join scheduled s on s.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'waiting', w.attempts, w.run_at, null, null, null, j.batch_id, j.gate_key,
       case when w.needs > 0 then 'batch: ' || w.needs || ' must end before it'
            else 'gate: its turn has not come' end
  from job j join waiting w on w.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'running', l.attempts[p.place] + 1, null, l.claimed_at, null, null, j.batch_id, j.gate_key,
       null
  from lease l
 cross join lateral unnest(l.ids) with ordinality as p (id, place)
  join job j on j.id = p.id
 where (l.open >> (p.place::integer - 1)) & 1 = 1
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       o.state, o.attempts, null, o.started_at, o.finished_at, o.result, j.batch_id, j.gate_key,
       null
  from job j join outcome o on o.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'dead', d.attempts, null, null, d.died_at, null, j.batch_id, j.gate_key, null
  from job j join dead d on d.id = j.id;
