create table alerts (
  id uuid primary key,
  agency_id text not null,
  status text not null,
  nature text not null,
  type text not null,
  category text not null,
  severity text not null,
  priority smallint not null,
  title text not null,
  description text,
  source text not null,
  -- Who has reported it: principals and credentials, the first ones.
  sources text[] not null,
  device_id text,
  dedup_key text not null,
  latitude double precision,
  longitude double precision,
  areas jsonb not null,
  labels jsonb not null,
  details jsonb not null,
  -- How it was classified, why, and by which rules and models.
  classification jsonb not null,
  incident_id uuid,
  count integer not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  occurred_at timestamptz,
  expires_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  resolved_at timestamptz,
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Normalised words of title, description, device, key, labels and source.
  search text not null,
  version integer not null,
  sequence bigint not null,
  state text not null
) with (fillfactor = 80);
create index alerts_agency on alerts (agency_id, created_at);
create index alerts_search on alerts using gin (search public.gin_trgm_ops);

-- What its sources and people have said of an alert, and when. `report` is its place in `alert_reports`, where it is as it came.
create table alert_log (
  alert_id uuid not null,
  sequence bigint not null,
  ordinal smallint not null,
  agency_id text not null,
  at timestamptz not null,
  event text not null,
  said_by text not null,
  report bigint,
  primary key (alert_id, sequence, ordinal)
);

-- Tables that hold everything up to the checkpoint. One that is younger than its archive is first made of the audit log.
create table projection (
  name text primary key,
  filled_at timestamptz not null default now()
);
insert into projection (name) values ('incidents'), ('resources');
