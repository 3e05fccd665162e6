-- What clients said they would send to the store itself, past the API, and did not complete yet.
-- What expired is removed when its tenant promises again; no tenant has more rows than it may
-- have open.
create table promise (
    id         uuid        not null primary key,
    tenant_id  uuid        not null,
    size_bytes bigint      not null check (size_bytes > 0),
    expires_at timestamptz not null
);
create index promise_tenant on promise (tenant_id, expires_at);

alter table promise enable row level security;
create policy own on promise to packtrain_app
    using (tenant_id = (select current_tenant()))
    with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on promise to packtrain_app;
