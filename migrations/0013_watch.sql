-- Who watches the leases of the fleet. Every process that does upkeep could, and each would read
-- all leases several times a second; so there are two places, and whoever finds one empty takes it.
-- One that is not kept for a second is empty: when a watcher dies the other has been watching.

create table watch (
    place  smallint    not null primary key,
    holder bigint,
    until  timestamptz not null default '-infinity'
);
insert into watch (place) values (1), (2);

alter table watch enable row level security;
create policy every on watch to packtrain_worker using (true) with check (true);
create policy reader on watch for select to packtrain_operator using (true);
grant select, update on watch to packtrain_worker;
grant select on watch to packtrain_operator;
