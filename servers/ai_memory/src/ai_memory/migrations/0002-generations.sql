-- How often the memories of a namespace have changed: a search that was kept holds for one generation alone. The row is
-- locked until the change is committed, so that nobody reads a new generation with old memories.
CREATE TABLE namespace (
    name       text PRIMARY KEY,
    generation bigint NOT NULL
);

CREATE FUNCTION memories_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO namespace (name, generation)
    SELECT DISTINCT changed.namespace, 1 FROM changed ORDER BY 1
    ON CONFLICT (name) DO UPDATE SET generation = namespace.generation + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER memories_added AFTER INSERT ON memory
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION memories_changed();
CREATE TRIGGER memories_updated AFTER UPDATE ON memory
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION memories_changed();
CREATE TRIGGER memories_deleted AFTER DELETE ON memory
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION memories_changed();
