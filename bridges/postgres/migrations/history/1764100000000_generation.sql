-- Rises when tables of the feed are replaced by rebuilt ones: whoever still writes on behalf of the old ones is stopped by it.
alter table checkpoint add column generation integer not null default 0;
