-- What the engine does by the clock, whom it tells, and what vouches for the history.

-- How many of a clock's moments (told before its end, at it, after it) have passed, and when the next one comes.
alter table case_clocks add column stage bigint not null default 0;
alter table case_clocks add column next_at_ms bigint;
create index clocks_next on case_clocks (next_at_ms) where stopped_at_ms is null and next_at_ms is not null;

-- An emergency that nobody has in hand: how far it was told, and when it is told further.
alter table cases add column escalation bigint not null default 0;
alter table cases add column escalate_at_ms bigint;
create index cases_escalate on cases (escalate_at_ms) where escalate_at_ms is not null;
create index cases_waiting on cases (severity) where closed_at_ms is null and state = 'received' and acknowledged_at_ms is null;
create index cases_suspended_until on cases (suspended_until_ms) where suspended_until_ms is not null;

create table notices (
    tenant text not null,
    notice_id text not null,
    -- what it is about, so that it is told once
    cause text not null,
    kind text not null,
    severity text not null,
    case_number text not null,
    text_zh text not null,
    text_en text not null,
    made_at_ms bigint not null,
    primary key (tenant, notice_id)
);
create unique index notices_once on notices (tenant, cause);
create index notices_by_time on notices (made_at_ms);

-- Whom: somebody, a unit, or a role wherever its area has the case. Nothing stands for what is not meant.
create table notice_audience (
    tenant text not null,
    notice_id text not null,
    user_name text not null,
    unit text not null,
    role text not null,
    area text not null,
    primary key (tenant, notice_id, user_name, unit, role, area)
);

create table notice_reads (
    tenant text not null,
    notice_id text not null,
    user_name text not null,
    read_at_ms bigint not null,
    primary key (tenant, notice_id, user_name)
);

-- Who is on duty where, and who leads the shift.
create table duties (
    tenant text not null,
    duty_id text not null,
    user_name text not null,
    post text not null,
    area text not null,
    from_ms bigint not null,
    to_ms bigint not null,
    primary key (tenant, duty_id),
    constraint duties_post check (post in ('duty', 'leader')),
    constraint duties_time check (to_ms > from_ms)
);
create index duties_by_time on duties (tenant, to_ms);

-- Signed from time to time: how far each case's history had come. What is cut off or taken out later shows.
alter table cases add column rooted_count bigint not null default 0;
create index cases_unrooted on cases (tenant) where history_count > rooted_count;
create table history_roots (
    tenant text not null,
    root bigint not null,
    at_ms bigint not null,
    prev_hash text not null,
    hash text not null,
    -- Ed25519, in hexadecimal: whose key, and its signature of the hash
    signer text not null,
    signature text not null,
    primary key (tenant, root)
);
create table history_heads (
    tenant text not null,
    root bigint not null,
    case_id text not null,
    position bigint not null,
    hash text not null,
    primary key (tenant, root, case_id)
);
