-- What operators look for among very many finished jobs.

-- Few jobs end otherwise than well, and those are looked for.
create index outcome_otherwise on outcome (state, id desc) where state <> 'succeeded';

-- A lane or kind of which there are few would be looked for among all. There are few lanes and few
-- kinds in each, so that one index leads to both.
create index job_kind on job (lane, kind, id);
