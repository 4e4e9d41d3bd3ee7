-- The key store: one key a person, wrapped by a key that stands in a file; and who was erased, which outlives the key.

create table person_keys (
    person uuid primary key,
    wrapped bytea not null,
    wrapping_key text not null,
    created_at timestamptz not null default now()
);

create table erased_persons (
    person uuid primary key,
    erased_at timestamptz not null default now()
);

-- Which wrapping key new keys are wrapped by. A process that has not heard of a rotation yet must not wrap a key by one
-- that is about to go.
create table current_wrapping_key (
    single boolean primary key default true check (single),
    wrapping_key text not null
);

-- How often keys were destroyed. A process tells the last number it has seen in the name of its listening session.
create table destructions (
    single boolean primary key default true check (single),
    number bigint not null
);
insert into destructions (number) values (0);

-- Keeps the new keys of persons that have none and were not erased, and answers whose key is another: the one that was
-- there, or none for an erased person. One row without a person: new keys must be wrapped by the wrapping key named there.
create function make_person_keys(persons uuid[], wrapped_keys bytea[], wrapped_by text)
    returns table (person uuid, wrapped bytea, wrapping_key text)
language plpgsql
-- A plan made while the tables are empty is kept by the session: without this it would scan them when they are large.
set plan_cache_mode to force_generic_plan set enable_seqscan to off set enable_hashjoin to off set enable_mergejoin to off
as $$
#variable_conflict use_column
declare
    current text;
begin
    -- Shared among those who make keys; whoever destroys keys or rotates the wrapping key waits for them, and they for it.
    perform pg_advisory_xact_lock_shared(hashtext('congdoan.person_keys'));
    select c.wrapping_key into current from current_wrapping_key c;
    if current is null then
        insert into current_wrapping_key (wrapping_key) values (wrapped_by) on conflict do nothing;
        select c.wrapping_key into current from current_wrapping_key c;
    end if;
    if current <> wrapped_by then
        return query select null::uuid, null::bytea, current;
        return;
    end if;

    -- In one order, so that two who make the same keys never wait for each other.
    insert into person_keys (person, wrapped, wrapping_key)
        select n.person, n.wrapped, wrapped_by
          from unnest(persons, wrapped_keys) as n (person, wrapped)
         where not exists (select from erased_persons e where e.person = n.person)
         order by n.person
        on conflict do nothing;
    return query
        select k.person, k.wrapped, k.wrapping_key
          from unnest(persons, wrapped_keys) as n (person, wrapped) join person_keys k on k.person = n.person
         where k.wrapped <> n.wrapped
        union all
        select e.person, null, null from erased_persons e where e.person = any (persons);
end $$;
