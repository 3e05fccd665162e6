-- What chains that write their transactions down on another one take for that, and schedules whose
-- jobs come a little later than their times.

-- The data fee of two known transactions, read at the block that was the newest of its chain.
-- Everybody's, as blocks are: no tenant, every part may read it, workers alone write it. Written
-- once.
create table gas_data_fee (
    chain_id              bigint        not null,
    number                bigint        not null,
    hash                  bytea         not null check (length(hash) = 32),
    transfer_wei          numeric(78,0) not null,
    swap_wei              numeric(78,0) not null,
    -- To the operator of the chain; null where it has no such fee.
    transfer_operator_wei numeric(78,0),
    swap_operator_wei     numeric(78,0),
    -- Whether the formula that is known of the chain gives the same.
    is_formula_exact      boolean       not null,
    -- The prices of the OP Stack ...
    l1_base_fee_wei       numeric(78,0),
    blob_base_fee_wei     numeric(78,0),
    base_fee_scalar       bigint,
    blob_base_fee_scalar  bigint,
    -- ... or of Arbitrum.
    byte_wei              numeric(78,0),
    seen_at               timestamptz   not null default now_utc(),
    primary key (chain_id, number, hash),
    check (num_nulls(l1_base_fee_wei, blob_base_fee_wei, base_fee_scalar, blob_base_fee_scalar)
           = case when byte_wei is null then 0 else 4 end)
);
create index gas_data_fee_age on gas_data_fee (seen_at);

grant select on gas_data_fee to packtrain_app, packtrain_operator;
grant select, insert, delete on gas_data_fee to packtrain_worker;

-- A job begins up to so many seconds after the time of its schedule: by how many is made of the
-- schedule and the time, so that every scheduler says the same.
alter table schedule
  add column jitter_s integer not null default 0,
  -- What becomes of a time while the job of the time before has not ended.
  add column overlap text not null default 'allow';
alter table schedule
  add constraint schedule_jitter check (jitter_s between 0 and 3600) not valid,
  add constraint schedule_overlap check (overlap in ('allow', 'skip')) not valid;
