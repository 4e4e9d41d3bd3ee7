-- How far the comparison of the stream with this store has come, and what it found. One row, which any process of the
-- service reads and the one that compares writes.

create table reconciliation (
    single boolean primary key default true check (single),
    -- The sweep under way has compared everything up to here, and what was announced lately up to there.
    swept bigint not null default 0,
    newest bigint not null default 0,
    -- When the server made the stream that was compared last, in its own words: another one is looked at whole.
    stream_made text not null default '',
    -- Sweeps asked for, and how many of them are answered.
    asked bigint not null default 0,
    answered bigint not null default 0,
    began_at timestamptz,
    finished_at timestamptz,
    differences bigint not null default 0,
    repairs bigint not null default 0,
    alarm text not null default ''
);
insert into reconciliation default values;

-- What the stream said instead of what is recorded, as evidence; kept when the stream is repaired.
create table stream_differences (
    stream_made text not null,
    position bigint not null,
    kind text not null,
    stored_hash bytea,
    found_hash bytea not null,
    message bytea,
    found_at timestamptz not null default now(),
    primary key (stream_made, position, kind, found_hash)
);
