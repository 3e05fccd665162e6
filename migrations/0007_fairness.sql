-- Fairness between tenants: start-time fair queueing within a lane and priority.
--
-- An entry's fair key is its start: the later of the lane's clock and the tenant's last finish.
-- The finish lies one step behind it, and a step is shorter the more a tenant weighs. So tenants
-- take turns by weight however much one of them asks for, and a tenant that asks for little is
-- served as if it were alone.

-- The clock of a lane: the greatest key that was claimed, as workers publish it now and then.
alter table lane add column clock bigint not null default 0;
grant update (clock) on lane to packtrain_worker;

-- The last finish of each tenant in each lane.
create table fair (
    lane      text   not null,
    tenant_id uuid   not null,
    finish    bigint not null,
    primary key (lane, tenant_id)
) with (fillfactor = 50);
alter table fair enable row level security;
create policy every on fair to packtrain_operator, packtrain_worker using (true) with check (true);
create policy own on fair to packtrain_app using (tenant_id = (select current_tenant()))
    with check (tenant_id = (select current_tenant()));
grant select, delete on fair to packtrain_operator, packtrain_worker;

-- Reserves `count` keys for a tenant. Processes reserve ranges and hand them out themselves, so
-- that this row is no obstacle to tenants that enqueue much at once.
create function fair_reserve(in_lane text, tenant uuid, count integer)
returns table (start bigint, step bigint)
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    one   bigint := 1000000 / coalesce((select t.weight from tenant t where t.id = tenant), 1);
    clock bigint := coalesce((select l.clock from lane l where l.name = in_lane), 0);
begin
    return query
        insert into fair as f (lane, tenant_id, finish)
        values (in_lane, tenant, clock + count * one)
            on conflict (lane, tenant_id) do update
           set finish = greatest(f.finish, clock) + count * one
        returning f.finish - count * one, one;
end
$$;
revoke all on function fair_reserve(text, uuid, integer) from public;
grant execute on function fair_reserve(text, uuid, integer)
    to packtrain_app, packtrain_operator, packtrain_worker;

-- Where a job re-enters that has waited its turn before: at the clock.
create function lane_clock(in_lane text) returns bigint
language sql stable
as $$
    select clock from lane where name = in_lane
$$;

drop function next_fair_key();
