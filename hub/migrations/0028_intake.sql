-- What each message and each case costs: indexes that nothing asks for go, and those that few rows need hold only those.


-- A source is looked up by its open case (cases_one_open_per_cause), a call also by a closed one, and what was joined by
-- what it was joined to.
drop index cases_by_cause;
create index cases_joined_by_cause on cases (tenant, correlation_key) where joined_into is not null;
create index cases_of_calls on cases (tenant, correlation_key, opened_at_ms) where call_id is not null;

-- Only emergencies are watched.
drop index cases_waiting;
create index cases_emergencies on cases (tenant)
    where severity = 'emergency' and closed_at_ms is null and state = 'received' and acknowledged_at_ms is null;

-- Whether a source is put aside is asked of the shelves, once for all messages that are stored together.
alter table cases drop column shelved;
