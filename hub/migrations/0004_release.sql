-- Which case and call a view of a file was for: equal content in two cases is two permissions.
alter table access_register add column case_number text;
alter table access_register add column call_id text;

-- When the box's present connection began; what was sent before it is sent again.
alter table device_status add column online_since_ms bigint;

-- Serial number of the device's certificate in hexadecimal, for a broker's revocation list.
alter table devices add column certificate_serial text;
