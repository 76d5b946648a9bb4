-- Every minute of every resource in one row: what long spans are told from, and what stays when single positions have gone.
-- A continuous aggregate where TimescaleDB's licence allows it; elsewhere a table, which the projector's own job adds to.

-- New positions are found by it: they are written in the order of their sequences, so it is small and costs nothing to write.
create index location_history_sequence on location_history using brin (sequence) with (autosummarize = on);

do $$
begin
  if current_setting('timescaledb.license', true) = 'timescale'
     and exists (select from pg_extension where extname = 'timescaledb') then
    execute $sql$
      create materialized view location_minutes with (timescaledb.continuous, timescaledb.materialized_only = false) as
      select resource_id, agency_id, public.time_bucket('1 minute', at) as minute,
             count(*)::integer as fixes, (count(*) filter (where refused is not null))::integer as refused,
             max(speed_mps) filter (where refused is null) as speed_max_mps,
             max(at) filter (where refused is null) as at,
             public.last(latitude, at) filter (where refused is null) as latitude,
             public.last(longitude, at) filter (where refused is null) as longitude,
             public.last(speed_mps, at) filter (where refused is null) as speed_mps,
             public.last(heading_degrees, at) filter (where refused is null) as heading_degrees,
             public.last(accuracy_metres, at) filter (where refused is null) as accuracy_metres,
             public.last(sequence, at) filter (where refused is null) as sequence,
             public.last(ordinal, at) filter (where refused is null) as ordinal
      from location_history group by resource_id, agency_id, minute with no data
    $sql$;
    -- It is its own keeper: nothing is ever left for the job.
    create view minutes_added as select 9223372036854775807 as sequence;
  else
    create table location_minutes (
      resource_id uuid not null,
      agency_id text not null,
      minute timestamptz not null,
      fixes integer not null,
      refused integer not null,
      speed_max_mps real,
      -- The last position of the minute that moved it; null where none did.
      at timestamptz,
      latitude double precision,
      longitude double precision,
      speed_mps real,
      heading_degrees real,
      accuracy_metres real,
      sequence bigint,
      ordinal smallint,
      primary key (resource_id, minute)
    );
    -- Everything up to here is in it.
    create view minutes_added as
    select coalesce((select sequence from checkpoint where feed = 'minutes'), -1) as sequence;
  end if;
end $$;
