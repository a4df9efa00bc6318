-- Memories, found by words (PostgreSQL's full-text search) and by likeness (pgvector).
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE memory (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace text NOT NULL,
    text      text NOT NULL,
    tags      text[] NOT NULL,
    words     tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', text)) STORED,
    embedder  text NOT NULL,
    embedding vector NOT NULL, -- of as many dimensions as its embedder has; each embedder has an index of its own
    created   timestamptz NOT NULL DEFAULT now(),
    updated   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX memory_words ON memory USING gin (words);
CREATE INDEX memory_tags ON memory USING gin (tags);
CREATE INDEX memory_newest ON memory (namespace, id);
