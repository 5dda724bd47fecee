-- Tenant leads every key. Times are epoch milliseconds UTC. Booleans are 0 and 1.

-- One row per tenant; its lock orders the tenant's commits, its counter numbers the live feed.
create table tenants (
    tenant text primary key,
    change_position bigint not null
);

create table changes (
    tenant text not null,
    position bigint not null,
    at_ms bigint not null,
    topic text not null,
    subject text not null,
    primary key (tenant, position)
);

create table devices (
    tenant text not null,
    device_id text not null,
    title text not null,
    -- pending (no certificate yet), enrolled, disabled
    state text not null,
    certificate_sha256 text,
    certificate_expires_at_ms bigint,
    token_sha256 text,
    created_at_ms bigint not null,
    enrolled_at_ms bigint,
    primary key (tenant, device_id)
);
create unique index devices_by_token on devices (token_sha256) where token_sha256 is not null;

create table enrolment_codes (
    tenant text not null,
    code_sha256 text not null,
    device_id text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    used_at_ms bigint,
    primary key (tenant, code_sha256)
);

create table device_status (
    tenant text not null,
    device_id text not null,
    -- online, offline, as the box or its last will says
    state text not null,
    boot text,
    status text,
    received_at_ms bigint not null,
    last_seen_at_ms bigint not null,
    offline_since_ms bigint,
    -- hub clock minus box clock, smoothed; null until measured
    skew_ms bigint,
    clock_synced bigint not null,
    -- incident raised because the box is silent, while it is
    lost_incident text,
    primary key (tenant, device_id)
);

create table messages (
    tenant text not null,
    message_id text not null,
    device_id text not null,
    boot text not null,
    sequence bigint not null,
    type text not null,
    received_at_ms bigint not null,
    outcome text not null,
    reason text,
    primary key (tenant, message_id)
);
create index messages_by_sequence on messages (tenant, device_id, boot, sequence);

create table incidents (
    tenant text not null,
    incident_id text not null,
    device_id text not null,
    revision bigint not null,
    phase text not null,
    kind text not null,
    severity text not null,
    camera_id text,
    call_id text,
    case_id text not null,
    started_at_ms bigint not null,
    updated_at_ms bigint not null,
    ended_at_ms bigint,
    first_received_at_ms bigint not null,
    received_at_ms bigint not null,
    drill bigint not null,
    -- the newest revision as it came, JSON
    data text not null,
    primary key (tenant, incident_id)
);
create index incidents_by_case on incidents (tenant, case_id);
create index incidents_by_call on incidents (tenant, call_id) where call_id is not null;

-- Which incident or command names which file. A file is shown only to those who may see one of these.
create table evidence_links (
    tenant text not null,
    owner text not null,
    owner_id text not null,
    sha256 text not null,
    device_id text not null,
    kind text not null,
    media_type text not null,
    size_bytes bigint not null,
    delivery text not null,
    starts_at_ms bigint not null,
    duration_ms bigint,
    masked bigint not null,
    primary key (tenant, owner, owner_id, sha256)
);
create index evidence_links_by_hash on evidence_links (tenant, sha256);

-- Files that are here, whole and verified.
create table evidence (
    tenant text not null,
    sha256 text not null,
    device_id text not null,
    kind text not null,
    media_type text not null,
    size_bytes bigint not null,
    stored_at_ms bigint not null,
    primary key (tenant, sha256)
);

create table uploads (
    tenant text not null,
    upload_id text not null,
    device_id text not null,
    sha256 text not null,
    kind text not null,
    media_type text not null,
    size_bytes bigint not null,
    offset_bytes bigint not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    primary key (tenant, upload_id)
);

create table cases (
    tenant text not null,
    case_id text not null,
    number text not null,
    kind text not null,
    severity text not null,
    state text not null,
    correlation_key text not null,
    device_id text not null,
    camera_id text,
    call_id text,
    title_zh text not null,
    title_en text not null,
    place text,
    -- JSON of the place on the map, when the box gave one
    location text,
    incident_count bigint not null,
    drill bigint not null,
    started_at_ms bigint not null,
    opened_at_ms bigint not null,
    updated_at_ms bigint not null,
    acknowledged_at_ms bigint,
    acknowledged_by text,
    closed_at_ms bigint,
    history_count bigint not null,
    history_hash text not null,
    primary key (tenant, case_id)
);
create unique index cases_by_number on cases (tenant, number);
create unique index cases_one_open_per_cause on cases (tenant, correlation_key) where closed_at_ms is null;
create index cases_by_opened on cases (tenant, opened_at_ms);
create index cases_by_call on cases (tenant, call_id) where call_id is not null;

create table case_numbers (
    tenant text not null,
    day text not null,
    last bigint not null,
    primary key (tenant, day)
);

-- Append-only; each row's hash covers the one before it.
create table case_history (
    tenant text not null,
    case_id text not null,
    position bigint not null,
    at_ms bigint not null,
    actor text not null,
    action text not null,
    detail text not null,
    prev_hash text not null,
    hash text not null,
    primary key (tenant, case_id, position)
);

create table quarantine (
    tenant text not null,
    quarantine_id text not null,
    device_id text,
    topic text not null,
    message_id text,
    reason text not null,
    received_at_ms bigint not null,
    content {bytes} not null,
    primary key (tenant, quarantine_id)
);

create table commands (
    tenant text not null,
    command_id text not null,
    device_id text not null,
    name text not null,
    -- JSON of protocol::CommandBody
    body text not null,
    purpose text not null,
    case_id text,
    issued_by text not null,
    issued_at_ms bigint not null,
    expires_at_ms bigint not null,
    -- waiting, sent, done, failed, expired
    state text not null,
    sent_at_ms bigint,
    sends bigint not null,
    answered_at_ms bigint,
    -- reason of a failure, or null
    reason text,
    primary key (tenant, command_id)
);
create index commands_open on commands (tenant, device_id) where answered_at_ms is null;
