-- When a try failed last: without it, two failures with days between them and nothing sent meanwhile
-- look like days of failures.
alter table endpoint
    add column failed_at timestamptz;

-- Who changes a rule that fires says so among what happened to it.
grant insert on incident_step to packtrain_app;
grant insert, update on live_count to packtrain_app;
grant insert on live_alert to packtrain_app;
