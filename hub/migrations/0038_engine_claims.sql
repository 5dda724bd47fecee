-- What a hub does just now of what is due by the clock, and until when nobody else begins it.
create table engine_claims (
    tenant text not null,
    -- 'emergency', 'clock', …
    what text not null,
    -- number of a case, or the source of alarms
    subject text not null,
    -- of one pass of one hub; empty: it failed and waits
    token text not null,
    until_ms bigint not null,
    primary key (tenant, what, subject)
);
