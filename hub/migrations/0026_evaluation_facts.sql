-- What the history of a case comes to for the evaluation, in short: a cache. Each row can be made again from the history, and
-- counts only while its hash is the one that the case has. Left out of backups.
create table evaluation_facts (
    tenant text not null,
    case_id text not null,
    -- how rows of the history were read
    form bigint not null,
    -- of the last row that is in it
    history_hash text not null,
    -- the latest moment of any row
    last_at_ms bigint not null,
    -- JSON, an object for each row that says something; nothing where it would be too long
    gists text not null,
    primary key (tenant, case_id)
);

-- Which units worked and which areas there were, since when. Append-only: closed months keep the number up to which they
-- read it.
create table evaluation_roster (
    tenant text not null,
    position bigint not null,
    at_ms bigint not null,
    -- unit, county, town, community, grid
    kind text not null,
    -- id of a unit, path of an area
    key text not null,
    -- where it works, or lies
    area text not null,
    -- 0: it is not there any more
    active bigint not null,
    primary key (tenant, position),
    constraint evaluation_roster_active check (active in (0, 1))
);

-- 0: made before there was one; such tables have rows only of what counts.
alter table evaluation_tables add column roster bigint not null default 0;
