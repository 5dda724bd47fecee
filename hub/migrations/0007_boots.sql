-- How many messages of each run of a box are here, and the highest number it gave one: the difference is missing.
create table device_boots (
    tenant text not null,
    device_id text not null,
    boot text not null,
    highest bigint not null,
    received bigint not null,
    primary key (tenant, device_id, boot)
);
insert into device_boots (tenant, device_id, boot, highest, received)
select tenant, device_id, boot, max(sequence), count(distinct sequence) from messages
where boot <> '' group by tenant, device_id, boot;
drop index messages_by_sequence;
