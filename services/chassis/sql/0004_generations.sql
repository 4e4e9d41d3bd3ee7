-- What each follower applied, so that it can be proven; and a place for the second generation of a read model.

-- Of the positions after `since` that concern the follower: `chain` is the running hash of all that it passed, in order;
-- count, sum and sum of squares are of those it applied, so that one which is missing, or was applied twice, has a name.
alter table followers
    add column since bigint not null default 0,
    add column applied bigint not null default 0,
    add column applied_sum numeric not null default 0,
    add column applied_squares numeric not null default 0,
    add column chain bytea not null default '';
-- Of what was taken before today nobody kept count.
update followers set since = position;

-- The generations of a read model, by number: the one that answers, and the one beside it, if there is one.
create table generations (
    read_model text primary key,
    live integer not null default 1,
    beside integer,
    last integer not null default 1,
    changed_at timestamptz not null default now()
);

-- A table has its name, its indexes and their names in both generations; what tells them apart is the schema.
create schema beside;
-- Where the one that answered stands for a moment while they change places.
create schema between_places;
