-- Time series: what was measured, hour by hour, and what days, weeks and months make of it. Public
-- figures, of no tenant: workers write them, the API reads them, and no other part has a use for
-- them.

-- A line of figures: what the key means is the dataset's business.
create table series (
    id      bigint not null generated always as identity primary key,
    dataset text   not null,
    key     text   not null,
    name    text   not null,
    unit    text   not null,
    unique (dataset, key)
);

-- One figure an hour, at the beginning of the hour; written once. Weeks are made ahead and dropped
-- whole. Hours come one after the other, so that few pages are read to find all figures of one.
create table series_fact (
    series_id bigint      not null,
    at        timestamptz not null,
    value     numeric     not null,
    primary key (series_id, at)
) partition by range (at);
create index series_fact_hour on series_fact using brin (at) with (pages_per_range = 32);
create table series_fact_default partition of series_fact default;

-- Days, weeks (from Monday) and months in UTC, at their beginning, made of the hours in them.
create table series_bucket (
    series_id  bigint      not null,
    resolution text        not null check (resolution in ('day', 'week', 'month')),
    at         timestamptz not null,
    open       numeric     not null,
    close      numeric     not null,
    low        numeric     not null,
    high       numeric     not null,
    sum        numeric     not null,
    count      bigint      not null check (count > 0),
    primary key (series_id, resolution, at)
);
create index series_bucket_age on series_bucket using brin (at);

-- How far each dataset is. Of hours: all before `until` are there, or will come late; of the rest:
-- all buckets that begin before `until` are made. Facts before `kept_from` were dropped, so that
-- nothing is made of them again. Who writes facts or buckets of a dataset holds its row of hours.
create table series_watermark (
    dataset    text        not null,
    resolution text        not null check (resolution in ('hour', 'day', 'week', 'month')),
    until      timestamptz not null,
    seen_at    timestamptz not null,
    kept_from  timestamptz not null default '1970-01-01T00:00:00Z',
    primary key (dataset, resolution)
);

-- Buckets that were made and are wrong by now, since a fact came late.
create table series_dirty (
    series_id  bigint      not null,
    resolution text        not null check (resolution in ('day', 'week', 'month')),
    at         timestamptz not null,
    primary key (resolution, at, series_id)
);
create index series_dirty_series on series_dirty (series_id, at);

-- Hours in which a series moved as it usually does not. Scores are statistics, not amounts.
create table series_anomaly (
    at             timestamptz      not null,
    series_id      bigint           not null,
    z              double precision not null,
    change_percent double precision not null,
    support        integer          not null,
    primary key (at, series_id)
);

-- Makes the partitions of the week of `at` and of the `weeks` weeks after it. A week whose rows
-- already lie in the default partition is left there.
create function ensure_series_weeks(at timestamptz, weeks integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    week timestamptz;
    name text;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('packtrain.partitions'));
    for week in
        select date_trunc('week', at, 'UTC') + n * interval '7 days'
          from generate_series(0, weeks) as n
    loop
        name := 'series_fact_' || to_char(week at time zone 'UTC', 'YYYYMMDD');
        continue when to_regclass(format('public.%I', name)) is not null;
        begin
            execute format(
                'create table public.%I partition of public.series_fact '
                'for values from (%L) to (%L)', name, week, week + interval '7 days');
            made := made + 1;
        exception when check_violation then
            raise notice 'rows of week % stay in the default partition of series_fact', week;
        end;
    end loop;
    return made;
end
$$;
revoke all on function ensure_series_weeks(timestamptz, integer) from public;
grant execute on function ensure_series_weeks(timestamptz, integer) to packtrain_worker;

-- Drops weeks of facts that end before the week of `before`, the oldest first, and says how many.
-- One that is in use is left for the next run. What lies in the default partition goes by rows.
create function drop_series_weeks(before timestamptz, at_most integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '200ms'
as $$
declare
    kept    timestamptz := date_trunc('week', before, 'UTC');
    name    text;
    dropped integer := 0;
begin
    update public.series_watermark w
       set kept_from = kept
     where w.resolution = 'hour'
       and w.kept_from < kept;
    for name in
        select c.relname
          from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'public.series_fact'::regclass
           and c.relname ~ '^series_fact_[0-9]{8}$'
           and to_date(right(c.relname, 8), 'YYYYMMDD') + 7 <= (kept at time zone 'UTC')::date
         order by 1
         limit at_most
    loop
        execute format('drop table public.%I', name);
        dropped := dropped + 1;
    end loop;
    delete from public.series_fact_default f
     where f.ctid = any(array(
           select d.ctid
             from public.series_fact_default d
            where d.at < kept
            limit 50000));
    return dropped;
exception when lock_not_available then
    raise notice 'facts are in use and left for the next run';
    return 0;
end
$$;
revoke all on function drop_series_weeks(timestamptz, integer) from public;
grant execute on function drop_series_weeks(timestamptz, integer) to packtrain_worker;

select ensure_series_weeks(now_utc(), 4);

grant select on series, series_fact, series_bucket, series_watermark, series_anomaly
   to packtrain_app;
grant select, insert, update (name, unit) on series to packtrain_worker;
grant select, insert on series_fact to packtrain_worker;
grant select, insert, update, delete on series_bucket to packtrain_worker;
grant select, insert, update on series_watermark to packtrain_worker;
grant select, insert, delete on series_dirty to packtrain_worker;
grant select, insert, delete on series_anomaly to packtrain_worker;
