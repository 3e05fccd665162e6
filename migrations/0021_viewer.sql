-- A third scope of keys: `viewer` reads what operators see and changes nothing. The check is only
-- wider than the one before, so that no row that is there needs to be looked at.
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check
    check (scopes <@ array['user', 'operator', 'viewer']) not valid;
