-- Whether the history of a case says by itself what the case is: 0 not yet, 1 from its beginning, 2 from a later row on,
-- 3 this hub could not read the case.
alter table cases add column ledger bigint not null default 0;
create index cases_without_ledger on cases (tenant, case_id) where ledger = 0;
create index cases_unreadable on cases (tenant) where ledger = 3;

-- How far a case's history had come by a signed root.
create index history_heads_by_case on history_heads (tenant, case_id, root);

-- Tables of closed months, as they were published. Append-only: each can be made again from the history and compared.
create table evaluation_tables (
    tenant text not null,
    -- 2026-10
    period text not null,
    -- what its rows are: unit, town, category, …
    kind text not null,
    made_at_ms bigint not null,
    -- the history up to this signed root
    root bigint not null,
    policy_version bigint not null,
    -- SHA-256 of the content, in hexadecimal
    hash text not null,
    -- JSON with sorted keys and whole numbers only
    content text not null,
    primary key (tenant, period, kind)
);
