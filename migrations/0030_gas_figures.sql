-- What is made of blocks: quarters of an hour, forecasts, and what became of them. Everybody's, as
-- the blocks are: no tenant, every part may read them, workers alone write them.

-- What gas cost in a quarter of an hour, over the blocks of the line that counts. A block that comes
-- late, or a reorganisation, changes a row that is there.
create table gas_bucket (
    chain_id         bigint        not null,
    at               timestamptz   not null,
    blocks           integer       not null check (blocks > 0),
    base_fee_min_wei numeric(78,0) not null,
    base_fee_p10_wei numeric(78,0) not null,
    base_fee_p50_wei numeric(78,0) not null,
    base_fee_p90_wei numeric(78,0) not null,
    base_fee_max_wei numeric(78,0) not null,
    -- The median of what blocks with transactions say of their median tip; null when none has any.
    tip_wei          numeric(78,0),
    -- How often it was written: 1 unless it was repaired.
    revision         integer       not null default 1,
    rolled_at        timestamptz   not null default now_utc(),
    primary key (chain_id, at)
);
create index gas_bucket_age on gas_bucket (at);

-- Up to when blocks of a chain were seen that are in its buckets.
create table gas_rollup (
    chain_id  bigint      not null primary key,
    rolled_at timestamptz not null
);

-- What was said of a bucket before it was there; never changed. The naive forecast of the same
-- moment stands beside it: the last price, with an interval made in the same way.
create table gas_forecast (
    chain_id      bigint        not null,
    origin        timestamptz   not null,
    horizon_hours smallint      not null check (horizon_hours > 0),
    target_at     timestamptz   not null,
    last_wei      numeric(78,0) not null,
    week_ago_wei  numeric(78,0),
    p10_wei       numeric(78,0) not null,
    p50_wei       numeric(78,0) not null,
    p90_wei       numeric(78,0) not null,
    naive_p10_wei numeric(78,0) not null,
    naive_p90_wei numeric(78,0) not null,
    last_percent  smallint      not null check (last_percent between 0 and 100),
    samples       integer       not null,
    made_at       timestamptz   not null default now_utc(),
    primary key (chain_id, origin, horizon_hours)
);
create index gas_forecast_target on gas_forecast (chain_id, target_at);
create index gas_forecast_age on gas_forecast (origin);

-- How wrong a forecast was, in parts of a million of what the price was.
create table gas_score (
    chain_id           bigint        not null,
    origin             timestamptz   not null,
    horizon_hours      smallint      not null,
    actual_wei         numeric(78,0) not null,
    error_ppm          bigint        not null,
    naive_error_ppm    bigint        not null,
    week_ago_error_ppm bigint,
    loss_ppm           bigint        not null,
    naive_loss_ppm     bigint        not null,
    is_covered         boolean       not null,
    is_naive_covered   boolean       not null,
    scored_at          timestamptz   not null default now_utc(),
    primary key (chain_id, origin, horizon_hours)
);
create index gas_score_age on gas_score (origin);

grant select on gas_bucket, gas_rollup, gas_forecast, gas_score
   to packtrain_app, packtrain_operator;
grant select, insert, update, delete on gas_bucket, gas_score to packtrain_worker;
grant select, insert, update on gas_rollup to packtrain_worker;
grant select, insert, delete on gas_forecast to packtrain_worker;
