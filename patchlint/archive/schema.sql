-- One file holds a scan.  Every text column that ends in _json is JSON.
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    started REAL NOT NULL,
    finished REAL,
    tool_version TEXT NOT NULL,
    ruleset_digest TEXT NOT NULL,
    options_json TEXT NOT NULL,
    mails INTEGER NOT NULL DEFAULT 0,
    series INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS rules (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    level TEXT NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sources (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    state_json TEXT NOT NULL DEFAULT '{}',
    UNIQUE (kind, place)
);

-- Every mail of the archive, light: enough to group series and to follow threads.
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES sources (id),
    locator TEXT NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT NOT NULL,
    author TEXT NOT NULL,
    date REAL,
    in_reply_to TEXT,
    "references" TEXT NOT NULL,
    -- 1 a patch, 2 a cover letter, 0 anything else
    patch INTEGER NOT NULL,
    -- bits: what its words are good for
    words INTEGER NOT NULL,
    thread INTEGER
);
CREATE INDEX IF NOT EXISTS messages_thread ON messages (thread) WHERE thread IS NOT NULL;

-- What a finding's row was when it was written, to tell a store that was damaged since.
CREATE TABLE IF NOT EXISTS sums (
    finding INTEGER PRIMARY KEY,
    digest TEXT NOT NULL
);

-- The patch of a mail that words let through, to tell another one with the same Message-ID.
CREATE TABLE IF NOT EXISTS patches (
    message_id TEXT PRIMARY KEY,
    digest TEXT NOT NULL
) WITHOUT ROWID;

-- Threads of patch mails and cover letters: the unit that is checked again as a whole.
CREATE TABLE IF NOT EXISTS threads (
    id INTEGER PRIMARY KEY,
    words INTEGER NOT NULL DEFAULT 0,
    checked TEXT
);
CREATE INDEX IF NOT EXISTS threads_open ON threads (id) WHERE checked IS NULL;

-- Which thread a key belongs to: a Message-ID seen or referred to, or a series' own mark.
CREATE TABLE IF NOT EXISTS thread_keys (
    key TEXT PRIMARY KEY,
    thread INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thread_keys_thread ON thread_keys (thread);

CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL,
    subject TEXT NOT NULL,
    author TEXT NOT NULL,
    date REAL,
    version INTEGER NOT NULL,
    expected INTEGER NOT NULL,
    missing_json TEXT NOT NULL,
    base_commit TEXT,
    cover_message_id TEXT,
    patches_json TEXT NOT NULL,
    images TEXT NOT NULL,
    tree TEXT,
    subsystem TEXT NOT NULL,
    words_json TEXT NOT NULL,
    references_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS series_thread ON series (thread);

CREATE TABLE IF NOT EXISTS findings (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    thread INTEGER NOT NULL,
    rule TEXT NOT NULL,
    level TEXT NOT NULL,
    confidence TEXT NOT NULL,
    message TEXT NOT NULL,
    patch INTEGER NOT NULL,
    message_id TEXT,
    "commit" TEXT,
    subject TEXT NOT NULL,
    author TEXT NOT NULL,
    date REAL,
    year INTEGER,
    subsystem TEXT NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,
    side TEXT NOT NULL,
    function TEXT NOT NULL,
    family TEXT NOT NULL,
    cleanup TEXT NOT NULL,
    before_context TEXT NOT NULL,
    before_guarantee TEXT NOT NULL,
    before_mechanism TEXT,
    before_callback TEXT,
    before_chain_json TEXT NOT NULL,
    after_context TEXT NOT NULL,
    after_guarantee TEXT NOT NULL,
    after_mechanism TEXT,
    after_callback TEXT,
    after_chain_json TEXT NOT NULL,
    condition TEXT,
    fingerprint TEXT NOT NULL,
    why TEXT NOT NULL,
    entry_points_json TEXT NOT NULL,
    symptoms_json TEXT NOT NULL,
    advice_json TEXT NOT NULL,
    evidence_json TEXT NOT NULL,
    also_json TEXT NOT NULL,
    hunk_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS findings_series ON findings (series);
CREATE INDEX IF NOT EXISTS findings_thread ON findings (thread);
CREATE INDEX IF NOT EXISTS findings_rule ON findings (rule, level);
CREATE INDEX IF NOT EXISTS findings_date ON findings (date);

CREATE TABLE IF NOT EXISTS limitations (
    id INTEGER PRIMARY KEY,
    thread INTEGER,
    series INTEGER,
    stage TEXT NOT NULL,
    message TEXT NOT NULL,
    path TEXT,
    message_id TEXT,
    line INTEGER
);
CREATE INDEX IF NOT EXISTS limitations_thread ON limitations (thread);

CREATE TABLE IF NOT EXISTS errors (
    id INTEGER PRIMARY KEY,
    thread INTEGER,
    input TEXT NOT NULL,
    message TEXT NOT NULL,
    message_id TEXT,
    line INTEGER
);
CREATE INDEX IF NOT EXISTS errors_thread ON errors (thread);

-- Fixes: trailers of patch mails, by the title of the commit that they mend.
CREATE TABLE IF NOT EXISTS fixes (
    message_id TEXT NOT NULL,
    title TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    PRIMARY KEY (title, message_id)
) WITHOUT ROWID;

-- What happened next in the archive, one row for each thing that was found.
CREATE TABLE IF NOT EXISTS outcomes (
    id INTEGER PRIMARY KEY,
    finding INTEGER NOT NULL REFERENCES findings (id),
    kind TEXT NOT NULL,
    message_id TEXT,
    subject TEXT,
    date REAL,
    evidence TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS outcomes_finding ON outcomes (finding);

-- The strongest thing that is known of each finding.
DROP VIEW IF EXISTS finding_outcomes;
CREATE VIEW finding_outcomes AS
SELECT
    findings.id AS finding,
    findings.rule,
    findings.level,
    findings.year,
    findings.subsystem,
    coalesce(
        (
            SELECT kind FROM outcomes
            WHERE outcomes.finding = findings.id
            ORDER BY CASE kind
                WHEN 'reverted' THEN 1 WHEN 'fixed' THEN 2 WHEN 'dropped' THEN 3
                WHEN 'discussed' THEN 4 WHEN 'merged' THEN 5 WHEN 'kept' THEN 6
                WHEN 'superseded' THEN 7 ELSE 8
            END, id
            LIMIT 1
        ),
        'unknown'
    ) AS outcome,
    findings.subject,
    findings.message_id
FROM findings;

CREATE VIEW IF NOT EXISTS findings_by_rule_and_year AS
SELECT rule, level, year, count(*) AS findings
FROM findings GROUP BY rule, level, year ORDER BY rule, level, year;

CREATE VIEW IF NOT EXISTS findings_by_subsystem AS
SELECT subsystem, level, count(*) AS findings
FROM findings GROUP BY subsystem, level ORDER BY findings DESC;

-- For reading, in Datasette and the like: dates as ISO 8601, links, lists as text.
DROP VIEW IF EXISTS browse_findings;
CREATE VIEW browse_findings AS
SELECT
    findings.id,
    strftime('%Y-%m-%dT%H:%M:%SZ', findings.date, 'unixepoch') AS date,
    findings.level,
    findings.rule,
    findings.message,
    findings.path || ':' || findings.line AS place,
    findings.function,
    'https://lore.kernel.org/r/' || replace(replace(replace(replace(findings.message_id, '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23') || '/' AS lore,
    CASE findings.before_context
        WHEN 'task' THEN 'task' WHEN 'user-worker' THEN 'user worker' WHEN 'kthread' THEN 'kernel thread'
        WHEN 'workqueue' THEN 'work item' WHEN 'rcu-callback' THEN 'RCU callback'
        WHEN 'softirq' THEN 'softirq' WHEN 'hardirq' THEN 'hard interrupt' ELSE 'caller not seen' END
    || ': ' || CASE findings.before_guarantee
        WHEN 'before-call-returns' THEN CASE
            WHEN findings.before_context IN ('workqueue', 'rcu-callback', 'softirq', 'hardirq') THEN 'done when the callback returns'
            ELSE 'done when the call returns' END
        WHEN 'before-return-to-user' THEN CASE
            WHEN findings.before_context IN ('workqueue', 'rcu-callback', 'softirq', 'hardirq', 'kthread') THEN 'put off there too, where nothing returns to user space'
            ELSE 'done before return to user space' END
        WHEN 'after-wait' THEN 'waited for in the same call'
        WHEN 'after-grace-period' THEN 'done after a grace period' ELSE 'done some time later' END AS before,
    (
        SELECT group_concat(json_extract(value, '$.function'), ' → ')
        FROM json_each(findings.before_chain_json)
    ) AS before_chain,
    CASE findings.after_context
        WHEN 'task' THEN 'task' WHEN 'user-worker' THEN 'user worker' WHEN 'kthread' THEN 'kernel thread'
        WHEN 'workqueue' THEN 'work item' WHEN 'rcu-callback' THEN 'RCU callback'
        WHEN 'softirq' THEN 'softirq' WHEN 'hardirq' THEN 'hard interrupt' ELSE 'whoever runs it' END
    || ': ' || CASE findings.after_guarantee
        WHEN 'before-call-returns' THEN CASE
            WHEN findings.after_context IN ('workqueue', 'rcu-callback', 'softirq', 'hardirq') THEN 'done when the callback returns'
            ELSE 'done when the call returns' END
        WHEN 'before-return-to-user' THEN CASE
            WHEN findings.after_context IN ('workqueue', 'rcu-callback', 'softirq', 'hardirq', 'kthread') THEN 'put off there too, where nothing returns to user space'
            ELSE 'done before return to user space' END
        WHEN 'after-wait' THEN 'waited for in the same call'
        WHEN 'after-grace-period' THEN 'done after a grace period' ELSE 'done some time later' END AS after,
    (
        SELECT group_concat(json_extract(value, '$.function'), ' → ')
        FROM json_each(findings.after_chain_json)
    ) AS after_chain,
    findings.condition,
    (
        SELECT group_concat(json_extract(value, '$.name'), ', ')
        FROM json_each(findings.entry_points_json)
    ) AS reached_from,
    json_extract(findings.symptoms_json, '$[0]') AS seen_as,
    json_extract(findings.advice_json, '$[0]') AS instead,
    (
        SELECT group_concat(json_extract(value, '$.kind') || json_extract(value, '$.text'), char(10))
        FROM json_each(findings.hunk_json)
    ) AS hunk,
    finding_outcomes.outcome,
    findings.subject,
    findings.author,
    findings.subsystem,
    findings.year,
    findings.fingerprint
FROM findings JOIN finding_outcomes ON finding_outcomes.finding = findings.id;

CREATE VIEW IF NOT EXISTS browse_outcomes AS
SELECT
    outcomes.id,
    strftime('%Y-%m-%dT%H:%M:%SZ', outcomes.date, 'unixepoch') AS date,
    outcomes.kind,
    findings.rule,
    findings.message AS finding,
    outcomes.subject,
    outcomes.evidence,
    'https://lore.kernel.org/r/' || replace(replace(replace(replace(outcomes.message_id, '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23') || '/' AS lore,
    'https://lore.kernel.org/r/' || replace(replace(replace(replace(findings.message_id, '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23') || '/' AS patch_lore
FROM outcomes JOIN findings ON findings.id = outcomes.finding;

CREATE VIEW IF NOT EXISTS browse_series AS
SELECT
    series.id,
    strftime('%Y-%m-%dT%H:%M:%SZ', series.date, 'unixepoch') AS date,
    series.subject,
    series.version,
    json_array_length(series.patches_json) AS patches,
    series.expected,
    series.author,
    series.subsystem,
    series.images,
    (SELECT count(*) FROM findings WHERE findings.series = series.id) AS findings,
    'https://lore.kernel.org/r/' || replace(replace(replace(replace(coalesce(series.cover_message_id, json_extract(series.patches_json, '$[0].message_id')), '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23') || '/' AS lore
FROM series;

CREATE VIEW IF NOT EXISTS browse_mails AS
SELECT
    messages.id,
    strftime('%Y-%m-%dT%H:%M:%SZ', messages.date, 'unixepoch') AS date,
    messages.subject,
    messages.author,
    messages.patch,
    sources.name AS source,
    'https://lore.kernel.org/r/' || replace(replace(replace(replace(messages.message_id, '%', '%25'), '/', '%2F'), '?', '%3F'), '#', '%23') || '/' AS lore
FROM messages JOIN sources ON sources.id = messages.source;
