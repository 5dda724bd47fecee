-- What leaves the hub: where it may go, what waits to go, and at which address people are reached.

-- At which address somebody is told outside the hub. Shown to administrators only.
create table reach (
    tenant text not null,
    user_name text not null,
    -- nothing: not by mail, not by telephone
    mail text not null,
    phone text not null,
    changed_at_ms bigint not null,
    primary key (tenant, user_name)
);

-- The channels of the configuration, as the newest start of a hub read them, so that whoever writes a row of the outbox
-- finds them in its own transaction. Secrets are not here.
create table outbox_channels (
    tenant text not null,
    channel text not null,
    form text not null,
    -- JSON: what goes there
    rule text not null,
    -- failures of the whole channel in a row, and until when nothing is tried on it
    failures bigint not null default 0,
    paused_until_ms bigint not null default 0,
    last_success_at_ms bigint,
    last_error text,
    last_error_at_ms bigint,
    -- 1: as many rows wait as may; further ones are counted and left out
    is_full bigint not null default 0,
    dropped bigint not null default 0,
    primary key (tenant, channel)
);

create table outbox (
    tenant text not null,
    -- a hash of channel, cause and receiver: the same however often it is made
    outbox_id text not null,
    channel text not null,
    -- notice/ID or case/ID/POSITION
    cause text not null,
    -- name of a user; nothing for a group or a webhook
    receiver text not null,
    case_number text not null,
    -- kind of a notice, or action of a history row
    kind text not null,
    -- rows of one lane leave one after the other, by seq; nothing: in any order
    lane text not null,
    seq bigint not null,
    -- 1: an earlier row of its lane still waits
    held bigint not null,
    -- JSON of what is said
    content text not null,
    made_at_ms bigint not null,
    -- waiting, sent, given_up
    state text not null,
    tries bigint not null default 0,
    next_at_ms bigint not null,
    lease_ms bigint not null default 0,
    lease_token text,
    ended_at_ms bigint,
    reason text,
    primary key (tenant, outbox_id),
    constraint outbox_state check (state in ('waiting', 'sent', 'given_up')),
    constraint outbox_ended check ((state = 'waiting') = (ended_at_ms is null))
);
create unique index outbox_once on outbox (tenant, channel, cause, receiver);
create index outbox_due on outbox (tenant, channel, next_at_ms, seq) where state = 'waiting' and held = 0;
create index outbox_lanes on outbox (tenant, lane, channel, seq) where state = 'waiting';
create index outbox_ended_at on outbox (ended_at_ms) where ended_at_ms is not null;
create index outbox_given_up on outbox (tenant, ended_at_ms) where state = 'given_up';
