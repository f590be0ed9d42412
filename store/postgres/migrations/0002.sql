-- Small documents, such as how the last sync ended. Writing one is not a write of the store.
CREATE TABLE notes (
    name text COLLATE "C" PRIMARY KEY,
    content json NOT NULL
);

UPDATE store SET schema = 2;
