-- What ALERTS tells. As with positions: the stream forgets, these tables do not.

create table checkpoint (
  feed text primary key,
  epoch text not null,
  sequence bigint not null,
  updated_at timestamptz not null default now(),
  generation integer not null default 0
);

-- Every report as it came, also those that led to nothing.
create table alert_reports (
  sequence bigint not null,
  lane text not null,
  agency_id text not null,
  -- When it was kept, by the intake's own clock.
  at timestamptz not null,
  source_scope text not null,
  source text not null,
  sent_by text not null,
  request_id text not null,
  action text not null,
  nature text not null,
  dedup_key text not null,
  -- Of the alert that it opens if there is none of its key.
  alert_id uuid not null,
  type text,
  severity text,
  title text,
  -- What was read of it; and as it came, cut at a bound, where that says more.
  content text,
  raw text
);
create index alert_reports_sequence on alert_reports (sequence);
create index alert_reports_source on alert_reports (agency_id, source, at);

create table quarantine (
  feed text not null,
  sequence bigint not null,
  subject text not null,
  payload text not null,
  problem text not null,
  kept_at timestamptz not null default now(),
  primary key (feed, sequence)
);
