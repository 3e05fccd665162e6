-- Finds dead letters that are to be shown. In a transaction of its own: while it is made, dead
-- letters can be read, and the table is not locked for longer than that.
--
-- Not "concurrently": that waits for everyone who reads the database, also for a second migration
-- that waits for this one, and leaves a broken index behind when it is given up.
create index dead_unmirrored on dead (mirror_from, id) where mirrored_at is null;
