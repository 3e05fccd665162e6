-- Turns that were paid for are kept.

-- The key of a job that waits for its gate or for others: reserved when it was asked for, so that
-- a batch and a gate cost their tenant what as many free jobs do. 0 where the job comes by way of
-- the timetable, which gives it one.
alter table waiting add column fair_key bigint not null default 0;

-- Who came last to a gate, for those who look why it stands still.
create index job_gate on job (gate_key, gate_seq) where gate_key is not null;

-- Drops weeks of jobs, as before. A week of which something is in play is never locked, so that
-- nobody waits for it each time; one of which nothing is, is looked at again under its lock. And
-- nobody waits for this function for longer than a moment. Rows that stay keep all their columns.
create or replace function drop_weeks(before timestamptz, at_most integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '200ms'
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
        continue when is_in_play(lowest, highest);
        begin
            execute format('lock table public.%I in access exclusive mode', 'job_' || suffix);
            if is_in_play(lowest, highest) then
                -- Undoes the block, and with it the lock.
                raise lock_not_available;
            end if;
            execute format('alter table public.job detach partition public.%I', 'job_' || suffix);
            execute format('alter table public.outcome detach partition public.%I',
                'outcome_' || suffix);
            execute format(
                'insert into public.job (id, tenant_id, lane, kind, schema, priority, payload, '
                '       max_attempts, deadline, gate_key, gate_seq, batch_id, rate, parent_id, '
                '       schedule_id, trace_parent, created_at) '
                'select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, '
                '       j.max_attempts, j.deadline, j.gate_key, j.gate_seq, j.batch_id, j.rate, '
                '       j.parent_id, j.schedule_id, j.trace_parent, j.created_at '
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

-- Whether a job of this range is in play. One statement, one snapshot: an entry that moves is seen
-- in one of its places.
create function is_in_play(lowest uuid, highest uuid) returns boolean
language sql volatile security definer
set search_path = pg_catalog, public, pg_temp
as $$
    select exists (select from ready where id >= lowest and id < highest)
        or exists (select from scheduled where id >= lowest and id < highest)
        or exists (select from waiting where id >= lowest and id < highest)
        or exists (select from dead where id >= lowest and id < highest)
        or exists (select from lease l cross join lateral unnest(l.ids) as p (id)
                    where p.id >= lowest and p.id < highest)
$$;
revoke all on function is_in_play(uuid, uuid) from public;
