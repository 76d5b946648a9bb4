create table pages (
  id uuid primary key,
  agency_id text not null,
  urgency text not null,
  -- What it was about: assignment, concern, message or alerts.
  about text not null,
  incident_id uuid,
  unit_id uuid,
  channel_id uuid,
  group_id uuid,
  -- Who was called, by name.
  recipients text[] not null,
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  closed_at timestamptz,
  ended_as text,
  acknowledged_by text,
  -- Since when it is here alone; null while the journal has it.
  departed_at timestamptz,
  version integer not null,
  sequence bigint not null,
  state text not null
) with (fillfactor = 80);
create index pages_incident on pages (incident_id) where incident_id is not null;
create index pages_departed on pages (id) where departed_at is not null;
