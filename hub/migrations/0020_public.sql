-- What citizens and other systems are told, and what they may tell.

-- 保密: nothing of the case but its number, its state and its dates leaves the platform.
alter table cases add column confidential bigint not null default 0
    constraint cases_confidential check (confidential in (0, 1));

-- With its number and this code whoever reported a matter asks what became of it. Made when first needed.
create table public_codes (
    tenant text not null,
    case_id text not null,
    code text not null,
    made_at_ms bigint not null,
    primary key (tenant, case_id)
);

-- Wrong numbers and codes, by where they came from and by the number that was asked for.
create table public_tries (
    tenant text not null,
    try_id text not null,
    -- `address/…` or `number/…`
    subject text not null,
    at_ms bigint not null,
    primary key (tenant, try_id, subject)
);
create index public_tries_by_subject on public_tries (tenant, subject, at_ms);
create index public_tries_by_time on public_tries (at_ms);

-- Who may report by Open311; of the key only its hash is kept.
create table open311_keys (
    tenant text not null,
    name text not null,
    key_sha256 text not null,
    -- path of the area in which it may report
    area text not null,
    -- citizen or platform: what its cases are from
    source text not null,
    made_at_ms bigint not null,
    revoked_at_ms bigint,
    primary key (tenant, name),
    constraint open311_keys_source check (source in ('citizen', 'platform'))
);
create unique index open311_keys_by_hash on open311_keys (key_sha256);

-- What came by Open311: as what, and by whom.
create table open311_requests (
    tenant text not null,
    case_id text not null,
    key_name text not null,
    service_code text not null,
    made_at_ms bigint not null,
    primary key (tenant, case_id)
);
create index open311_requests_by_key on open311_requests (tenant, key_name, made_at_ms);

-- Answers that are given again when the same is sent again, for a short while.
create table open311_repeats (
    tenant text not null,
    key_name text not null,
    repeat_key text not null,
    body_sha256 text not null,
    number text not null,
    at_ms bigint not null,
    primary key (tenant, key_name, repeat_key)
);
create index open311_repeats_by_time on open311_repeats (at_ms);

-- What systems that read along ask for: cases that somebody filed, by when they were opened and when they last changed.
create index cases_filed_by_opened on cases (tenant, opened_at_ms) where category is not null;
create index cases_filed_by_update on cases (tenant, updated_at_ms) where category is not null;

-- Alerts (CAP 1.2) as they were released: each revision is a message of its own and stays what it was.
create table cap_alerts (
    tenant text not null,
    case_id text not null,
    revision bigint not null,
    -- Alert, Update or Cancel
    msg_type text not null,
    -- Actual, Exercise or Test
    status text not null,
    sent_at_ms bigint not null,
    -- by which the hub that sent it is known
    sender text not null,
    released_by text not null,
    -- the message itself, XML
    content text not null,
    primary key (tenant, case_id, revision),
    constraint cap_alerts_type check (msg_type in ('Alert', 'Update', 'Cancel'))
);
