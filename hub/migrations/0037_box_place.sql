-- Where a box stands, more closely than its area says: set by hand, for maps.
create table box_places (
    tenant text not null,
    device_id text not null,
    -- millionths of a degree, WGS84
    latitude_e6 bigint not null check (latitude_e6 between -90000000 and 90000000),
    longitude_e6 bigint not null check (longitude_e6 between -180000000 and 180000000),
    primary key (tenant, device_id)
);
