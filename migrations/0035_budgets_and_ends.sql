-- What telling people costs, in messages and in money, and what it may; and the live stream of the
-- ends of a tenant's jobs.

-- A tenant's own limits; where there is none, the settings say. An operator sets them, as he does
-- the weight.
alter table tenant
    add column messages_a_day integer,
    add column sms_usd_a_day  numeric;
alter table tenant
    add constraint tenant_messages check (messages_a_day >= 0) not valid;
alter table tenant
    add constraint tenant_sms check (sms_usd_a_day >= 0) not valid;

-- How many messages the rules of a tenant told on the last UTC day on which they told any. One
-- evaluation after the other writes it, with its end.
create table alert_told (
    tenant_id uuid    not null primary key,
    day       date    not null,
    told      integer not null check (told >= 0)
) with (fillfactor = 50);

-- What was set aside for SMS on each UTC day: of the whole platform, whose row all take turns at,
-- and of each tenant. A reservation adds its price where the sum stays within the cap of the moment,
-- and the constraint holds whatever a later release does.
create table sms_day (
    day date    not null primary key,
    usd numeric not null,
    cap numeric not null,
    check (usd >= 0 and usd <= cap)
) with (fillfactor = 50);
create table sms_tenant_day (
    day       date    not null,
    tenant_id uuid    not null,
    usd       numeric not null,
    cap       numeric not null,
    primary key (day, tenant_id),
    check (usd >= 0 and usd <= cap)
) with (fillfactor = 50);

do $$
declare
    named text;
begin
    foreach named in array array['alert_told', 'sms_tenant_day'] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy own on %I for select to packtrain_app '
            'using (tenant_id = (select current_tenant()))', named);
        -- An evaluation tells for all tenants whose rules it looks at; what is old goes for all.
        execute format(
            'create policy every on %I to packtrain_worker using (true) with check (true)', named);
        execute format(
            'create policy reader on %I for select to packtrain_operator using (true)', named);
    end loop;
end
$$;

grant select on sms_tenant_day to packtrain_app;
grant select on alert_told, sms_day, sms_tenant_day to packtrain_operator;
grant select, insert, update on alert_told to packtrain_worker;
grant select, insert, update, delete on sms_day, sms_tenant_day to packtrain_worker;

-- The stream `jobs` of a tenant: the ends of its jobs, in the order of the transactions that wrote
-- them, which is an order of the commits as far as anybody saw them. Those who end jobs write nothing
-- for it and wait for nobody. Whoever reads gives places, to the ends of transactions that are older
-- than the oldest one under way: nothing can come before them any more.

-- Tenants whose jobs are followed, or were within the last days. Ends of transactions before `horizon`
-- have their places. Transactions from there on began after `since`; those from `mark` on began after
-- `marked_at`.
create table live_follow (
    tenant_id uuid        not null primary key,
    horizon   bigint      not null,
    since     timestamptz not null,
    mark      bigint      not null,
    marked_at timestamptz not null,
    until     timestamptz not null
) with (fillfactor = 50);

create table live_job (
    tenant_id uuid        not null,
    seq       bigint      not null,
    job_id    uuid        not null,
    state     text        not null,
    at        timestamptz not null,
    primary key (tenant_id, seq)
);
create index live_job_job on live_job (job_id);
create index live_job_age on live_job (at);

do $$
declare
    named text;
begin
    foreach named in array array['live_follow', 'live_job'] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        execute format(
            'create policy own on %I for select to packtrain_app '
            'using (tenant_id = (select current_tenant()))', named);
        -- Jobs of all tenants are the operator's to see; what is old goes for all.
        execute format(
            'create policy every on %I to packtrain_operator, packtrain_worker '
            'using (true) with check (true)', named);
    end loop;
end
$$;
create policy places on live_count to packtrain_operator
    using (stream = 'jobs') with check (stream = 'jobs');

grant select on live_job to packtrain_app;
grant select, insert, update on live_count, live_follow to packtrain_operator;
grant select, insert on live_job to packtrain_operator;
grant select, delete on live_follow, live_job to packtrain_worker;

-- A transaction id as rows have it, of 32 bits, as the whole one that is nearest to another.
create function whole_xid(part xid, near bigint) returns bigint
language sql immutable parallel safe
as $$
    select near - 2147483648
         + ((part::text::bigint - near) % 4294967296 + 4294967296 + 2147483648) % 4294967296
$$;
