-- A person's own words for what a rule tells, and, with a try, why they could not be said.
alter table alert_rule
    add column own_title text,
    add column own_text  text;
-- Whatever a later release lets through.
alter table alert_rule
    add constraint alert_rule_words
    check (octet_length(own_title) <= 8192 and octet_length(own_text) <= 8192) not valid;
alter table delivery_try
    add column words_failed text;

-- How many tries failed since an endpoint began to fail: its owner is told when it is disabled.
alter table endpoint
    add column failures integer not null default 0;
