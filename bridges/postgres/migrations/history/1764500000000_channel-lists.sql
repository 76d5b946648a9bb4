-- Channels that have been closed for long are listed from here. None had left the journal before there were these columns, and
-- a row is written as a whole whenever anything happens to its channel.
alter table channels
  add column departed_at timestamptz,
  add column shared_with text[] not null default '{}',
  -- Whose lists it is in: by person, by unit, by agency.
  add column audience text[] not null default '{}';
create index channels_audience on channels using gin (audience) where departed_at is not null;
