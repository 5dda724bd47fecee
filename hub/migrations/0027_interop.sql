-- Whose words the place of a case is told in: `user:NAME` of who wrote them into a ticket; null: the caller's, or of who
-- reported it.
alter table case_places add column told_by text;
