-- The live stream `portfolio`: what happens to the wallets that a tenant's rules watch.
--
-- What a scan tells of one wallet is kept once, however many tenants are told of it: each of them
-- has one row for all of it, with the places that it takes in its stream. A wallet of ten thousand
-- transfers that a thousand tenants watch costs eleven thousand rows, and not ten million.

create sequence wallet_news_id;

-- What happened, in sets: who is told one of a set is told all of it, in its order.
create table wallet_news (
    news        bigint        not null,
    n           integer       not null,
    step        text          not null
                check (step in ('balance', 'found', 'confirmed', 'retracted')),
    chain_id    bigint        not null,
    wallet      bytea         not null check (length(wallet) = 20),
    number      bigint        not null,
    block_hash  bytea         not null check (length(block_hash) = 32),
    block_at    timestamptz   not null,
    -- Null for the chain's own coin.
    token       bytea         check (length(token) = 20),
    -- In base units; the decimals as far as they are known.
    amount      numeric(78,0) not null,
    decimals    smallint,
    -- Of events alone.
    transaction bytea         check (length(transaction) = 32),
    log_index   bigint,
    kind        text,
    sender      bytea         check (length(sender) = 20),
    receiver    bytea         check (length(receiver) = 20),
    seen_at     timestamptz   not null default now_utc(),
    primary key (news, n),
    check (step = 'balance'
           or (token is not null and transaction is not null and log_index is not null
               and kind is not null and sender is not null and receiver is not null))
);
create index wallet_news_found on wallet_news (chain_id, block_hash, log_index)
    where step = 'found';
create index wallet_news_age on wallet_news (seen_at);

-- Who was told of a set: its things have the places up to this one, of which there are so many.
create table live_portfolio (
    tenant_id uuid        not null,
    upto      bigint      not null,
    many      integer     not null,
    news      bigint      not null,
    at        timestamptz not null,
    primary key (tenant_id, upto)
);
create index live_portfolio_news on live_portfolio (news, tenant_id);
create index live_portfolio_age on live_portfolio (at);

-- The balance that a tenant was told last, by the metric of its rule. Each has its own: were it one
-- for all, who comes later could see that somebody else watches the wallet.
create table wallet_balance (
    tenant_id uuid          not null,
    metric    text          collate "C" not null,
    amount    numeric(78,0) not null,
    number    bigint        not null,
    told_at   timestamptz   not null default now_utc(),
    primary key (tenant_id, metric)
);
create index wallet_balance_age on wallet_balance (told_at);

do $$
declare
    named text;
begin
    foreach named in array array['live_portfolio', 'wallet_balance', 'wallet_news'] loop
        execute format('alter table %I enable row level security', named);
        execute format('alter table %I force row level security', named);
        -- A scan writes for all tenants that watch; what is old goes for all.
        execute format(
            'create policy every on %I to packtrain_worker using (true) with check (true)', named);
    end loop;
end
$$;
create policy own on live_portfolio for select to packtrain_app
    using (tenant_id = (select current_tenant()));
-- News have no tenant. They are read by those who were told, since they say which wallets somebody
-- watches.
create policy told on wallet_news for select to packtrain_app
    using (exists (select from live_portfolio l
                    where l.news = wallet_news.news
                      and l.tenant_id = (select current_tenant())));

grant usage on sequence wallet_news_id to packtrain_worker;
grant select on live_portfolio, wallet_news to packtrain_app;
grant select, insert, delete on live_portfolio, wallet_news to packtrain_worker;
grant select, insert, update, delete on wallet_balance to packtrain_worker;

-- Gives sets of news their places in the streams of tenants, in the order of the sets.
--
-- Scans of two chains that end at the same time take turns from here until they are committed: each
-- may tell several times, and two that hold the rows of some tenants and wait for those of others
-- would wait for ever.
create function place_portfolio(tenants uuid[], sets bigint[], sizes integer[]) returns void
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    if tenants is null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('live:portfolio', 0));
    with told as (
        select tenant_id, news, many
          from unnest(tenants, sets, sizes) as t (tenant_id, news, many)
    ),
    placed as (
        select tenant_id, news, many,
               sum(many) over (partition by tenant_id order by news)::bigint as upto,
               sum(many) over (partition by tenant_id)::bigint as total
          from told
    ),
    counted as (
        insert into live_count as c (tenant_id, stream, last)
        select tenant_id, 'portfolio', sum(many)
          from told
         group by tenant_id
         order by tenant_id
            on conflict (tenant_id, stream) do update
           set last = c.last + excluded.last
        returning c.tenant_id, c.last
    )
    insert into live_portfolio (tenant_id, upto, many, news, at)
    select p.tenant_id, c.last - p.total + p.upto, p.many, p.news, now_utc()
      from placed p
      join counted c using (tenant_id);
    perform pg_notify('packtrain_live', 'portfolio:' || tenant_id)
       from (select distinct tenant_id from unnest(tenants) as t (tenant_id)) as told;
end
$$;
