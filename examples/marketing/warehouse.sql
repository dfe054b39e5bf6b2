CREATE TABLE campaign (
    campaign_id integer PRIMARY KEY,
    title       text NOT NULL,
    channel     text NOT NULL CHECK (channel IN ('search', 'social', 'mail', 'display')),
    budget      numeric(10, 2) NOT NULL CHECK (budget >= 0),
    clicks      bigint NOT NULL DEFAULT 0,
    changed_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
COMMENT ON TABLE campaign IS 'One row for each campaign; ended_at is set when it was taken down';
