-- The day, in UTC and ISO 8601, on which a sync found the user gone and marked it as leaving.
ALTER TABLE users ADD COLUMN absent_since text;

UPDATE store SET schema = 3;
