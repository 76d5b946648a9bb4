alter table checkpoint add column generation integer not null default 0;
