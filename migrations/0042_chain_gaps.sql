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
