-- What a box offered first for a call and what its ticket was tagged: shown with the same offer of later calls.
create table ticket_lessons (
    tenant text not null,
    case_id text not null,
    -- the first category that was offered, and the one that was filed
    offered text not null,
    category text not null,
    filed_at_ms bigint not null,
    primary key (tenant, case_id)
);
create index ticket_lessons_by_offer on ticket_lessons (tenant, offered, filed_at_ms);
