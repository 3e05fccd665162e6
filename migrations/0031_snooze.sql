-- Until when its owner wants to hear nothing of a rule: beside its state, which evaluations write,
-- so that neither undoes the other. And why a rule cannot be evaluated, since when.
alter table alert_state
    add column snoozed_until timestamptz,
    add column broken        text,
    add column broken_since  timestamptz;
