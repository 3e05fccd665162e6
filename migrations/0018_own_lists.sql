-- A tenant's reports and comparisons are listed without walking all its jobs.
--
-- Only these kinds: an index of all would be written for every job, and few jobs are listed so. A
-- kind that gets such a list needs an index too.
--
-- Building it reads the whole of `job`, and nobody can enqueue meanwhile. A database with few jobs
-- does not notice. With many, build the parts before this migration, while everything runs, one on
-- each partition that the first statement names:
--
--     select inhrelid::regclass from pg_inherits where inhparent = 'job'::regclass;
--     create index concurrently on <partition> (tenant_id, kind, id desc)
--      where kind in ('tax.report', 'tax.compare');
--
-- What follows then takes these parts as they are and builds nothing, so that its lock is short.
-- Partitions that are made later have theirs from the start.
create index job_made on job (tenant_id, kind, id desc)
 where kind in ('tax.report', 'tax.compare');
