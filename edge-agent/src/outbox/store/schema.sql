-- The outbox of one box. Times are epoch milliseconds; ids and hashes are text. `total` is kept by triggers so
-- that a bound can be checked at each append without counting rows.

create table boot (
    boot          text primary key,
    last_sequence bigint not null
);

create table message (
    position      integer primary key autoincrement,
    message_id    text   not null unique,
    source        text   not null,
    boot          text   not null,
    sequence      bigint not null,
    incident_id   text,
    revision      bigint,
    phase         text,
    priority      bigint not null,
    envelope      blob   not null,
    created_at_ms bigint not null,
    unique (boot, sequence)
);
create index message_order on message (priority, position);
create index message_incident on message (incident_id, revision);

create table evidence (
    sha256        text   primary key,
    message_id    text   not null,
    incident_id   text,
    call_id       text,
    path          text   not null,
    evidence      text   not null,
    priority      bigint not null,
    kind_priority bigint not null,
    size_bytes    bigint not null,
    state         text   not null check (state in ('held', 'waiting', 'uploaded')),
    upload_url    text,
    attempts      bigint not null default 0,
    due_at_ms     bigint not null default 0,
    created_at_ms bigint not null,
    expires_at_ms bigint
);
create index evidence_order on evidence (state, priority, kind_priority, created_at_ms);
create index evidence_call on evidence (call_id);

create table rejected (
    message_id text   primary key,
    outcome    text   not null,
    reason     text   not null,
    envelope   blob   not null,
    at_ms      bigint not null
);

create table answered (
    command_id text   primary key,
    at_ms      bigint not null
);

-- Incidents of cameras that are open, or whose files are still being made: what a killed run leaves here is
-- ended, and its files are recovered or explained, by the next.
create table open_incident (
    incident_id text primary key,
    incident    text not null
);

create table total (
    name  text   primary key,
    rows  bigint not null check (rows >= 0),
    bytes bigint not null check (bytes >= 0)
);
insert into total values ('message', 0, 0), ('evidence', 0, 0);

create trigger message_added after insert on message begin
    update total set rows = rows + 1, bytes = bytes + length(new.envelope) where name = 'message';
end;
create trigger message_removed after delete on message begin
    update total set rows = rows - 1, bytes = bytes - length(old.envelope) where name = 'message';
end;
create trigger message_changed after update of envelope on message begin
    update total set bytes = bytes - length(old.envelope) + length(new.envelope) where name = 'message';
end;
create trigger evidence_added after insert on evidence begin
    update total set rows = rows + 1, bytes = bytes + new.size_bytes where name = 'evidence';
end;
create trigger evidence_removed after delete on evidence begin
    update total set rows = rows - 1, bytes = bytes - old.size_bytes where name = 'evidence';
end;
