-- Of which dataset a move is, beside the move: whoever reads those of one dataset reads no others.
-- A trigger writes it, so that the release before this one writes it as well. No release has written
-- moves before this, so there are none to be filled in.
alter table series_anomaly add column dataset text;

create function name_dataset() returns trigger
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    select s.dataset
      into new.dataset
      from public.series s
     where s.id = new.series_id;
    return new;
end
$$;
create trigger name_dataset before insert on series_anomaly
    for each row execute function name_dataset();
