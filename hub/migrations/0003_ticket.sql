-- What the operator wrote about a call; the newest text, older ones are in the case's history.

create table tickets (
    tenant text not null,
    case_id text not null,
    matter text not null,
    category text not null,
    urgency text not null,
    place text not null,
    summary text not null,
    filed_by text not null,
    filed_at_ms bigint not null,
    primary key (tenant, case_id)
);
