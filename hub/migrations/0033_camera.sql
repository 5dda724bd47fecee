-- What people have before them on the pages of cameras.

-- One person's changes of one camera that are not saved; at most one for each camera.
create table camera_drafts (
    tenant text not null,
    user_name text not null,
    device_id text not null,
    camera_id text not null,
    -- JSON of camera::Draft, every field as it was typed
    draft text not null,
    -- version of the configuration on which it stands
    based_on bigint not null,
    saved_at_ms bigint not null,
    primary key (tenant, user_name, device_id, camera_id)
);

-- One person's newest walk test of one camera.
create table camera_walks (
    tenant text not null,
    user_name text not null,
    device_id text not null,
    camera_id text not null,
    -- TOML of the rules that are tried
    rules text not null,
    from_ms bigint not null,
    until_ms bigint not null,
    primary key (tenant, user_name, device_id, camera_id)
);
