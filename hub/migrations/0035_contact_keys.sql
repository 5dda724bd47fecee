-- Keys for callback numbers, of the hubs on this database: what one hub has sealed the others open. Each is sealed under the
-- key of the authority, which is in no database: a copy of the database opens none of them.
create table contact_keys (
    -- the public half
    public text not null primary key,
    sealed text not null,
    made_at_ms bigint not null
);
