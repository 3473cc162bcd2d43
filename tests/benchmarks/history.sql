-- A history of {number} tasks: all but the newest {open} are closed; each with its person, its two events, their audit
-- row and what was heard. Ids are in the order of time, as the platform's own are.
insert into known_person (person_id, version, registered_division, residence_division)
select {id}, 1, '430822', '430802001' from generate_series(1, {number} / 3 + 1) as n;

insert into task (id, version, kind, release_id, release_version, person_id, legal_ground, state, holder_kind, holder,
    office, division, release_at, due_rule, due_at, wake_at, escalation_level, offered_at, accepted_at, accepted_by,
    assigned, rejections, closed_at, close_reason)
select {id}, case when is_open then 1 else 2 end, 'release', {release}, 1, {person}, 'contact_only',
    case when is_open then 'offered' else 'closed' end, 'station_of_registration', '430822',
    'OFFICE-' || mod(n, 100), '430802001', at, case when is_open then 'H2' end,
    case when is_open then now() + interval '1 day' end, case when is_open then now() + interval '12 hours' end, 0,
    at - interval '3 days', case when not is_open then at - interval '2 days' end,
    case when not is_open then 'officer' end, false, 0, case when not is_open then at end,
    case when not is_open then 'agreement_signed' end
from (select n, n > {number} - {open} as is_open, now() - ({number} - n) * interval '1 minute' as at
    from generate_series(1, {number}) as n) as made;

insert into event_log (message_id, subject, sequence, exchange, type, content_type, body, created_at)
select {event}, {id}, version, 'baton.events', 'handover.closed.v1', 'application/cloudevents+json',
    '{{"specversion": "1.0", "data": "' || repeat('history ', 130) || '"}}', now()
from generate_series(1, {number}) as n, generate_series(1, 2) as version;

insert into inbox (message_id, received_at) select {id}, now() from generate_series(1, {number}) as n;

insert into audit (at, actor, role, organisation, action, subject, version)
select now(), 'officer', 'community_officer', 'OFFICE-' || mod(n, 100), 'handover.closed.v1', {id}, 2
from generate_series(1, {number}) as n;
