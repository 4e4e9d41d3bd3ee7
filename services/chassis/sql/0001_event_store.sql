-- The event store of one service: one row that is both lock and counter, the events, the command ids with their
-- answers, the claims that hold rules across aggregates, and the positions of whoever follows.

create table head (
    single boolean primary key default true check (single),
    position bigint not null
);
insert into head (position) values (0);

create table branches (
    branch text primary key,
    position bigint not null
);

create table events (
    position bigint primary key,
    aggregate_id uuid not null,
    version integer not null,
    topic text not null,
    body bytea not null,
    metadata bytea not null,
    branch text not null,
    branch_position bigint not null,
    recorded_at timestamptz not null
);
create unique index events_by_aggregate on events (aggregate_id, version);
alter table events alter column body set storage external;

-- The answer of a command follows from its last event, so its position is all that is kept.
create table commands (
    command_id uuid primary key,
    fingerprint bytea not null,
    position bigint not null
);

-- A claim is a persisted readers-writer lock: -1 held by one, n > 0 shared by n, 0 or absent free.
create table claims (
    claim bytea primary key,
    holders integer not null check (holders >= -1)
);

create table followers (
    follower text primary key,
    position bigint not null
);

-- What a follower could not take, and what waits behind it: one queue per aggregate, in position order.
create table parked (
    follower text not null,
    position bigint not null,
    aggregate_id uuid not null,
    topic text not null,
    reason text not null,
    waits_for bigint,
    event bytea not null,
    parked_at timestamptz not null,
    announced boolean not null default false,
    primary key (follower, position)
);
create index parked_by_aggregate on parked (follower, aggregate_id);
create index parked_unannounced on parked (follower, position) where not announced;

-- Appends a batch of commands in one call, or nothing at all. Rows returned: kind 'appended' with the position before
-- the first event; or every reason against it, kind 'repeated' (a command id that is known, with its first answer), 'stale' (ordinal of an
-- aggregate whose version is not the expected one), 'claimed' (ordinal of a claim that is not free).
create function append_batch(
    command_ids uuid[], fingerprints bytea[], last_events integer[],
    aggregate_ids uuid[], versions integer[],
    event_aggregates uuid[], event_versions integer[], event_topics text[], event_bodies bytea[],
    event_metadata bytea[], event_branches text[], recorded_at timestamptz,
    claim_keys bytea[], claim_needs text[], claim_deltas integer[], claim_limits integer[]
) returns table (
    kind text, ordinal integer, command_id uuid, fingerprint bytea, base bigint, aggregate_id uuid, version integer
)
language plpgsql
-- A plan made while the tables are empty is kept by the session: without this it would scan them when they are large.
set plan_cache_mode to force_generic_plan set enable_seqscan to off set enable_hashjoin to off set enable_mergejoin to off
as $$
#variable_conflict use_column
declare
    before bigint;
    many integer := cardinality(event_versions);
begin
    select h.position into before from head h for update;

    -- The scalar subquery is one index probe an aggregate, also on a fresh table without statistics.
    return query
        select 'repeated', null::integer, c.command_id, c.fingerprint, c.position, e.aggregate_id, e.version
          from commands c join events e on e.position = c.position where c.command_id = any (command_ids)
        union all
        select 'stale', w.ord::integer, null, null, null, null, null
          from unnest(aggregate_ids, versions) with ordinality as w (aggregate_id, version, ord)
         where w.version <> coalesce((select e.version from events e where e.aggregate_id = w.aggregate_id
                                       order by e.version desc limit 1), least(w.version, 0))
        union all
        select 'claimed', w.ord::integer, null, null, null, null, null
          from unnest(claim_keys, claim_needs, claim_limits) with ordinality as w (claim, need, most, ord)
         where case w.need
               when 'free' then coalesce((select c.holders from claims c where c.claim = w.claim), 0) <> 0
               when 'unclosed' then coalesce((select c.holders from claims c where c.claim = w.claim), 0) not between 0 and w.most
               else false end;
    if found then
        return;
    end if;

    insert into events
        select before + n.ord, n.aggregate_id, n.version, n.topic, n.body, n.metadata, n.branch,
               coalesce(b.position, 0) + row_number() over (partition by n.branch order by n.ord), recorded_at
          from unnest(event_aggregates, event_versions, event_topics, event_bodies, event_metadata, event_branches)
               with ordinality as n (aggregate_id, version, topic, body, metadata, branch, ord)
          left join branches b on b.branch = n.branch;
    insert into branches as b (branch, position)
        select branch, count(*) from unnest(event_branches) as n (branch) group by branch
        on conflict (branch) do update set position = b.position + excluded.position;
    insert into commands (command_id, fingerprint, position)
        select c.id, c.fingerprint, before + c.last
          from unnest(command_ids, fingerprints, last_events) as c (id, fingerprint, last);
    insert into claims as c (claim, holders)
        select k.claim, k.delta from unnest(claim_keys, claim_deltas) as k (claim, delta)
        on conflict (claim) do update set holders = c.holders + excluded.holders;
    delete from claims c where c.claim = any (claim_keys) and c.holders = 0;
    update head set position = before + many;
    perform pg_notify('events', (before + many)::text);
    return query select 'appended', null::integer, null::uuid, null::bytea, before, null::uuid, null::integer;
end $$;
