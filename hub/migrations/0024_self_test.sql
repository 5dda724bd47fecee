-- The daily self-test alarm of each box: asked, received, with its picture, listed; or why not.
create table self_tests (
    tenant text not null,
    device_id text not null,
    -- local day, YYYYMMDD
    day text not null,
    -- names the drill that it raises as well
    command_id text not null,
    -- waiting, passed, failed
    state text not null,
    asked_at_ms bigint not null,
    received_at_ms bigint,
    pictured_at_ms bigint,
    ended_at_ms bigint,
    reason text,
    primary key (tenant, device_id, day),
    constraint self_tests_end check ((ended_at_ms is null) = (state = 'waiting')),
    constraint self_tests_reason check ((reason is null) = (state <> 'failed'))
);
create index self_tests_waiting on self_tests (asked_at_ms) where ended_at_ms is null;
