-- Small documents, such as how the last sync ended. To write one is no write of the store.
CREATE TABLE notes (
    name text COLLATE "C" PRIMARY KEY,
    content json NOT NULL
);

UPDATE store SET schema = 2;
