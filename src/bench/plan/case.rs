//! The statements that are planned.

/// A statement.
pub(super) struct Case {
    /// What it is, for the table.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) text: &'static str,
}

/// All of them, from the cheapest to run to the dearest.
pub(super) const CASES: [Case; 6] = [
    Case { name: "point", text: "SELECT c_name, c_nationkey, c_acctbal FROM customer WHERE c_custkey = $1" },
    Case {
        name: "prefix",
        text: "SELECT l_linenumber, l_partkey, l_quantity FROM lineitem WHERE l_orderkey = $1 \
               ORDER BY l_linenumber DESC LIMIT 10",
    },
    Case {
        name: "ranking",
        text: "SELECT p_partkey, p_name, s_name, p_retailprice * (1 - l_discount) + s_acctbal AS score \
               FROM lineitem JOIN part ON p_partkey = l_partkey JOIN supplier ON s_suppkey = l_suppkey \
               WHERE l_orderkey = $1 ORDER BY score DESC, p_partkey LIMIT 10",
    },
    // TPC-H's query 5.
    Case {
        name: "six-way join",
        text: "SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue \
               FROM customer, orders, lineitem, supplier, nation, region \
               WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey \
               AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey \
               AND r_name = 'ASIA' AND o_orderdate >= date '1994-01-01' \
               AND o_orderdate < date '1994-01-01' + interval '1 year' GROUP BY n_name ORDER BY revenue DESC",
    },
    Case {
        name: "EXISTS and IN",
        text: "SELECT o_orderkey, o_orderpriority FROM orders \
               WHERE o_custkey IN (SELECT c_custkey FROM customer WHERE c_mktsegment = 'BUILDING') \
               AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)",
    },
    Case {
        name: "view",
        text: "CREATE MATERIALIZED VIEW dearest AS SELECT * FROM (SELECT c_custkey, c_name, o_orderkey, o_totalprice, \
               row_number() OVER (PARTITION BY c_custkey ORDER BY o_totalprice DESC, o_orderkey) AS place \
               FROM orders JOIN customer ON c_custkey = o_custkey) AS ranked WHERE place <= 3",
    },
];
