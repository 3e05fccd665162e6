-- Of which dataset a move is, beside the move: whoever reads those of one dataset reads no others. A
-- trigger writes it, so that the release before this one writes it as well.
alter table series_anomaly add column dataset text;
delete from series_anomaly a
 where not exists (select from series s where s.id = a.series_id);
update series_anomaly a
   set dataset = s.dataset
  from series s
 where s.id = a.series_id;
alter table series_anomaly alter column dataset set not null;
create index series_anomaly_dataset on series_anomaly (dataset, at desc, series_id desc);

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
