-- Currency conversion: each bid's price in euros. As everywhere in our SQL, 0.908 is double precision.
SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid
