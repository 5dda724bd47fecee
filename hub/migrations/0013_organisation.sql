-- The tree of areas, the units that do the work, and who may do what where.

create table areas (
    tenant text not null,
    area text not null,
    -- null: the county
    parent text,
    level text not null,
    name_zh text not null,
    name_en text not null,
    rural bigint not null,
    -- `/county/town/`, ids from the top: what lies in an area begins with its path
    path text not null,
    primary key (tenant, area),
    constraint areas_level check (level in ('county', 'town', 'community', 'grid')),
    constraint areas_parent check ((level = 'county') = (parent is null))
);
create unique index areas_by_path on areas (tenant, path);

create table units (
    tenant text not null,
    unit text not null,
    name_zh text not null,
    name_en text not null,
    -- path of where it works
    area text not null,
    active bigint not null,
    primary key (tenant, unit)
);

-- What a user may, where: a role over an area (by its path), of a unit for those who work in one.
create table grants (
    tenant text not null,
    user_name text not null,
    role text not null,
    area text not null,
    unit text not null default '',
    primary key (tenant, user_name, role, area, unit)
);
insert into grants (tenant, user_name, role, area) select tenant, name, role, '/' from users;

-- Where a box stands: where its incidents are, when they do not say.
alter table devices add column area text not null default '/';
