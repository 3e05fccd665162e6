-- What wallets that rules watch did on chains. Chains are public and one scan serves all tenants, so
-- these tables have no tenant; workers alone see them, since which wallets are in them says which
-- ones somebody watches.

-- Where each chain stands, by its newest block that was scanned; `told_at` is the time of the newest
-- point that came of an event, and none is given twice.
create table chain_cursor (
    chain_id bigint not null primary key,
    number   bigint not null,
    hash     bytea  not null check (length(hash) = 32),
    told_at  timestamptz
);

-- The blocks before it, each the parent of the next, as far back as a reorganisation is looked for.
create table chain_block (
    chain_id bigint      not null,
    number   bigint      not null,
    hash     bytea       not null check (length(hash) = 32),
    parent   bytea       not null check (length(parent) = 32),
    at       timestamptz not null,
    primary key (chain_id, number)
);

-- Events are named by their block too: one that a reorganisation takes along comes again in another
-- block as another event.
create table chain_event (
    chain_id    bigint        not null,
    block_hash  bytea         not null check (length(block_hash) = 32),
    transaction bytea         not null check (length(transaction) = 32),
    log_index   bigint        not null,
    number      bigint        not null,
    at          timestamptz   not null,
    kind        text          not null,
    token       bytea         not null check (length(token) = 20),
    sender      bytea         not null check (length(sender) = 20),
    receiver    bytea         not null check (length(receiver) = 20),
    amount      numeric(78,0) not null,
    state       text          not null default 'pending'
                check (state in ('pending', 'confirmed', 'retracted')),
    seen_at     timestamptz   not null default now_utc(),
    primary key (chain_id, block_hash, transaction, log_index)
);
create index chain_event_number on chain_event (chain_id, number);
create index chain_event_pending on chain_event (chain_id, number) where state = 'pending';
create index chain_event_age on chain_event (seen_at);

-- Which points came of the events of a block that a reorganisation may still take away.
create table chain_told (
    chain_id bigint      not null,
    metric   text        not null,
    at       timestamptz not null,
    number   bigint      not null,
    primary key (chain_id, metric, at)
);
create index chain_told_number on chain_told (chain_id, number);

-- Decimals of tokens; null where a contract does not say.
create table chain_token (
    chain_id bigint not null,
    address  bytea  not null check (length(address) = 20),
    decimals smallint,
    primary key (chain_id, address)
);

-- Points that do not hold any more, by the job that found it out.
create table metric_undone (
    metric  text        not null,
    at      timestamptz not null,
    tick    uuid        not null,
    seen_at timestamptz not null default now_utc(),
    primary key (metric, at)
);
create index metric_undone_tick on metric_undone (tick);
create index metric_undone_age on metric_undone (seen_at);

grant select, insert, update, delete
   on chain_cursor, chain_block, chain_event, chain_told, chain_token, metric_undone
   to packtrain_worker;
