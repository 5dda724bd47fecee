-- Administration: what administrators change is on record, accounts can be locked and removed, and what is imported on a page
-- waits for its confirmation.

-- The name of somebody who was removed stays, and is not given again: histories hold it.
alter table users add column locked_at_ms bigint;
alter table users add column removed_at_ms bigint;
-- 1: somebody else knows the password; nothing else is done before it is changed
alter table users add column must_change bigint not null default 0;

-- Append-only. Numbered under the tenant's lock: its order is that of the commits.
create table audit (
    tenant text not null,
    audit_id bigint not null,
    made_at_ms bigint not null,
    -- user:NAME, or cli: whoever may run the hub's commands on its machine
    made_by text not null,
    act text not null,
    -- a name or an id
    subject text not null,
    -- path of the area that it concerns
    area text not null,
    old_value text not null,
    new_value text not null,
    primary key (tenant, audit_id)
);
create index audit_by_time on audit (tenant, made_at_ms, audit_id);
create index audit_by_person on audit (tenant, made_by, made_at_ms, audit_id);
create index audit_by_subject on audit (tenant, subject, made_at_ms, audit_id);
create index audit_by_act on audit (tenant, act, made_at_ms, audit_id);

-- What was tried on a page and waits to be confirmed: the newest of each kind and user.
create table import_drafts (
    tenant text not null,
    user_name text not null,
    kind text not null,
    -- of what was shown: the bytes, how they were to be taken, and what would have come of it
    sha256 text not null,
    -- JSON
    options text not null,
    content {bytes} not null,
    made_at_ms bigint not null,
    primary key (tenant, user_name, kind)
);

-- Who looked at what, by time and by person; who asked boxes for what.
create index access_register_by_time on access_register (tenant, at_ms, access_id);
create index access_register_by_user on access_register (tenant, user_name, at_ms, access_id);
create index commands_by_time on commands (tenant, issued_at_ms, command_id);
create index commands_by_user on commands (tenant, issued_by, issued_at_ms, command_id);
