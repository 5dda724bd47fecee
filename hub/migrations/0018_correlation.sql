-- What makes one matter of several causes, what keeps them apart, and what was put aside for a while.

-- What a case is about when it is held against others: the kind of its newest incident, or `alarm:fire` of what a caller
-- tells; and when that was last told.
alter table cases add column signal text not null default '';
alter table cases add column signal_at_ms bigint not null default 0;
update cases set signal = kind, signal_at_ms = updated_at_ms where camera_id is not null;
create index cases_by_signal on cases (tenant, signal_at_ms) where closed_at_ms is null and signal <> '';
create index cases_by_cause on cases (tenant, correlation_key, opened_at_ms);

-- Why it was joined to another one, in the words of whoever did.
alter table cases add column joined_why text;
create index cases_joined on cases (tenant, joined_into) where joined_into is not null;

-- Split by a person: these two do not come together by themselves again. Each pair has two rows.
create table cases_apart (
    tenant text not null,
    case_id text not null,
    other_id text not null,
    since_ms bigint not null,
    primary key (tenant, case_id, other_id)
);

-- How often its source has told of it lately, and, once it flaps, since when and how many times were only counted.
alter table cases add column recent_from_ms bigint not null default 0;
alter table cases add column recent_count bigint not null default 0;
alter table cases add column damped_since_ms bigint;
alter table cases add column damped_count bigint not null default 0;
create index cases_damped on cases (recent_from_ms) where damped_since_ms is not null;

-- 1 while its source is put aside.
alter table cases add column shelved bigint not null default 0;

-- An alarm source that a person put aside until a time: still counted, still shown.
create table shelves (
    tenant text not null,
    shelf_id text not null,
    correlation_key text not null,
    -- the case from which it was put aside; what it tells meanwhile is counted there
    case_id text not null,
    -- at most this severe; what is worse is told
    severity text not null,
    reason text not null,
    shelved_by text not null,
    from_ms bigint not null,
    until_ms bigint not null,
    counted bigint not null default 0,
    ended_ms bigint,
    ended_by text,
    primary key (tenant, shelf_id),
    constraint shelves_time check (until_ms > from_ms),
    constraint shelves_end check ((ended_ms is null) = (ended_by is null))
);
create unique index shelves_one_per_source on shelves (tenant, correlation_key) where ended_ms is null;
create index shelves_over on shelves (until_ms) where ended_ms is null;
