-- Who may do what to the job tables. No role here owns a table or bypasses row-level security:
--   packtrain_app       one tenant a transaction
--   packtrain_operator  every tenant's jobs, no tenant's data
--   packtrain_worker    claims and settles every tenant's jobs
--   packtrain_view      owns the view job_state and nothing else; nobody logs in as it

do $$
declare
    named text;
begin
    foreach named in array array[
        'job', 'ready', 'scheduled', 'waiting', 'gate', 'outcome', 'attempt', 'dead',
        'job_event', 'cancel_request', 'idempotency', 'audit'
    ] loop
        execute format('alter table %I enable row level security', named);
        execute format(
            'create policy own on %I to packtrain_app using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
        execute format(
            'create policy every on %I to packtrain_operator, packtrain_worker '
            'using (true) with check (true)', named);
    end loop;

    -- The view's reader is bound by the reader's own rights: the tenant's, or all.
    foreach named in array array[
        'job', 'ready', 'scheduled', 'waiting', 'outcome', 'dead'
    ] loop
        execute format(
            'create policy reader on %I for select to packtrain_view using ('
            'tenant_id = (select current_tenant()) '
            'or current_user in (''packtrain_operator'', ''packtrain_worker''))', named);
        execute format('grant select on %I to packtrain_view', named);
    end loop;
end
$$;

alter table lease enable row level security;
alter table worker enable row level security;
create policy every on lease to packtrain_worker using (true) with check (true);
create policy reader on lease for select to packtrain_operator, packtrain_view using (true);
create policy every on worker to packtrain_worker using (true) with check (true);
create policy reader on worker for select to packtrain_operator using (true);

grant select, insert on job, ready, scheduled, waiting, idempotency, audit, cancel_request
    to packtrain_app, packtrain_operator;
grant update, delete on idempotency to packtrain_app, packtrain_operator;
grant select on outcome, attempt, dead, job_event to packtrain_app, packtrain_operator;
grant select on lease, worker to packtrain_operator;
grant select on lease to packtrain_view;
grant select, insert on job, outcome, attempt, job_event, audit to packtrain_worker;
grant select, insert, update, delete
    on ready, scheduled, waiting, gate, lease, dead, cancel_request, idempotency, worker
    to packtrain_worker;

-- Where each job is. It starts from `job`, whose policy holds, and each branch says its state as
-- a literal, so that a filter on the state prunes the others.
create view job_state as
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'queued'::text as state, r.attempts, null::timestamptz as run_at,
       null::timestamptz as started_at, null::timestamptz as finished_at, null::jsonb as result
  from job j join ready r on r.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'scheduled', s.attempts, s.run_at, null, null, null
  from job j join scheduled s on s.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'waiting', w.attempts, null, null, null, null
  from job j join waiting w on w.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'running', l.attempts[p.place] + 1, null, l.claimed_at, null, null
  from lease l
 cross join lateral unnest(l.ids) with ordinality as p (id, place)
  join job j on j.id = p.id
 where (l.open >> (p.place::integer - 1)) & 1 = 1
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       o.state, o.attempts, null, o.started_at, o.finished_at, o.result
  from job j join outcome o on o.id = j.id
union all
select j.id, j.tenant_id, j.lane, j.kind, j.schema, j.priority, j.payload, j.max_attempts,
       j.parent_id, j.created_at,
       'dead', d.attempts, null, null, d.died_at, null
  from job j join dead d on d.id = j.id;

-- The new owner of a view must be allowed to create in its schema at that moment.
grant create on schema public to packtrain_view;
alter view job_state owner to packtrain_view;
revoke create on schema public from packtrain_view;
grant select on job_state to packtrain_app, packtrain_operator, packtrain_worker;
