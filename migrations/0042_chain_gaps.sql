-- What is not known of blocks, and of which blocks some was read and not all.

-- What is not known of blocks that were scanned: they have more logs of a wallet than nodes give. Of
-- an empty token it is all that no rule names.
create table chain_gap (
    chain_id bigint not null,
    number   bigint not null,
    wallet   bytea  not null check (length(wallet) = 20),
    token    bytea  not null check (length(token) in (0, 20)),
    primary key (chain_id, number, wallet, token)
);

grant select, insert, update, delete on chain_gap to packtrain_worker;

-- The last of the blocks that were read of some wallets, and the last of these wallets.
alter table chain_cursor
    add column part_number bigint,
    add column part_hash   bytea,
    add column part_wallet bytea;
alter table chain_cursor
    add constraint chain_cursor_part
    check (length(part_hash) = 32 and length(part_wallet) = 20) not valid;
