-- What EVENTS tells, as tables. All of it can be made again from the journal and what has left it: `audit_log` is the truth
-- here, everything else follows from it. Names are not qualified: a rebuild makes the same tables in another schema.

-- How far each feed has been written. It changes in the same transaction as the rows.
create table checkpoint (
  feed text primary key,
  -- Identity of the stream: another one of the same name starts counting anew.
  epoch text not null,
  sequence bigint not null,
  updated_at timestamptz not null default now()
);

-- Every envelope as it stands in the journal, byte for byte: the SHA-256 of `envelope` is `prev` of the next one.
create table audit_log (
  sequence bigint primary key,
  agency_id text not null,
  kind text not null,
  entity_id text not null,
  version integer not null,
  command_id text not null,
  at timestamptz not null,
  principal text not null,
  cause text,
  event_types text[] not null,
  envelope text not null
);
create unique index audit_log_entity on audit_log (kind, entity_id, version);
create index audit_log_at on audit_log using brin (at);

-- One row an event. PostgreSQL reads no JSON with NUL or half of a surrogate pair in it, which JSON may well have: here they
-- are shown as marks, so that a hostile text does not break the reading. In `envelope` they are as they came.
create view timeline as
select sequence, (place - 1)::integer as ordinal, kind, entity_id, agency_id, version, at, principal, cause,
       event ->> 'type' as type, event as data
from audit_log
cross join lateral (
  select case when envelope ~ '\\u(0000|[dD][89a-fA-F])'
              then regexp_replace(envelope, '(?<!\\)((?:\\\\)*)\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\1\\ufffd', 'g')
              else envelope end::json as readable
) as readable
cross join lateral json_array_elements(readable -> 'events') with ordinality as events (event, place);

-- Only what never changes, or hardly ever, is indexed: so that a change of status touches no index.
create table incidents (
  id uuid primary key,
  incident_number text not null unique,
  type text not null,
  category text not null,
  priority smallint not null,
  status text not null,
  title text not null,
  description text,
  latitude double precision,
  longitude double precision,
  address jsonb,
  reported_by_id text,
  assigned_to_id uuid,
  agency_id text not null,
  -- No foreign key: the archive keeps what the journal says, also of a parent that it could not read.
  parent_id uuid,
  source_alert_id uuid,
  metadata jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  resolved_at timestamptz,
  closed_at timestamptz,
  alarm_level smallint not null,
  disposition text,
  merged_into_id uuid,
  -- Time targets of its agency for its type and priority, as it holds them itself.
  dispatch_target_ms bigint,
  turnout_target_ms bigint,
  travel_target_ms bigint,
  shared_with text[] not null,
  -- Normalised words of number, title, description and address.
  search text not null,
  version integer not null,
  sequence bigint not null,
  -- When it left the journal: what it was is known here alone.
  departed_at timestamptz,
  -- The actor's folded state: the next event is folded into it.
  state text not null
) with (fillfactor = 80);
create index incidents_agency on incidents (agency_id, created_at);
create index incidents_search on incidents using gin (search public.gin_trgm_ops);
create index incidents_departed on incidents (id) where departed_at is not null;

create table assignments (
  incident_id uuid not null references incidents (id) on delete cascade,
  ordinal smallint not null,
  unit_id uuid not null,
  unit_type text not null,
  status text not null,
  assigned_at timestamptz not null,
  en_route_at timestamptz,
  on_scene_at timestamptz,
  cleared_at timestamptz,
  primary key (incident_id, ordinal)
) with (fillfactor = 80);
create index assignments_unit on assignments (unit_id, assigned_at);

create table resources (
  id uuid primary key,
  agency_id text not null,
  type text not null,
  call_sign text not null,
  name text,
  category text,
  capabilities text[] not null,
  station text,
  home_latitude double precision,
  home_longitude double precision,
  minimum_crew smallint not null,
  status text not null,
  status_code text,
  status_reason text,
  status_since timestamptz not null,
  incident_id uuid,
  carrier_id uuid,
  metadata jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  retired_at timestamptz,
  version integer not null,
  sequence bigint not null,
  state text not null
) with (fillfactor = 80);
create index resources_agency on resources (agency_id, type);

-- What a resource became, and when: hours by status are counted from it.
create table resource_statuses (
  resource_id uuid not null,
  sequence bigint not null,
  ordinal smallint not null,
  agency_id text not null,
  at timestamptz not null,
  -- `retired` ends the last one.
  status text not null,
  status_code text,
  primary key (resource_id, sequence, ordinal)
);
create index resource_statuses_agency on resource_statuses (agency_id, at);

-- What could not be projected, with why: one entry must not stop the history of all others.
create table quarantine (
  feed text not null,
  sequence bigint not null,
  subject text not null,
  payload text not null,
  problem text not null,
  kept_at timestamptz not null default now(),
  primary key (feed, sequence)
);

do $$
begin
  if exists (select from pg_extension where extname = 'postgis') then
    alter table incidents add column location public.geography(point, 4326) generated always as
      (public.st_setsrid(public.st_makepoint(longitude, latitude), 4326)::public.geography) stored;
    create index incidents_location on incidents using gist (location);
  else
    -- Of points, not of `earth`: its pages are split by trying every pair, which costs 20 times as much as all else of a row.
    -- What is in the box is then measured by earthdistance.
    create index incidents_location on incidents using gist (point(longitude, latitude)) where latitude is not null;
  end if;
end $$;
