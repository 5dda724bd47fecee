-- Users, their sessions, failed logins, and who looked at which evidence.

create table users (
    tenant text not null,
    name text not null,
    -- administrator, operator, commander
    role text not null,
    -- argon2id in PHC form
    password text not null,
    created_at_ms bigint not null,
    changed_at_ms bigint not null,
    primary key (tenant, name)
);

create table sessions (
    tenant text not null,
    token_sha256 text not null,
    user_name text not null,
    csrf text not null,
    created_at_ms bigint not null,
    seen_at_ms bigint not null,
    primary key (tenant, token_sha256)
);
create index sessions_by_user on sessions (tenant, user_name);

create table login_failures (
    tenant text not null,
    name text not null,
    address text not null,
    at_ms bigint not null
);
create index login_failures_by_time on login_failures (tenant, at_ms);

create table access_register (
    tenant text not null,
    access_id text not null,
    at_ms bigint not null,
    user_name text not null,
    sha256 text not null,
    kind text not null,
    -- view, download, listen
    act text not null,
    purpose text not null,
    primary key (tenant, access_id)
);
create index access_register_by_file on access_register (tenant, sha256, at_ms);
