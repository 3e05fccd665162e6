-- What upkeep needs to be harmless when something is odd.

-- Gives back keys of entries that leave their lane without having been served: they are no debt.
-- What stays of the tenant's entries stays its debt.
create function fair_return(in_lane text, tenant uuid, count integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    one  bigint := 1000000 / coalesce((select t.weight from tenant t where t.id = tenant), 1);
    rest bigint;
begin
    update fair f
       set finish = f.finish - count * one
     where f.lane = in_lane
       and f.tenant_id = tenant
    returning f.finish into rest;
    return rest;
end
$$;
revoke all on function fair_return(text, uuid, integer) from public;
grant execute on function fair_return(text, uuid, integer) to packtrain_operator, packtrain_worker;

-- A request whose job cannot be ended is looked at again later, so that it is in nobody's way.
alter table cancel_request add column look_at timestamptz;
grant update (look_at) on cancel_request to packtrain_operator, packtrain_worker;

-- How often a worker renews its leases: nobody may be less patient than five times that, whatever
-- other processes are told about their own lanes.
alter table worker add column renew_ms integer;
