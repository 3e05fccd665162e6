-- What people do to jobs, lanes, schedules and workers.

-- A lane's own state; how lanes are served is settings of the workers.
create table lane (
    name      text        not null primary key,
    paused_at timestamptz,
    version   bigint      not null default 1
);
insert into lane (name)
values ('pulse'), ('notify'), ('io'), ('cpu'), ('bulk'), ('ops');
alter table lane enable row level security;
create policy every on lane to packtrain_operator, packtrain_worker using (true) with check (true);
create policy reader on lane for select to packtrain_app using (true);
grant select on lane to packtrain_app, packtrain_worker;
grant select, update on lane to packtrain_operator;

-- A worker that is asked to drain learns it when it renews its leases.
alter table worker
    add column drain_at timestamptz,
    add column kinds    text[] not null default '{}';
create policy operate on worker for update to packtrain_operator using (true) with check (true);
grant update (drain_at) on worker to packtrain_operator;

-- Operators move entries and end jobs; they read no tenant's data and run nothing.
grant insert, delete on ready, scheduled to packtrain_operator;
grant delete on waiting, dead, cancel_request to packtrain_operator;
grant insert on outcome to packtrain_operator;

-- Jobs that are not started by their deadline.
create index job_deadline on job (deadline) where deadline is not null;
create index dead_newest on dead (died_at desc, id desc);
create index audit_newest on audit (id desc);

-- What dead letters of one cause share. Their number in a list is a person's work saved.
create function fingerprint(kind text, cause text) returns text
language sql immutable parallel safe
as $$
    select left(encode(sha256(convert_to(kind || ' ' || cause, 'UTF8')), 'hex'), 16)
$$;
