-- What a video holds and what is missing from it (JSON of protocol::Footage), the file that it only repeats, and whether
-- people are blurred in it. Null and 0: the box did not say.
alter table evidence_links add column footage text;
alter table evidence_links add column copy_of text;
alter table evidence_links add column blurred bigint not null default 0;
