-- Secrets that another one has replaced sign beside it until a moment; and when somebody last tried
-- an endpoint out.
alter table endpoint
    add column old_secrets_until timestamptz,
    add column tested_at         timestamptz;
