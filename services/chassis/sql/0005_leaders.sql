-- Who drives the followers of the service and announces its events: one process at a time, by turns that are numbered.

create table leaders (
    what text primary key,
    -- Raised by each taking: what an earlier one began is known by it.
    term bigint not null default 0,
    holder text not null default '',
    -- The application name of the holder's sessions, of whose transactions none outlives its turn.
    sessions text not null default '',
    -- By the clock of this database.
    until timestamptz not null default 'epoch',
    -- The session by which it is held: when it is gone, so is the holder.
    pid integer,
    began timestamptz,
    -- The followers it drives: while two versions run side by side, the other one has some that it does not know.
    drives text[] not null default '{}',
    -- What the holder has seen that an operator must look at.
    alarm text not null default ''
);
insert into leaders (what) values ('service');
