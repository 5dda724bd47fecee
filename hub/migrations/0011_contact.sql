-- Numbers to call citizens back at, sealed to the hub's key, apart from everything else that is kept of a call; one for
-- a case. Nothing in `sealed`: somebody deleted it, and later revisions of the call do not bring it back.
create table contacts (
    tenant text not null,
    case_id text not null,
    sealed text,
    came_at_ms bigint not null,
    expires_at_ms bigint not null,
    primary key (tenant, case_id)
);
create index contacts_by_end on contacts (expires_at_ms);
create index access_register_by_case on access_register (tenant, case_number, at_ms);
