-- Waiting cases in the order of their list: the worst first, then the oldest. Its first page is read off, however many
-- there are.
create index cases_waiting_in_order on cases (tenant,
    (case severity when 'emergency' then 0 when 'major' then 1 when 'normal' then 2 else 3 end), opened_at_ms,
    length(number), number)
    where closed_at_ms is null and state = 'received' and acknowledged_at_ms is null;
