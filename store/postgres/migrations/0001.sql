-- mailroster's user database. Read it as you like, but change it only with mailroster.

-- One row, with what belongs to the whole store. A write holds this row until it is done. `stamp`
-- tells one write from another of the same number, which a failover or a restore may lead to.
CREATE TABLE store (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    schema integer NOT NULL,
    store_id text NOT NULL DEFAULT '',
    generation bigint NOT NULL DEFAULT 0,
    stamp uuid NOT NULL DEFAULT gen_random_uuid(),
    archive_marked boolean NOT NULL DEFAULT false,
    settings json NOT NULL DEFAULT '{}',
    history json,                    -- figures of the runs; the runs themselves are in `runs`
    attempts_key bytea NOT NULL      -- makes the digests in `failed_log_ons`
);

-- The newest writes, so that a session reads only what is new to it: `gone` are the keys of users
-- who were deleted or renamed.
CREATE TABLE writes (
    generation bigint PRIMARY KEY,
    stamp uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    gone text[] NOT NULL DEFAULT '{}'
);

-- `key` is the user name as users are matched by it. `written` is the generation that wrote the
-- row, `rev` the one that changed anything that matters. `exact` is the whole row where the
-- columns cannot hold it (a NUL character, a field that has no column yet).
CREATE TABLE users (
    key text COLLATE "C" PRIMARY KEY,
    user_name text NOT NULL,
    full_name text,
    distinguished_name text,
    email_addresses text[] NOT NULL,
    authentication text NOT NULL CHECK (authentication IN ('integrated', 'directory_services')),
    privileges text[] NOT NULL,
    folder_privileges json NOT NULL,
    password_hash text,
    created text NOT NULL,
    changed text NOT NULL,
    rev bigint NOT NULL,
    pinned boolean NOT NULL,
    directory_id text,
    directory text,
    other_id text,
    position bigint NOT NULL,
    written bigint NOT NULL,
    exact json
);
CREATE INDEX users_written ON users (written);

-- An address, in the form in which addresses are compared, has one owner.
CREATE TABLE addresses (
    address text COLLATE "C" PRIMARY KEY,
    key text COLLATE "C" NOT NULL
);
CREATE INDEX addresses_key ON addresses (key);

-- `record` is the run in full, byte for byte as the next record's digest of it says.
CREATE TABLE runs (
    id text COLLATE "C" PRIMARY KEY,
    generation bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    who text NOT NULL,
    summary json NOT NULL,
    record bytea NOT NULL
);
CREATE INDEX runs_generation ON runs (generation);

CREATE TABLE folder_work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation bigint NOT NULL,
    act text NOT NULL,
    folder text NOT NULL,
    target text NOT NULL
);

-- Times are in seconds since 1970, by the database's clock. Who nobody knows stands as a digest.
CREATE TABLE failed_log_ons (
    kind text NOT NULL CHECK (kind IN ('pairs', 'users', 'sources')),
    who text COLLATE "C" NOT NULL,
    failed integer NOT NULL,
    until double precision NOT NULL,
    locked_until double precision NOT NULL,
    tried text[] NOT NULL,
    PRIMARY KEY (kind, who)
);

-- Where users got in, as digests of user and source; `day` counts from 1970.
CREATE TABLE known_sources (
    digest bytea PRIMARY KEY,
    day integer NOT NULL
);
CREATE INDEX known_sources_day ON known_sources (day);

-- Who synchronises or changes users now. A lock whose time is over is free.
CREATE TABLE locks (
    name text PRIMARY KEY,
    token uuid NOT NULL,
    holder text NOT NULL,
    process text NOT NULL,           -- of which kernel, so that its own processes know if it ended
    until timestamptz NOT NULL
);

INSERT INTO store (schema, attempts_key) VALUES (1, uuid_send(gen_random_uuid()));
