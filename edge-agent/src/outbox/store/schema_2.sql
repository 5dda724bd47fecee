-- Times are reckoned from here on (see reckoning.rs), but for `told_at_ms`, which people read.

create table reckoning (
    one             integer primary key check (one = 1),
    at_ms           bigint not null,
    trusted_at_ms   bigint,
    trusted_wall_ms bigint
);

-- Files that no row names, and since when.
create table orphan (
    path     text   primary key,
    since_ms bigint not null
);

alter table rejected add column told_at_ms bigint;
