-- What Baton's transaction asks of PostgreSQL when a release is accepted, in as many round trips.
\set key random(1, 9000000000000000000)
begin \;
insert into idempotency (scope, key, fingerprint, created_at)
values ('CENTRE bench POST /releases', (:key)::text, repeat('f', 64), now())
on conflict do nothing returning key;

select person_id, version, merged_into from known_person
where person_id = '00000000-0000-7000-8000-000000000001';

insert into release (id, version, person_id, centre, kind, state, release_at, needs_handover, legal_ground, rehab,
    notices, notice_due, present, due_rule, due_at, wake_at)
values (gen_random_uuid(), 1, '00000000-0000-7000-8000-000000000001', 'CENTRE', 'early_release', 'planned', now(),
    true, 'contact_only', 'pending', '[]', '{"rule": "D9", "at": "2026-01-01T00:00:00+00:00"}', '[]', 'D9', now(),
    now()) \;
with entered as (
    insert into event_log (message_id, subject, sequence, exchange, type, content_type, body, created_at)
    values (gen_random_uuid(), gen_random_uuid(), 1, 'baton.events', 'release.planned.v1',
        'application/cloudevents+json', repeat('e', 1100), now())
    returning position, subject
) insert into outbox (position, subject) select position, subject from entered \;
insert into audit (at, actor, role, organisation, action, subject, version, request_id)
values (now(), 'bench', 'centre_clerk', 'CENTRE', 'release.planned.v1', gen_random_uuid(), 1,
    gen_random_uuid()::text) \;
update idempotency
set status = 201, headers = '{"Content-Type": "application/json"}', body = repeat('b', 1000)::bytea
where scope = 'CENTRE bench POST /releases' and key = (:key)::text;

commit;
