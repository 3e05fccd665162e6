-- Prices of coins: what people call a coin, as the source of prices does, by the key of its price.
-- Public figures, so of no tenant; as many rows as the source knows of the coins that were watched.
create table coin (
    key    text collate "C" not null primary key,
    symbol text             not null
);
grant select, insert, update on coin to packtrain_worker;

-- A rule that has ended watches nothing more: its levels go, and what it watched is not asked for.
grant delete on alert_level to packtrain_worker;
