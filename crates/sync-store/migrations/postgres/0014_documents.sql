-- Documents of the ERP: which deal each belongs to, who said so, and when it is looked at next. What the ERP says of them is
-- staged; here is what was made of it.
CREATE TABLE document (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('credit_memo', 'invoice', 'purchase_order', 'sales_order')),
    id            BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    -- None while nobody asked for a look.
    due_at        BIGINT,
    generation    BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    last_error    TEXT,
    -- The deal that shows it: of those that are attached, and of no others.
    deal_id       BIGINT,
    -- None until it was looked at. The deals that it may belong to are in here.
    decision      TEXT,
    decision_key  TEXT   CHECK (decision_key IN ('attached', 'ambiguous', 'unmatched', 'customer', 'not_counted')),
    decided_at    BIGINT,
    -- What a person said about it. It stays whatever is decided.
    answer        TEXT,
    answered_by   TEXT,
    answered_at   BIGINT,
    -- Its balance was not zero when it was last looked at: payments do not move its stamp, so it is asked for again.
    is_open       BIGINT NOT NULL CHECK (is_open IN (0, 1)),
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, id),
    CHECK ((decision IS NULL) = (decision_key IS NULL) AND (decision IS NULL) = (decided_at IS NULL)),
    CHECK ((deal_id IS NOT NULL) = (COALESCE(decision_key, '') = 'attached')),
    CHECK ((answer IS NULL) = (answered_by IS NULL) AND (answer IS NULL) = (answered_at IS NULL))
);
CREATE INDEX document_due ON document (connection_id, class, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX document_by_deal ON document (connection_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX document_by_key ON document (connection_id, decision_key, kind, id) WHERE decision_key IS NOT NULL;
CREATE INDEX document_open ON document (connection_id, kind, id) WHERE is_open = 1;

-- What a deal shows of its documents: what stands there, the open question about it, and when it is looked at next.
CREATE TABLE deal_page (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    deal_id       BIGINT NOT NULL,
    class         BIGINT NOT NULL,
    due_at        BIGINT,
    generation    BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    last_error    TEXT,
    -- None until something was shown.
    shown         TEXT,
    question_key  TEXT,
    question      TEXT,
    asked_at      BIGINT,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, deal_id),
    CHECK ((question_key IS NULL) = (question IS NULL) AND (question IS NULL) = (asked_at IS NULL))
);
CREATE INDEX deal_page_due ON deal_page (connection_id, class, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deal_page_asked ON deal_page (connection_id, question_key, asked_at) WHERE question_key IS NOT NULL;

-- Writes of what deals show: committed before they are sent, ended by their receipts. Open ones without an answer are in
-- doubt.
CREATE TABLE page_intent (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id            BIGINT NOT NULL,
    run_id        BIGINT NOT NULL,
    deal_id       BIGINT NOT NULL,
    kind          TEXT   NOT NULL CHECK (kind <> ''),
    body          TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    class         BIGINT NOT NULL,
    origin        TEXT   NOT NULL,
    epoch         BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('open', 'done', 'refused', 'void')),
    created_at    BIGINT NOT NULL,
    settled_at    BIGINT,
    ended_at      BIGINT,
    PRIMARY KEY (connection_id, id)
);
CREATE UNIQUE INDEX page_intent_open ON page_intent (connection_id, deal_id) WHERE state = 'open';

-- What records say about themselves by which others find them, as digests: numbers of documents, what deals say in the fields
-- that references name. Derived from what is staged, deleted and written with it.
CREATE TABLE said (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    kind          TEXT   NOT NULL,
    word          BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, word, id)
);
CREATE INDEX said_by ON said (connection_id, kind, id);
