-- Maps of grids (GeoJSON, WGS84), in versions that only grow. Append-only: cases keep theirs.
create table grid_maps (
    tenant text not null,
    version bigint not null,
    content text not null,
    grids bigint not null,
    made_by text not null,
    made_at_ms bigint not null,
    note text not null,
    primary key (tenant, version)
);
-- By which map the place of a case was found; null: by where its box stands, or by what somebody said.
alter table cases add column grid_version bigint;
