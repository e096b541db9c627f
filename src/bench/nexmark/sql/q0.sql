-- Pass through: what moving events costs.
SELECT auction, bidder, price, date_time, extra FROM bid
