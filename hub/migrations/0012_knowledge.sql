-- What operators read to callers: the county's own entries, imported from a sheet. Lists are JSON arrays of texts.
create table knowledge (
    tenant text not null,
    id text not null,
    title text not null,
    body text not null,
    categories text not null,
    words text not null,
    unit text not null,
    -- the last local day, YYYY-MM-DD; null: no end
    valid_until text,
    updated_at_ms bigint not null,
    primary key (tenant, id)
);

-- Counts the imports that changed something: whoever keeps the entries in memory sees that there are newer ones.
create table knowledge_state (
    tenant text primary key,
    revision bigint not null
);
