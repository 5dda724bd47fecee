-- 交接班: what one shift left to the next, as it stood then. A row is written once; who took it over is noted in it once.
create table handovers (
    tenant text not null,
    handover_id text not null,
    -- path of the area whose shift it was
    area text not null,
    from_ms bigint not null,
    -- when it was given
    to_ms bigint not null,
    given_by text not null,
    note text not null,
    -- JSON: who was on duty, counts, numbers of cases
    snapshot text not null,
    taken_by text,
    taken_at_ms bigint,
    primary key (tenant, handover_id),
    constraint handovers_time check (to_ms > from_ms),
    constraint handovers_taken check ((taken_by is null) = (taken_at_ms is null)),
    -- four eyes
    constraint handovers_two check (taken_by is null or taken_by <> given_by)
);
create index handovers_by_time on handovers (tenant, to_ms);
