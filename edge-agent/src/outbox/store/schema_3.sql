-- Two calls that sound the same have one file between them, and each its recording.

create table call_recording (
    call_id text not null,
    sha256  text not null references evidence (sha256) on delete cascade,
    unique (call_id, sha256)
);
create index call_recording_file on call_recording (sha256);
insert into call_recording select call_id, sha256 from evidence where call_id is not null;
drop index evidence_call;
alter table evidence drop column call_id;
