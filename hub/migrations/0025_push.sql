-- Browsers that are told by web push, and from where sessions were begun.

create table push_subscriptions (
    tenant text not null,
    -- of the SHA-256 of the endpoint: a browser that somebody else uses now is that one's
    push_id text not null,
    user_name text not null,
    -- where its push service takes messages; whoever knows it and the keys can write to the browser
    endpoint text not null,
    -- of the browser, base64url: its public key (an uncompressed point of P-256) and its secret of 16 bytes
    p256dh text not null,
    auth text not null,
    -- what its user calls it, or what it calls itself
    label text not null,
    created_at_ms bigint not null,
    last_success_at_ms bigint,
    -- messages in a row that the push service would not have
    failures bigint not null default 0,
    primary key (tenant, push_id)
);
create index push_subscriptions_by_user on push_subscriptions (tenant, user_name, created_at_ms);

-- nothing: not known, as of sessions that were begun before
alter table sessions add column address text not null default '';
