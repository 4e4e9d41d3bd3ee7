-- The function as it was before.
create or replace function append_batch(
    command_ids uuid[], fingerprints bytea[], last_events integer[],
    aggregate_ids uuid[], versions integer[],
    event_aggregates uuid[], event_versions integer[], event_topics text[], event_bodies bytea[],
    event_metadata bytea[], event_branches text[], recorded_at timestamptz,
    claim_keys bytea[], claim_needs text[], claim_deltas integer[], claim_limits integer[],
    branches_seen bigint, places_seen bigint, moves_places boolean, moves_branches boolean
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
    branches_now bigint;
    places_now bigint;
    many integer := cardinality(event_versions);
begin
    select h.position, h.branches_at, h.places_at into before, branches_now, places_now from head h for update;
    -- In which branch an event is told follows from the tree. Who has not seen the last move would tell the wrong one.
    if branches_now <> branches_seen or places_now <> places_seen then
        return query select 'rearranged', null::integer, null::uuid, null::bytea, null::bigint, null::uuid, null::integer;
        return;
    end if;

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
    update head set position = before + many,
                    places_at = case when moves_places then before + many else places_at end,
                    branches_at = case when moves_branches then before + many else branches_at end;
    perform pg_notify('events', (before + many)::text);
    return query select 'appended', null::integer, null::uuid, null::bytea, before, null::uuid, null::integer;
end $$;
