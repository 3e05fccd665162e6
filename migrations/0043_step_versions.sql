-- Of what an evaluation found: the version of the rule that it found it for. What is not known, an
-- earlier release wrote.
alter table incident_step add column version integer;
