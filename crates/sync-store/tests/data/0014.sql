-- What an installation of version 14 may hold besides.
INSERT INTO staged (connection_id, kind, id, party_id, stamp, hash, body, malformed, read_at, sweep, missing) VALUES
    (1, 'invoice', 300000300000001, 300000200000001, 1767225600000000, 'h', '{}', NULL, 1767225600000000, 0, 0),
    (1, 'installments', 300000300000001, NULL, 1767225600000000, 'h', '[]', NULL, 1767225600000000, 0, 0);
INSERT INTO document (connection_id, kind, id, class, due_at, generation, attempts, origin, last_error, deal_id, decision, decision_key, decided_at, answer, answered_by, answered_at, is_open, updated_at) VALUES
    (1, 'invoice', 300000300000001, 2, NULL, 1, 0, 'erp poll', NULL, 81, '{"deal":81}', 'attached', 1767225600000000, '{"deal":81}', 'ann', 1767225600000000, 1, 1767225600000000),
    (1, 'purchase_order', 300000300000002, 2, 1767225600000000, 2, 1, 'erp poll', '503', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1767225600000000);
INSERT INTO deal_page (connection_id, deal_id, class, due_at, generation, attempts, origin, last_error, shown, question_key, question, asked_at, updated_at) VALUES
    (1, 81, 2, NULL, 1, 0, 'invoice', NULL, '{"note":5}', 'note_edited', '{"note":5}', 1767225600000000, 1767225600000000);
INSERT INTO page_intent (connection_id, id, run_id, deal_id, kind, body, reason, class, origin, epoch, state, created_at, settled_at, ended_at) VALUES
    (1, 1, 1, 81, 'note', '{}', 'invoice INV-1 was issued', 2, 'erp poll', 1, 'open', 1767225600000000, NULL, NULL);
INSERT INTO said (connection_id, kind, word, id) VALUES (1, 'invoice', -77, 300000300000001);
