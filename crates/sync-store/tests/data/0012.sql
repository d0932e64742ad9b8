INSERT INTO handover (connection_id, kind, id, class, due_at, generation, attempts, origin, last_error, made, answers, answered_by, assigned_at, question_key, question, asked_at, updated_at) VALUES
    (1, 'org', 11, 0, 1767225600000000, 3, 0, 'deal 81 was won', NULL, '{}', '{}', NULL, NULL, NULL, NULL, NULL, 1767225600000000),
    (1, 'deal', 81, 0, NULL, 1, 0, 'crm poll', NULL, '{}', '{}', 'ann', NULL, 'no_organization', '{"hold":"no_organization","deal":81,"title":"Framework contract"}', 1767225600000000, 1767225600000000);
INSERT INTO erp_intent (connection_id, id, run_id, org_id, kind, piece, cause, set_id, reason, class, origin, epoch, state, created_at, settled_at, ended_at) VALUES
    (1, 1, 1, 11, 'add_usage', '{"piece":"usage","number":"1001","usage":"CUSTOMER"}', '{"deal":81}', 204, 'deal 81 was won', 0, 'webhook', 1, 'open', 1767225600000000, NULL, NULL);
