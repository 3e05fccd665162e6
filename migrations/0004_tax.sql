-- Uploaded files, their ledger rows, reports and artefacts: a tenant's own data.

create table file (
    id          uuid        not null primary key,
    tenant_id   uuid        not null,
    name        text        not null,
    object_key  text        not null,
    sha256      text        not null,
    size_bytes  bigint      not null,
    state       text        not null default 'uploaded'
                check (state in ('uploaded', 'imported', 'rejected')),
    source      text,
    rows_total  integer     not null default 0,
    rows_bad    integer     not null default 0,
    problem     text,
    created_at  timestamptz not null default now_utc(),
    imported_at timestamptz
);
create index file_tenant on file (tenant_id, id desc);

create table ledger_row (
    file_id         uuid        not null,
    line            integer     not null,
    tenant_id       uuid        not null,
    row_id          text        not null,
    at              timestamptz not null,
    kind            text        not null,
    wallet          text        not null,
    to_wallet       text,
    sent_amount     numeric,
    sent_asset      text,
    received_amount numeric,
    received_asset  text,
    fee_amount      numeric,
    fee_asset       text,
    value           numeric,
    fee_value       numeric,
    currency        text        not null,
    basis           numeric,
    acquired        timestamptz,
    lots            text,
    tx_hash         text,
    note            text,
    primary key (file_id, line)
);

create table row_error (
    file_id   uuid    not null,
    line      integer not null,
    place     integer not null,
    tenant_id uuid    not null,
    error     jsonb   not null,
    primary key (file_id, line, place)
);

create table report (
    id          uuid        not null primary key,
    tenant_id   uuid        not null,
    summary     jsonb       not null,
    finished_at timestamptz not null
);
create index report_tenant on report (tenant_id, id desc);

create table artefact (
    report_id  uuid   not null,
    name       text   not null,
    tenant_id  uuid   not null,
    media_type text   not null,
    object_key text   not null,
    sha256     text   not null,
    size_bytes bigint not null,
    primary key (report_id, name)
);

do $$
declare
    named text;
begin
    foreach named in array array['file', 'ledger_row', 'row_error', 'report', 'artefact'] loop
        execute format('alter table %I enable row level security', named);
        execute format(
            'create policy own on %I to packtrain_app, packtrain_worker '
            'using (tenant_id = (select current_tenant())) '
            'with check (tenant_id = (select current_tenant()))', named);
    end loop;
end
$$;

grant select, insert on file to packtrain_app;
grant select on ledger_row, row_error, report, artefact to packtrain_app;
grant select, update on file to packtrain_worker;
grant select, insert, delete on ledger_row, row_error to packtrain_worker;
grant select, insert, update, delete on report, artefact to packtrain_worker;
