-- Which migration was the last: a program asks before it works.
create function schema_version() returns bigint
language sql stable security definer
set search_path = pg_catalog, public
as $$
    select coalesce(max(m.version), 0) from public._sqlx_migrations m where m.success
$$;
revoke all on function schema_version() from public;
grant execute on function schema_version() to packtrain_app, packtrain_operator, packtrain_worker;
