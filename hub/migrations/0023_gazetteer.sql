-- Places by their names, what people attach, categories as data, the platform above, base maps.

-- Gazetteers: the places of a tenant as JSON, in versions that only grow; the newest is in force.
create table gazetteers (
    tenant text not null,
    version bigint not null,
    content text not null,
    places bigint not null,
    made_by text not null,
    made_at_ms bigint not null,
    note text not null,
    primary key (tenant, version)
);

-- Where a case lies, as far as somebody told it in words: what was looked up, what was found, who decided.
create table case_places (
    tenant text not null,
    case_id text not null,
    told text not null,
    -- name of the grid that came with the words
    grid text,
    -- gazetteer in which it was looked up; 0: there was none
    version bigint not null,
    -- JSON list, the best first
    candidates text not null,
    -- `hub` or `user:NAME`; null: nobody yet
    chosen_by text,
    -- JSON of what was chosen
    chosen text,
    chosen_at_ms bigint,
    -- JSON of where it lay before, to be put back when the words change
    before text,
    primary key (tenant, case_id),
    constraint case_places_chosen check ((chosen_by is null) = (chosen is null) and (chosen_by is null) = (chosen_at_ms is null))
);

-- Pictures that people bring. Nobody sees one before a report or a move names it.
create table attachments (
    tenant text not null,
    attachment_id text not null,
    sha256 text not null,
    media_type text not null,
    size_bytes bigint not null,
    made_by text not null,
    made_at_ms bigint not null,
    case_id text,
    -- the move that named it, `told` for the report that began the case
    action text,
    named_at_ms bigint,
    primary key (tenant, attachment_id),
    constraint attachments_named check ((case_id is null) = (action is null) and (case_id is null) = (named_at_ms is null))
);
create index attachments_of_case on attachments (tenant, case_id) where case_id is not null;
create index attachments_of_file on attachments (tenant, sha256);
create index attachments_unnamed on attachments (made_at_ms) where case_id is null;

-- Who reported it, beside the number; sealed like it.
alter table contacts add column sealed_name text;
-- Whom a confidential report is about: a unit.
alter table cases add column complained_of text;

-- 大类 and 小类 as data. A tenant begins with the built-in ones.
create table category_groups (
    tenant text not null,
    category_group text not null,
    -- 部件 or 事件
    sort text not null,
    code text not null,
    name_zh text not null,
    name_en text not null,
    primary key (tenant, category_group),
    constraint category_groups_sort check (sort in ('thing', 'event'))
);
create table categories (
    tenant text not null,
    category text not null,
    category_group text not null,
    code text not null,
    name_zh text not null,
    name_en text not null,
    -- JSON lists: kinds of incidents, categories of the hotline that mean it
    kinds text not null,
    hotline text not null,
    -- JSON list of [area path, unit]: who usually answers for it, where
    units text not null,
    active bigint not null,
    primary key (tenant, category)
);

-- What the platform above asks for: no clock of the case ends later.
alter table cases add column deadline_ms bigint;
create index cases_of_platform on cases (tenant, updated_at_ms) where source = 'platform';

-- Platforms that may send tickets; of a key only its hash is kept.
create table platform_keys (
    tenant text not null,
    platform text not null,
    key_sha256 text not null,
    made_at_ms bigint not null,
    revoked_at_ms bigint,
    -- progress: the newest position, how far it was confirmed, how far cases were looked through
    position bigint not null default 0,
    acked bigint not null default 0,
    looked_at_ms bigint not null default 0,
    primary key (tenant, platform),
    constraint platform_keys_acked check (acked <= position)
);
create unique index platform_keys_by_hash on platform_keys (key_sha256);

create table platform_tickets (
    tenant text not null,
    platform text not null,
    ticket text not null,
    case_id text not null,
    revision bigint not null,
    -- SHA-256 of the newest revision's body
    body_sha256 text not null,
    -- category as told, as understood, and what is to be said of that
    told_category text not null,
    category text not null,
    note text not null,
    received_at_ms bigint not null,
    updated_at_ms bigint not null,
    -- rows of the case's history that were looked at for progress
    told_rows bigint not null,
    -- the case in which the work goes on, after a join, and how much of its history was looked at
    follows text,
    follows_rows bigint not null default 0,
    primary key (tenant, platform, ticket)
);
create index platform_tickets_by_case on platform_tickets (tenant, case_id);
create index platform_tickets_following on platform_tickets (tenant, platform) where follows is not null;

create table platform_progress (
    tenant text not null,
    platform text not null,
    position bigint not null,
    at_ms bigint not null,
    ticket text not null,
    -- JSON, as it is told
    content text not null,
    primary key (tenant, platform, position)
);

-- Base maps that lie in the data folder, by the hash of their file.
create table basemaps (
    tenant text not null,
    sha256 text not null,
    name text not null,
    size_bytes bigint not null,
    -- JSON: zooms and bounds
    about text not null,
    made_at_ms bigint not null,
    primary key (tenant, sha256)
);
