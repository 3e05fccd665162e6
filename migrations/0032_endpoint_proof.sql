-- Endpoints whose owner proves that he wants them, digests, and the key that sealed a row.

-- `unverified_since` is empty for what is told: a release that does not know it makes endpoints that
-- are. `codes` are hashes of those that were sent last and hold until `codes_until`, of which so many
-- wrong ones were given; `codes_sent` counts messages with one.
alter table endpoint
    add column unverified_since timestamptz,
    add column codes            bytea[]  not null default '{}',
    add column codes_until      timestamptz,
    add column codes_wrong      integer  not null default 0,
    add column codes_sent       integer  not null default 0,
    add column codes_sent_at    timestamptz,
    add column sealed_by        text;

-- How many messages with a code a tenant caused on a day: whoever makes endpoints and takes them away
-- again would otherwise send as many to a stranger as he likes.
create table code_count (
    tenant_id uuid    not null,
    day       date    not null,
    sent      integer not null,
    primary key (tenant_id, day)
);

-- The window in which messages to an endpoint are gathered. Without a digest it is the last one.
create table digest_window (
    endpoint_id uuid        not null primary key,
    tenant_id   uuid        not null,
    digest      jsonb,
    began_at    timestamptz not null default now_utc(),
    due_at      timestamptz not null
);
create index digest_window_due on digest_window (due_at);

-- What is told with a digest: the next one, or that of a job.
create table digest_entry (
    rule_id     uuid        not null,
    seq         integer     not null,
    endpoint_id uuid        not null,
    tenant_id   uuid        not null,
    added_at    timestamptz not null default now_utc(),
    job_id      uuid,
    primary key (rule_id, seq, endpoint_id)
);
create index digest_entry_waiting on digest_entry (endpoint_id, added_at) where job_id is null;
create index digest_entry_told on digest_entry (job_id) where job_id is not null;
create index digest_entry_age on digest_entry (added_at);

do $$
declare
    named text;
begin
    foreach named in array array['code_count', 'digest_window', 'digest_entry'] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy own on %I to packtrain_app, packtrain_worker '
            'using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
    end loop;
    -- One look finds the windows of all tenants that have ended, and what is old goes for all.
    foreach named in array array['digest_window', 'digest_entry'] loop
        execute format(
            'create policy watched on %I to packtrain_worker using (true) with check (true)',
            named);
    end loop;
end
$$;

grant select, insert, update, delete on code_count, digest_window to packtrain_app;
grant select, delete on digest_entry to packtrain_app;
grant select, insert, update, delete on digest_window, digest_entry to packtrain_worker;
