-- What only the owner knows of a file: the zone of its times, its wallet, the coin of its chain, and
-- which of its columns hold what. A file of before says nothing.

alter table file add column read_options jsonb not null default '{}';
