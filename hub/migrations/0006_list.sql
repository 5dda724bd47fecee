-- Lists by page: open cases by age, a case's newest incidents, requests of one case and of one box.
create index cases_open on cases (tenant, opened_at_ms) where closed_at_ms is null;
create index incidents_newest on incidents (tenant, case_id, first_received_at_ms, incident_id);
drop index incidents_by_case;
create index commands_by_case on commands (tenant, case_id) where case_id is not null;
create index commands_by_device on commands (tenant, device_id, issued_at_ms);
