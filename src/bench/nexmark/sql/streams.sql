-- The three kinds of events of Nexmark (https://github.com/nexmark/nexmark), a stream each.
-- Flink's version keeps one stream and has a view for each kind; the columns are the same.
CREATE STREAM person (
    id bigint, name text, email_address text, credit_card text, city text, state text,
    date_time timestamp, extra text
);
CREATE STREAM auction (
    id bigint, item_name text, description text, initial_bid bigint, reserve bigint,
    date_time timestamp, expires timestamp, seller bigint, category bigint, extra text
);
CREATE STREAM bid (
    auction bigint, bidder bigint, price bigint, channel text, url text,
    date_time timestamp, extra text
);
