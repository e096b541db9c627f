-- What the demo keeps current. `attune demo` runs this file statement by statement, loads the products, and replays a year
-- of purchases; every view below is up to date with each purchase as it is acknowledged.

-- Events: who bought what, when. `price` is what the line on the receipt came to.
CREATE STREAM purchases (
    household_id bigint,
    basket_id    bigint,
    product_id   bigint,
    quantity     int,
    price        double precision,
    ts           timestamp
);

CREATE TABLE products (
    product_id bigint PRIMARY KEY,
    department text,
    category   text,
    name       text
);

-- How much each household spends.
--   SELECT * FROM spend WHERE household_id = 2343;
CREATE MATERIALIZED VIEW spend AS
SELECT household_id, count(*) AS n, sum(price) AS total, max(ts) AS last_seen
FROM purchases
GROUP BY household_id;

-- What each household likes: items bought per category.
--   SELECT category, n FROM affinity WHERE household_id = 2343 ORDER BY n DESC LIMIT 5;
CREATE MATERIALIZED VIEW affinity AS
SELECT household_id, category, sum(quantity) AS n
FROM purchases JOIN products USING (product_id)
GROUP BY household_id, category;

CREATE INDEX affinity_by_n ON affinity (household_id, n DESC) INCLUDE (category);

CREATE MATERIALIZED VIEW top_categories AS
SELECT household_id, rank, category, n
FROM (SELECT *, row_number() OVER (PARTITION BY household_id ORDER BY n DESC, category) AS rank FROM affinity) AS ranked
WHERE rank <= 10;

-- What goes with what: for each product the 20 others found most often in the same basket.
CREATE MATERIALIZED VIEW bought_together AS
SELECT product_id, rank, other_id, n
FROM (
    SELECT product_id, other_id, n, row_number() OVER (PARTITION BY product_id ORDER BY n DESC, other_id) AS rank
    FROM (
        SELECT a.product_id, b.product_id AS other_id, count(*) AS n
        FROM purchases AS a JOIN purchases AS b ON a.basket_id = b.basket_id
        WHERE a.product_id <> b.product_id
        GROUP BY a.product_id, b.product_id
    ) AS pairs
) AS ranked
WHERE rank <= 20;

-- What sells: the ten products bought most often in each week.
--   SELECT rank, name, n FROM top_products WHERE week = '2017-07-03' ORDER BY rank;
CREATE MATERIALIZED VIEW top_products AS
SELECT t.week, t.rank, t.product_id, p.name, t.n
FROM (
    SELECT week, product_id, n, rank
    FROM (
        SELECT week, product_id, n, row_number() OVER (PARTITION BY week ORDER BY n DESC, product_id) AS rank
        FROM (
            SELECT date_trunc('week', ts) AS week, product_id, count(*) AS n
            FROM purchases
            GROUP BY date_trunc('week', ts), product_id
        ) AS sales
    ) AS ranked
    WHERE rank <= 10
) AS t
JOIN products AS p ON p.product_id = t.product_id;

-- What a household has, and the 20 products it bought last.
CREATE MATERIALIZED VIEW bought AS
SELECT household_id, product_id, count(*) AS n, max(ts) AS last_bought
FROM purchases
GROUP BY household_id, product_id;

CREATE MATERIALIZED VIEW bought_lately AS
SELECT household_id, rank, product_id, last_bought
FROM (
    SELECT *, row_number() OVER (PARTITION BY household_id ORDER BY last_bought DESC, product_id) AS rank FROM bought
) AS ranked
WHERE rank <= 20;

-- What to show a household next: products it does not have that go with what it bought lately. `goes_with` says with how
-- many of those; it is weighted by what the household likes. Only which products go together is used here, not how often:
-- the counts change with every purchase, the best 20 of a product seldom do, and so a purchase touches few households.
CREATE MATERIALIZED VIEW candidates AS
SELECT l.household_id, t.other_id AS product_id, count(*) AS goes_with
FROM bought_lately AS l JOIN bought_together AS t ON t.product_id = l.product_id
GROUP BY l.household_id, t.other_id;

--   SELECT rank, name, category FROM recommendations WHERE household_id = 2343 ORDER BY rank;
CREATE MATERIALIZED VIEW recommendations AS
SELECT household_id, rank, product_id, name, category, goes_with, category_n, score
FROM (
    SELECT *, row_number() OVER (PARTITION BY household_id ORDER BY score DESC, product_id) AS rank
    FROM (
        SELECT c.household_id, c.product_id, p.name, p.category, c.goes_with, a.n AS category_n,
               c.goes_with * sqrt(a.n) AS score
        FROM candidates AS c
        JOIN products AS p ON p.product_id = c.product_id
        JOIN affinity AS a ON a.household_id = c.household_id AND a.category = p.category
        WHERE NOT EXISTS (
            SELECT 1 FROM bought AS b WHERE b.household_id = c.household_id AND b.product_id = c.product_id
        )
    ) AS scored
) AS ranked
WHERE rank <= 10;
