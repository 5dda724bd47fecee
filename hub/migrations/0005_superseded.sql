-- Certificates whose device got a newer one: an outside broker must not let them in.
create table superseded_certificates (
    tenant text not null,
    serial text not null,
    device_id text not null,
    superseded_at_ms bigint not null,
    primary key (tenant, serial)
);

create index changes_by_time on changes (at_ms);
