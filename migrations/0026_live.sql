-- Live streams: what clients are told when it happens, and read again from where they were.
--
-- Places in a stream have no holes and come in the order of the commits: who takes one locks the row
-- that counts them, until the transaction ends. A reader that saw place 7 has therefore seen all
-- before it. A sequence would not do: its numbers are taken before the commit, and a reader would
-- go past a lower one that is committed later.
--
-- Triggers write them, so that nothing that happens can be forgotten, and so that the release before
-- this one writes them as well.

-- The last place of each stream of a tenant. The row outlives what it counted.
create table live_count (
    tenant_id uuid   not null,
    stream    text   not null,
    last      bigint not null,
    primary key (tenant_id, stream)
);

-- Steps of incidents by their places in their tenant's stream `alerts`.
create table live_alert (
    tenant_id uuid        not null,
    seq       bigint      not null,
    rule_id   uuid        not null,
    step      integer     not null,
    at        timestamptz not null,
    primary key (tenant_id, seq)
);
create index live_alert_age on live_alert (at);

-- Looks at chains by their places in the stream `gas:<chain>`; everybody's, as gas_head is, whose row
-- is what is locked.
create table gas_snapshot (
    chain_id bigint      not null,
    seq      bigint      not null,
    number   bigint      not null,
    hash     bytea       not null,
    at       timestamptz not null,
    primary key (chain_id, seq)
);
create index gas_snapshot_age on gas_snapshot (at);

-- What lets a client open one socket for a tenant, once. Only the hash is kept.
create table stream_ticket (
    hash       bytea       not null primary key check (length(hash) = 32),
    tenant_id  uuid        not null,
    expires_at timestamptz not null
);
create index stream_ticket_tenant on stream_ticket (tenant_id, expires_at);
create index stream_ticket_age on stream_ticket (expires_at);

do $$
declare
    named text;
begin
    foreach named in array array['live_count', 'live_alert', 'stream_ticket'] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy own on %I to packtrain_app '
            'using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
        -- An evaluation writes for all tenants whose rules it changes; what is old goes for all.
        execute format(
            'create policy every on %I to packtrain_worker using (true) with check (true)', named);
    end loop;
end
$$;
-- One look says for all tenants whose sockets a process has whether anything is new. It says how
-- many steps there were, and nothing of what they are.
create policy reader on live_count for select to packtrain_operator using (true);
-- Whose ticket it is, is known only once it was found.
create policy owner on stream_ticket to packtrain_owner using (true) with check (true);

grant select on live_count, live_alert, gas_snapshot to packtrain_app;
grant select on live_count to packtrain_operator;
grant select, insert, update on live_count to packtrain_worker;
grant select, insert, delete on live_alert, gas_snapshot to packtrain_worker;
grant select, insert, delete on stream_ticket to packtrain_app;
grant select, delete on stream_ticket to packtrain_worker;

-- Tenants are counted in the order of their ids: two transactions never wait for each other.
create function note_alerts() returns trigger
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    with placed as (
        select tenant_id, rule_id, seq, at,
               row_number() over (partition by tenant_id order by at, rule_id, seq) as place,
               count(*) over (partition by tenant_id) as many
          from made
    ),
    counted as (
        insert into live_count as c (tenant_id, stream, last)
        select tenant_id, 'alerts', count(*)
          from made
         group by tenant_id
         order by tenant_id
            on conflict (tenant_id, stream) do update
           set last = c.last + excluded.last
        returning c.tenant_id, c.last
    )
    insert into live_alert (tenant_id, seq, rule_id, step, at)
    select p.tenant_id, c.last - p.many + p.place, p.rule_id, p.seq, p.at
      from placed p
      join counted c using (tenant_id);
    perform pg_notify('packtrain_live', 'alerts:' || tenant_id)
       from (select distinct tenant_id from made) as told;
    return null;
end
$$;

create function note_snapshot() returns trigger
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    insert into gas_snapshot (chain_id, seq, number, hash, at)
    select new.chain_id, coalesce(max(seq), 0) + 1, new.number, new.hash, new.seen_at
      from gas_snapshot
     where chain_id = new.chain_id;
    perform pg_notify('packtrain_live', 'gas:' || new.chain_id);
    return null;
end
$$;

-- Uses a ticket up, and says whose it is; nobody's when there is none in force.
create function take_stream_ticket(wanted bytea)
returns uuid
language sql volatile security definer
set search_path = pg_catalog, public
as $$
    delete from public.stream_ticket
     where hash = wanted
       and expires_at > public.now_utc()
    returning tenant_id
$$;
revoke all on function take_stream_ticket(bytea) from public;
grant execute on function take_stream_ticket(bytea) to packtrain_app;

create trigger note_alerts after insert on incident_step
    referencing new table as made
    for each statement execute function note_alerts();
create trigger note_snapshot after insert or update on gas_head
    for each row execute function note_snapshot();
