-- What comes from people of the grids, from telephones that are out of reach for days.

-- What was answered under a key, given again when the same comes again. Written with the change that it is about.
create table field_repeats (
    tenant text not null,
    -- whose key it is; `ask:…` for a form without a login
    user_name text not null,
    repeat_key text not null,
    -- of the address and the body
    body_sha256 text not null,
    status bigint not null,
    -- JSON: what was made, never what was said
    answer text not null,
    at_ms bigint not null,
    primary key (tenant, user_name, repeat_key)
);
create index field_repeats_by_time on field_repeats (at_ms);

-- Who reported which case by hand, for a list of one's own.
create table field_reports (
    tenant text not null,
    case_id text not null,
    user_name text not null,
    at_ms bigint not null,
    primary key (tenant, case_id)
);
create index field_reports_by_user on field_reports (tenant, user_name, at_ms);
