-- no-transaction
-- The owner is bound by row-level security as well: who comes in as packtrain_owner by mistake sees
-- no tenant's data. It keeps what its own paths need: tenants and keys, which `packtrain keys` and
-- `dev` write, and the jobs, leases and reports which its functions look at for every tenant
-- (`fair_reserve`, `drop_weeks` and their like). docs/decisions/0009 says what this costs.
--
-- Each table in a transaction of its own, so that none is locked while another is waited for; done
-- again it changes nothing.
do $$
declare
    named text;
begin
    foreach named in array array[
        'tenant', 'api_key', 'job', 'ready', 'scheduled', 'waiting', 'outcome', 'dead', 'fair',
        'report'
    ] loop
        execute format('drop policy if exists owner on %I', named);
        execute format(
            'create policy owner on %I to packtrain_owner using (true) with check (true)', named);
        execute format('alter table %I force row level security', named);
        commit;
    end loop;
    foreach named in array array[
        'gate', 'attempt', 'job_event', 'cancel_request', 'idempotency', 'audit', 'batch', 'edge',
        'checkpoint', 'service_level', 'schedule', 'schedule_tick', 'file', 'ledger_row',
        'row_error', 'artefact', 'promise'
    ] loop
        execute format('alter table %I force row level security', named);
        commit;
    end loop;
end
$$;
