-- Kinds that nobody serves: their jobs wait in `scheduled` with the reason and cost claims nothing.

-- Of each of a worker's kinds: the lane in which it looks for it, and the newest payload version
-- that it knows. Both stand in the order of `kinds`. A worker of an older program says neither and
-- is taken to serve all its kinds, of every version, in all its lanes.
alter table worker
    add column kind_lanes text[]     not null default '{}',
    add column schemas    smallint[] not null default '{}';

-- What workers serve that live, by the database's time, and do not drain. A lane that a worker
-- looks into for no kind stands there with no kind.
create view served with (security_invoker = true) as
select l.lane, k.kind, coalesce(k.schema_max, 32767) as schema_max
  from worker w
 cross join lateral unnest(w.lanes) as l (lane)
  left join lateral unnest(w.kinds, w.kind_lanes, w.schemas) as k (kind, lane, schema_max)
    on coalesce(k.lane, l.lane) = l.lane
 where w.seen_at > now_utc() - interval '30 seconds'
   and w.drain_at is null;
grant select on served to packtrain_operator, packtrain_worker;

-- Few rows: nothing is written here for any other entry.
create index scheduled_unserved on scheduled (kind, schema, id) where reason like 'unserved: %';

-- What ended lately, for people who watch. Ends are written in order of time, so that a block range
-- index finds the last minute.
create index outcome_lately on outcome using brin (finished_at)
    with (pages_per_range = 16, autosummarize = on);
create index attempt_lately on attempt using brin (ended_at)
    with (pages_per_range = 16, autosummarize = on);
