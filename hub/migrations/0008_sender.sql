-- A file is the evidence of the box that sent it. Content is kept once on disk; each sender has its own row, so that
-- nobody is shown what another box sent by naming its hash.
create table evidence_sent (
    tenant text not null,
    device_id text not null,
    sha256 text not null,
    kind text not null,
    media_type text not null,
    size_bytes bigint not null,
    stored_at_ms bigint not null,
    primary key (tenant, device_id, sha256)
);
insert into evidence_sent (tenant, device_id, sha256, kind, media_type, size_bytes, stored_at_ms)
select tenant, device_id, sha256, kind, media_type, size_bytes, stored_at_ms from evidence;
drop table evidence;
alter table evidence_sent rename to evidence;
create index evidence_by_time on evidence (tenant, device_id, stored_at_ms);
create index uploads_by_device on uploads (tenant, device_id, sha256);

-- What a box has in quarantine has a bound.
create index quarantine_by_device on quarantine (tenant, device_id);
create index quarantine_by_time on quarantine (received_at_ms);
