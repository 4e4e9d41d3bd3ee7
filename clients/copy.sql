-- What does a province keep of its branch, and what does each event change in it? For SQLite 3.38 or later, in any language.
--
-- Paragraphs are told apart by empty lines. The first line of each names the types of events it is for; its statements are
-- executed with the body of the event, the JSON text as it came, as the parameter :body. Each sets what the event says and
-- adds nothing up, so an event that comes twice, or that a snapshot showed before, changes nothing.

-- tables
create table if not exists units(unit text primary key, name, level, line_parent, functional_parent, established_on,
    dissolved_on);
-- since: the day from which the member counts in this branch
create table if not exists members(member_id text primary key, unit, joined_on, since, left_on, hardship);
create index if not exists members_of_units on members(unit);
create table if not exists gifts(campaign_id, recipient, unit, year, amount_vnd, given_on, returned_on,
    primary key(campaign_id, recipient));
create table if not exists awards(nomination_id text primary key, unit, member_id, form, year, given_on, revoked_on);
-- how far the events of each service were taken: branch positions, the truth
create table if not exists positions(service text primary key, position integer);
-- the ledger's checkpoints, every one
create table if not exists checkpoints(service, size integer, root blob, note text, primary key(service, size));

-- membership.unit_established
insert or replace into units values(:body ->> 'unit', :body ->> 'name', :body ->> 'level',
    :body ->> 'line_parent', :body ->> 'functional_parent', :body ->> 'on', null);

-- membership.unit_renamed
update units set name = :body ->> 'name' where unit = :body ->> 'unit';

-- membership.unit_attached
update units set
    line_parent = iif(:body ->> 'attachment' = 'line', :body ->> 'parent', line_parent),
    functional_parent = iif(:body ->> 'attachment' = 'functional', :body ->> 'parent', functional_parent)
    where unit = :body ->> 'unit';

-- membership.unit_dissolved
update units set dissolved_on = :body ->> 'on' where unit = :body ->> 'unit';

-- membership.unit_moved_away
delete from members where unit in (select value from json_each(:body, '$.units'));
delete from units where unit in (select value from json_each(:body, '$.units'));

-- snapshot
-- A page of it. Since when a member counts here is not told: what is known of it stays, else it is the day of joining.
insert or replace into units select value ->> 'unit', value ->> 'name', value ->> 'level', value ->> 'line_parent',
    value ->> 'functional_parent', value ->> 'established_on', value ->> 'dissolved_on' from json_each(:body, '$.units');
insert into members select value ->> 'member_id', value ->> 'unit', value ->> 'joined_on', value ->> 'joined_on',
    value ->> 'left_on', value ->> 'hardship' from json_each(:body, '$.members') where true
    on conflict do update set unit = excluded.unit, left_on = excluded.left_on, hardship = excluded.hardship;

-- membership.member_joined
insert or replace into members values(:body ->> 'member_id', :body ->> 'unit', :body ->> 'on', :body ->> 'on', null, null);

-- membership.member_left membership.member_moved_away
update members set left_on = :body ->> 'on', hardship = null where member_id = :body ->> 'member_id';

-- membership.transfer_accepted
-- Whoever moves inside of the branch moved away on the same day, as the event before says, and was in it all the time. (Events
-- of an earlier time do not tell joined_on; before them nothing was said, and whoever is here was here.)
insert into members values(:body ->> 'member_id', :body ->> 'unit', :body ->> 'joined_on', :body ->> 'on', null,
    :body ->> 'hardship') on conflict do update set unit = excluded.unit, left_on = null,
    since = iif(left_on = excluded.since or (left_on is null and excluded.joined_on is null), since, excluded.since),
    hardship = iif(excluded.joined_on is null, hardship, excluded.hardship);

-- membership.hardship_recorded
update members set hardship = ifnull(:body ->> 'grade', iif(:body ->> 'special', 'special_hardship', 'hardship'))
    where member_id = :body ->> 'member_id';

-- membership.hardship_ended
update members set hardship = null where member_id = :body ->> 'member_id';

-- welfare.gift_distributed
insert or replace into gifts values(:body ->> 'campaign_id', ifnull(:body ->> 'member_id', :body ->> 'unit'), :body ->> 'unit',
    :body ->> 'year', :body ->> 'amount_vnd', :body ->> 'on', null);

-- welfare.gift_returned
update gifts set returned_on = :body ->> 'on'
    where campaign_id = :body ->> 'campaign_id' and recipient = ifnull(:body ->> 'member_id', :body ->> 'unit');

-- awards.flag_awarded awards.certificate_of_merit_awarded awards.commendation_awarded awards.public_honour_awarded
insert or replace into awards values(:body ->> 'nomination_id', :body ->> 'unit', :body ->> 'member_id', :body ->> 'form',
    :body ->> 'year', :body ->> 'on', null);

-- awards.award_revoked
update awards set revoked_on = :body ->> 'on' where nomination_id = :body ->> 'nomination_id';

-- kept
select size, root from checkpoints where service = :service
    and size in (:size, (select max(size) from checkpoints where service = :service));

-- position
insert or replace into positions values(?, ?);

-- figures
-- One JSON document of :year, as the hub's own summary of the branch counts: what is there at the end of the year, or today in
-- Vietnam. Of a unit that came from another branch, gifts and awards count from its arrival: those before are not told here.
-- Whoever came by a snapshot counts from the day of joining.
with
    today as (select date('now', '+7 hours') as today),
    day as (select min(today, :year || '-12-31') as day from today),
    here as (select * from units, day where established_on <= day),
    inside as (select * from members, day where unit in (select unit from here) and since <= day and ifnull(left_on, '9') > day),
    given as (select * from gifts, today where unit in (select unit from here) and year = :year
        and given_on <= today and ifnull(returned_on, '9') > today),
    won as (select * from awards, today where unit in (select unit from here) and year = :year
        and given_on <= today and ifnull(revoked_on, '9') > today)
select json_object('year', :year, 'figures', json_object(
    'grassroots_units', (select count(*) from here where level = 'grassroots' and ifnull(dissolved_on, '9') > day),
    'members', (select count(*) from inside),
    'gift_shares', (select count(*) from given),
    'gift_amount_vnd', (select ifnull(sum(amount_vnd), 0) from given),
    'flags_received', (select count(*) from won where form = 'flag'),
    'certificates_of_merit', (select count(*) from won where form = 'certificate_of_merit'),
    'commendations', (select count(*) from won where form = 'commendation'),
    'honoured_delegates', (select count(member_id) from won where form = 'public_honour')),
    'members_by_unit', json((select json_group_object(unit, members) from
        (select unit, count(*) as members from inside group by unit order by unit)))) as document;
