-- What blocks said of the price of gas. It is everybody's: these tables have no tenant, every part
-- may read them, and workers alone write them. Wei are integers of up to 256 bits, as chains count
-- them.

-- Blocks are named by number and hash: after a reorganisation both blocks of a number are here, and
-- nothing is changed. Which of them count is said by gas_head and by the hashes of their parents.
create table gas_block (
    chain_id          bigint        not null,
    number            bigint        not null,
    hash              bytea         not null check (length(hash) = 32),
    parent            bytea         not null check (length(parent) = 32),
    at                timestamptz   not null,
    base_fee_wei      numeric(78,0) not null,
    next_base_fee_wei numeric(78,0) not null,
    -- Whether the formula that is known of the chain gave the same next base fee as its node.
    is_formula_exact  boolean       not null,
    gas_used          bigint        not null,
    gas_limit         bigint        not null,
    -- At the percentiles 10, 25, 50, 75 and 90; null in a block without transactions.
    tips_wei          numeric(78,0)[] check (cardinality(tips_wei) = 5),
    blob_fee_wei      numeric(78,0),
    next_blob_fee_wei numeric(78,0),
    seen_at           timestamptz   not null default now_utc(),
    primary key (chain_id, number, hash)
);
create index gas_block_age on gas_block (seen_at);

-- The newest block of each chain, and when the chain was last asked.
create table gas_head (
    chain_id bigint      not null primary key,
    number   bigint      not null,
    hash     bytea       not null,
    seen_at  timestamptz not null
);

grant select on gas_block, gas_head to packtrain_app, packtrain_operator;
grant select, insert, delete on gas_block to packtrain_worker;
grant select, insert, update on gas_head to packtrain_worker;
