-- Dead letters that are shown outside the database as well: which of them were, which of the others
-- somebody is at, and how often it was tried in vain.

alter table dead
    add column mirrored_at timestamptz,
    add column mirror_from timestamptz not null default '-infinity',
    add column mirror_tries integer not null default 0;
