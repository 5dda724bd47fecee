-- The lists of cases in their whole order: a page is read off, and nothing is sorted for it, however many cases there are.
-- In this sequence: of two indexes that serve alike SQLite takes the younger one, which should be the one of open cases.
drop index cases_by_opened;
create index cases_by_opened on cases (tenant, opened_at_ms, length(number), number);
drop index cases_open;
create index cases_open on cases (tenant, opened_at_ms, length(number), number) where closed_at_ms is null;
