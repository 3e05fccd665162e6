-- Dead letters that are shown outside the database as well: which of them were, and which of the
-- others somebody is at.

alter table dead
    add column mirrored_at timestamptz,
    add column mirror_from timestamptz not null default '-infinity';

create index dead_unmirrored on dead (mirror_from, id) where mirrored_at is null;
