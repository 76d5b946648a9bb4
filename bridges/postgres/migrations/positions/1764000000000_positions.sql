-- What LOCATIONS tells. It is not made again with the rest: the stream forgets, these tables do not.

create table checkpoint (
  feed text primary key,
  epoch text not null,
  sequence bigint not null,
  updated_at timestamptz not null default now()
);

-- Every fix, also those that moved nobody, each with why. It has no primary key: once and only once is what the checkpoint sees to.
create table location_columns (
  resource_id uuid not null,
  agency_id text not null,
  -- When the position was taken, as its sender says.
  at timestamptz not null,
  latitude double precision not null,
  longitude double precision not null,
  speed_mps real,
  heading_degrees real,
  accuracy_metres real,
  refused text,
  sequence bigint not null,
  ordinal smallint not null
);

-- A hypertable where the server has TimescaleDB, native partitions elsewhere: same columns, same queries.
do $$
begin
  if exists (select from pg_extension where extname = 'timescaledb') then
    create table location_history (like location_columns);
    perform public.create_hypertable('location_history'::regclass, 'at'::name, chunk_time_interval => interval '1 day',
                                     create_default_indexes => false);
  else
    create table location_history (like location_columns) partition by range (at);
  end if;
end $$;
create index location_history_resource on location_history (resource_id, at, sequence, ordinal);

-- Fixes that say they are from a day that cannot be: they must not make a partition each.
create table location_outliers (like location_columns);
create index location_outliers_resource on location_outliers (resource_id, at, sequence, ordinal);

drop table location_columns;

create view positions as
select * from location_history union all select * from location_outliers;

create table quarantine (
  feed text not null,
  sequence bigint not null,
  subject text not null,
  payload text not null,
  problem text not null,
  kept_at timestamptz not null default now(),
  primary key (feed, sequence)
);
