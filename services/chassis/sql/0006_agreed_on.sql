-- On which PostgreSQL this history was last known to hold all that was announced of it: a recovery and a promotion begin
-- another timeline, a copy of the rows comes to another system.

create table agreed_on (
    single boolean primary key default true check (single),
    system text not null,
    timeline text not null,
    since timestamptz not null default now()
);
insert into agreed_on (system, timeline)
    select system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8) from pg_control_system();
