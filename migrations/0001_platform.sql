-- Time, tenants and keys: what every other table leans on.

-- The one clock of SQL. Tests shift it per session; production never sets the offset.
create function now_utc() returns timestamptz
language sql volatile parallel safe
as $$
    select date_trunc('microseconds', clock_timestamp())
         + coalesce(nullif(current_setting('packtrain.clock_offset', true), ''), '0')::interval
$$;

-- The tenant of this transaction; null when none was set, and then no row is visible.
create function current_tenant() returns uuid
language sql stable parallel safe
as $$
    select nullif(current_setting('app.tenant', true), '')::uuid
$$;

create table tenant (
    id         uuid        primary key,
    name       text        not null,
    weight     smallint    not null default 1 check (weight between 1 and 100),
    created_at timestamptz not null default now_utc()
);

create table api_key (
    id            uuid        primary key,
    tenant_id     uuid        not null references tenant (id),
    name          text        not null,
    secret_sha256 bytea       not null check (length(secret_sha256) = 32),
    scopes        text[]      not null check (scopes <@ array['user', 'operator']),
    created_at    timestamptz not null default now_utc(),
    revoked_at    timestamptz
);

alter table tenant enable row level security;
alter table api_key enable row level security;

create policy own on tenant for select to packtrain_app
    using (id = (select current_tenant()));
create policy every on tenant for select to packtrain_operator, packtrain_worker
    using (true);
grant select on tenant to packtrain_app, packtrain_operator, packtrain_worker;

-- A key is looked up before its tenant is known; nobody reads the table itself.
create function find_api_key(wanted uuid)
returns table (tenant_id uuid, secret_sha256 bytea, scopes text[])
language sql stable security definer
set search_path = pg_catalog, public
as $$
    select k.tenant_id, k.secret_sha256, k.scopes
      from public.api_key k
     where k.id = wanted
       and k.revoked_at is null
$$;
revoke all on function find_api_key(uuid) from public;
grant execute on function find_api_key(uuid) to packtrain_app;

-- The platform's own jobs belong to this tenant; its id is also written in the program.
insert into tenant (id, name)
values ('00000000-0000-7000-8000-000000000001', 'platform');
