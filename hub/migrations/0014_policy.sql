-- Policies as people write them (TOML), in versions that only grow. Append-only: cases keep theirs.
create table policies (
    tenant text not null,
    version bigint not null,
    content text not null,
    made_by text not null,
    made_at_ms bigint not null,
    note text not null,
    primary key (tenant, version)
);
