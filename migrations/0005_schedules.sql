-- Schedules: what comes by itself, and which of its times are decided.

create table schedule (
    id            uuid        not null primary key,
    tenant_id     uuid        not null default '00000000-0000-7000-8000-000000000001',
    kind          text        not null unique,
    cron          text        not null,
    zone          text        not null,
    missed        text        not null check (missed in ('skip', 'latest', 'all')),
    is_enabled    boolean     not null default true,
    version       bigint      not null default 1,
    -- Times up to and with this one were run or let go.
    decided_until timestamptz not null default now_utc(),
    -- When a person changed it; from then on it does not follow the catalogue.
    edited_at     timestamptz
);

-- Which times ran: no time of a schedule makes two jobs, whoever decides, and however often.
create table schedule_tick (
    schedule_id uuid        not null,
    tick_at     timestamptz not null,
    tenant_id   uuid        not null default '00000000-0000-7000-8000-000000000001',
    job_id      uuid        not null,
    decided_at  timestamptz not null default now_utc(),
    primary key (schedule_id, tick_at)
);
create index schedule_tick_age on schedule_tick (tick_at);

alter table schedule enable row level security;
alter table schedule_tick enable row level security;
create policy every on schedule to packtrain_operator, packtrain_worker
    using (true) with check (true);
create policy every on schedule_tick to packtrain_operator, packtrain_worker
    using (true) with check (true);
grant select, insert, update on schedule to packtrain_worker;
grant select, insert, delete on schedule_tick to packtrain_worker;
grant select, update on schedule to packtrain_operator;
grant select on schedule_tick to packtrain_operator;

-- What `ops.prune` may remove besides.
create index audit_age on audit (at);
create policy prune on audit for delete to packtrain_worker using (true);
grant delete on audit to packtrain_worker;

-- Drops the weeks of jobs before `before` of which nothing is in play, at most `at_most` of them.
--
-- A job whose report is kept stays as long as it, in the default partition.
--
-- The week's own lock is taken first, so that whoever works on one of its jobs has ended or waits.
-- A week that is locked is left for the next time: nobody waits long for this function.
create function drop_weeks(before timestamptz, at_most integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '2s'
as $$
declare
    suffix  text;
    lowest  uuid;
    highest uuid;
    dropped integer := 0;
begin
    for suffix in
        select right(c.relname, 8)
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'public.job'::regclass
           and c.relname ~ '^job_[0-9]{8}$'
           and to_date(right(c.relname, 8), 'YYYYMMDD') + 7 <= (before at time zone 'UTC')::date
         order by 1
    loop
        exit when dropped >= at_most;
        lowest := uuid_floor(to_date(suffix, 'YYYYMMDD')::timestamp at time zone 'UTC');
        highest := uuid_floor((to_date(suffix, 'YYYYMMDD') + 7)::timestamp at time zone 'UTC');
        begin
            execute format('lock table public.%I in access exclusive mode', 'job_' || suffix);
            -- One statement, one snapshot: an entry that moves is seen in one of its places.
            if exists (select from ready where id >= lowest and id < highest)
                or exists (select from scheduled where id >= lowest and id < highest)
                or exists (select from waiting where id >= lowest and id < highest)
                or exists (select from dead where id >= lowest and id < highest)
                or exists (
                    select from lease l cross join lateral unnest(l.ids) as p (id)
                     where p.id >= lowest and p.id < highest)
            then
                continue;
            end if;
            execute format('alter table public.job detach partition public.%I', 'job_' || suffix);
            execute format('alter table public.outcome detach partition public.%I',
                'outcome_' || suffix);
            execute format(
                'insert into public.job (id, tenant_id, lane, kind, schema, priority, payload, '
                '       max_attempts, deadline, gate_key, parent_id, schedule_id, trace_parent, '
                '       created_at) '
                'select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, '
                '       j.max_attempts, j.deadline, j.gate_key, j.parent_id, j.schedule_id, '
                '       j.trace_parent, j.created_at '
                '  from public.%I j join public.report r on r.id = j.id', 'job_' || suffix);
            execute format(
                'insert into public.outcome (id, tenant_id, state, attempts, started_at, '
                '       finished_at, result) '
                'select o.id, o.tenant_id, o.state, o.attempts, o.started_at, o.finished_at, '
                '       o.result '
                '  from public.%I o join public.report r on r.id = o.id', 'outcome_' || suffix);
            execute format('drop table if exists public.%I, public.%I, public.%I, public.%I',
                'job_' || suffix, 'outcome_' || suffix, 'attempt_' || suffix,
                'job_event_' || suffix);
            dropped := dropped + 1;
        exception when lock_not_available then
            raise notice 'week % is in use and left for the next run', suffix;
        end;
    end loop;
    return dropped;
end
$$;
revoke all on function drop_weeks(timestamptz, integer) from public;
grant execute on function drop_weeks(timestamptz, integer) to packtrain_worker;
