-- The shared workflow. What the state machine holds to is written here once more, as constraints.

alter table cases add column source text not null default 'device';
update cases set source = case when call_id is not null then 'call' when camera_id is not null then 'camera' else 'device' end;
-- Path of the area in which it lies.
alter table cases add column area text not null default '/';
-- Level that has it while it is received.
alter table cases add column level text not null default 'county';
alter table cases add column category text;
alter table cases add column policy_version bigint;
alter table cases add column filed_at_ms bigint;
alter table cases add column lead_unit text;
-- 反馈: what the lead reported, and when.
alter table cases add column report text;
alter table cases add column reported_at_ms bigint;
-- 核查: who looked, and whether it agrees.
alter table cases add column checked_by text;
alter table cases add column checked_at_ms bigint;
alter table cases add column check_agrees bigint;
alter table cases add column suspended_until_ms bigint;
-- How a closed case ended: handled_here or verified. Cases of before the workflow were handled here.
alter table cases add column ending text;
alter table cases add column void_reason text;
alter table cases add column joined_into text;
alter table cases add column called_back bigint not null default 0;
-- Open 督办 cards: yellow, red, black, with blanks between.
alter table cases add column cards text not null default '';
-- The running clock that ends first.
alter table cases add column due_clock text;
alter table cases add column due_at_ms bigint;

update cases set category = coalesce((select category from tickets t where t.tenant = cases.tenant and t.case_id = cases.case_id), 'other'),
    policy_version = 1, filed_at_ms = coalesce((select filed_at_ms from tickets t where t.tenant = cases.tenant and t.case_id = cases.case_id), opened_at_ms)
where state = 'filed';
update cases set ending = 'handled_here' where state = 'closed';
update cases set void_reason = 'not_ours' where state = 'void';

-- Names the law that a row keeps to; its constraints look at the columns above.
alter table cases add column law bigint not null default 1
    constraint cases_open_or_ended check ((closed_at_ms is null) = (state not in ('closed', 'void')))
    constraint cases_filed check (state in ('received', 'closed', 'void') or (category is not null and policy_version is not null and filed_at_ms is not null))
    constraint cases_dispatched check (state not in ('dispatched', 'in_progress', 'suspended', 'verifying') or lead_unit is not null)
    constraint cases_reported check (state <> 'verifying' or (report is not null and reported_at_ms is not null))
    constraint cases_checked check ((checked_at_ms is null) = (check_agrees is null))
    constraint cases_suspended check ((state = 'suspended') = (suspended_until_ms is not null))
    constraint cases_ending check ((state = 'closed') = (ending is not null))
    constraint cases_void check ((state = 'void') = (void_reason is not null))
    constraint cases_joined check (joined_into is null or coalesce(void_reason, '') = 'joined')
    constraint cases_level check (level in ('grid', 'community', 'town', 'county'));
create index cases_due on cases (tenant, due_at_ms) where due_at_ms is not null;

create table case_tasks (
    tenant text not null,
    case_id text not null,
    task bigint not null,
    unit text not null,
    part text not null,
    state text not null,
    desk text,
    dispatched_at_ms bigint not null,
    accepted_at_ms bigint,
    ended_at_ms bigint,
    result text,
    primary key (tenant, case_id, task),
    constraint tasks_part check (part in ('lead', 'co')),
    constraint tasks_ended check ((ended_at_ms is null) = (state in ('dispatched', 'accepted'))),
    constraint tasks_accepted check (state <> 'accepted' or accepted_at_ms is not null),
    constraint tasks_done check (state <> 'done' or result is not null)
);
create unique index tasks_one_lead on case_tasks (tenant, case_id) where part = 'lead' and ended_at_ms is null;
create unique index tasks_one_per_unit on case_tasks (tenant, case_id, unit) where ended_at_ms is null;
create index tasks_of_unit on case_tasks (tenant, unit, case_id);

create table case_requests (
    tenant text not null,
    case_id text not null,
    request_id text not null,
    ask text not null,
    task bigint not null,
    asked_by text not null,
    asked_at_ms bigint not null,
    reason text not null,
    extend_by text,
    until_ms bigint,
    category text,
    second bigint not null,
    endorsed_by text,
    granted bigint,
    decided_by text,
    decided_at_ms bigint,
    answer text,
    primary key (tenant, request_id),
    constraint requests_decided check ((granted is null) = (decided_at_ms is null) and (granted is null) = (decided_by is null)),
    constraint requests_endorsed check (granted is null or granted = 0 or second = 0 or endorsed_by is not null)
);
create index requests_of_case on case_requests (tenant, case_id);
create unique index requests_one_open on case_requests (tenant, case_id, ask, task) where granted is null;

create table case_clocks (
    tenant text not null,
    case_id text not null,
    clock text not null,
    -- 0: of the case
    task bigint not null,
    nth bigint not null,
    policy_version bigint not null,
    limit_text text not null,
    -- JSON list of limits
    extensions text not null,
    started_at_ms bigint not null,
    -- null while it stands still
    due_at_ms bigint,
    stopped_at_ms bigint,
    -- 0: of a dispatch that was taken back; nobody is judged by it
    counts bigint not null,
    primary key (tenant, case_id, clock, task, nth),
    constraint clocks_stop check (stopped_at_ms is null or stopped_at_ms >= started_at_ms)
);
create unique index clocks_one_running on case_clocks (tenant, case_id, clock, task) where stopped_at_ms is null;
create index clocks_due on case_clocks (tenant, due_at_ms) where stopped_at_ms is null and due_at_ms is not null;

-- When the handling stood still.
create table case_pauses (
    tenant text not null,
    case_id text not null,
    from_ms bigint not null,
    to_ms bigint,
    primary key (tenant, case_id, from_ms),
    constraint pauses_end check (to_ms is null or to_ms >= from_ms)
);
create unique index pauses_one_open on case_pauses (tenant, case_id) where to_ms is null;
