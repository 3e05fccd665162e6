-- What fleets are scaled by: how long attempts take, and how many a worker runs at once.

-- The time that an attempt of a kind holds a slot: a mean in which what is new weighs more. Workers
-- hand in what they measured every few seconds, so that no job pays for it and no row is hot.
create table kind_time (
    lane       text        not null,
    kind       text        not null,
    mean_us    bigint      not null check (mean_us >= 0),
    samples    bigint      not null,
    updated_at timestamptz not null default now_utc(),
    primary key (lane, kind)
) with (fillfactor = 50);
alter table kind_time enable row level security;
create policy every on kind_time to packtrain_worker using (true) with check (true);
create policy reader on kind_time for select to packtrain_operator using (true);
grant select, insert, update on kind_time to packtrain_worker;
grant select on kind_time to packtrain_operator;

-- Jobs at once, in the order of `lanes`; a worker of an older program says nothing.
alter table worker add column lane_slots integer[] not null default '{}';
