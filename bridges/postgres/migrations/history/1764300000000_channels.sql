create table channels (
  id uuid primary key,
  agency_id text not null,
  kind text not null,
  name text,
  incident_id uuid,
  message_count integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz,
  version integer not null,
  sequence bigint not null,
  state text not null
) with (fillfactor = 80);

-- The blind index of what was written: HMACs of words under the channel's own key, which tell nothing to whoever has it not.
-- One row a message, and one for each time that it was changed; what it says by now is asked of the message itself.
create table message_words (
  channel_id uuid not null,
  number integer not null,
  sequence bigint not null,
  words text[] not null,
  primary key (channel_id, number, sequence)
);
create index message_words_words on message_words using gin (words);
