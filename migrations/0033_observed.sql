-- What moved a series that moved as it usually does not, and from where quantities are counted on.
-- Public figures, of no tenant, as all of time series.

-- By what a series moved: quantity, price, both or unknown; null where nobody asked. The parts are
-- of the change from one time to the other that the source tells, in US dollars, and add up to it.
alter table series_anomaly
    add column moved_by        text,
    add column parts_from      timestamptz,
    add column parts_to        timestamptz,
    add column quantity_usd    numeric,
    add column price_usd       numeric,
    add column unexplained_usd numeric;

-- The newest day of a protocol whose quantity is known, in dollars at prices held still: what comes
-- after it is counted on from there.
create table quantity_anchor (
    protocol text        not null primary key,
    at       timestamptz not null,
    value    numeric     not null
);

grant select, insert, update, delete on quantity_anchor to packtrain_worker;
