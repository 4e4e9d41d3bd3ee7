-- What an auditor may read of the event store of a service: the events, where they end, and nothing else. Run it as the
-- owner of the database, after each new schema too; it may be repeated.

do $$
begin
    create role auditor login nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls connection limit 8;
exception
    when duplicate_object or unique_violation then null;
end $$;

-- Neither does the role keep anything of its own here: no table for a while, no large object.
do $$
begin
    execute format('revoke create, temporary on database %I from public', current_database());
    revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
        from public;
exception
    when insufficient_privilege then raise notice 'large objects are the superuser''s to forbid';
end $$;

alter role auditor set default_transaction_read_only to on;
alter role auditor set idle_in_transaction_session_timeout to '10min';

revoke all on all tables in schema public from auditor;
revoke all on all functions in schema public from auditor;
grant usage on schema public to auditor;
grant select on public.events, public.head, public.branches to auditor;
