-- Top 10: the highest bids of each auction, with their places.
SELECT *
FROM (
    SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS rank_number
    FROM bid
) AS bids
WHERE rank_number <= 10
