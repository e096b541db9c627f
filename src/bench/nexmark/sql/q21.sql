-- Channel id: of a known channel, else out of the url. Adapted: the original's regexp_extract is not of Postgres; the part of the
-- url between `channel_id=` and the next `&` is cut out instead, and is empty, not NULL, when there is none.
SELECT auction, bidder, price, channel,
       CASE
           WHEN lower(channel) = 'apple' THEN '0'
           WHEN lower(channel) = 'google' THEN '1'
           WHEN lower(channel) = 'facebook' THEN '2'
           WHEN lower(channel) = 'baidu' THEN '3'
           ELSE split_part(split_part(url, '&channel_id=', 2), '&', 1)
       END AS channel_id
FROM bid
WHERE split_part(url, '&channel_id=', 2) <> '' OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')
