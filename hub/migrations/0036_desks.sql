-- What a citizen wants who has chosen it online: the limits go by it. A call's is its ticket's.
alter table cases add column matter text not null default '';

-- Views of the dispatcher's queue that somebody has saved under a name: an address each, his alone.
create table queue_views (
    tenant text not null,
    user_name text not null,
    name text not null,
    -- of the queue's address, without the question mark
    query text not null,
    saved_at_ms bigint not null,
    primary key (tenant, user_name, name)
);

-- 转他人: who of the grid has a task in hand that somebody else gave him; the history has what came before.
create table field_hands (
    tenant text not null,
    case_id text not null,
    given_by text not null,
    to_user text not null,
    -- where the case stood: a hand ends with the task that it was given for
    state text not null,
    level text not null,
    given_at_ms bigint not null,
    -- once he has it
    taken_at_ms bigint,
    primary key (tenant, case_id),
    constraint field_hands_two check (given_by <> to_user)
);
create index field_hands_by_user on field_hands (tenant, to_user);

-- Who has handled what lately.
create index tasks_done on case_tasks (tenant, ended_at_ms) where part = 'lead' and state = 'done';
