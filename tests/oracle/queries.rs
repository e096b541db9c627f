//! Random view queries over a fixed schema with small value domains, so that groups meet, joins match and rows repeat.

use rand::RngExt;
use rand::rngs::StdRng;

/// A stream, a table with a primary key, and one without.
pub const SCHEMA: &str = "
    CREATE STREAM events (k bigint, g text, v int, f double precision, d numeric(12, 2), b boolean, ts timestamp);
    CREATE TABLE items (id bigint PRIMARY KEY, g text, k bigint, f double precision);
    CREATE TABLE notes (k bigint, g text, w int);
";

/// A query that a view can keep. `views` are earlier views that may be read (only by `SELECT count(*)`-like queries,
/// since their columns are not known here).
pub fn random(rng: &mut StdRng, views: &[&str]) -> String {
    match rng.random_range(0..18) {
        0 => select(rng),
        16 | 17 => only_grows(rng),
        1..4 => aggregate(rng),
        4..7 => join(rng),
        7 => distinct(rng),
        8 => set_operation(rng),
        9 | 10 => top_k(rng),
        11 => order_by_limit(rng),
        12 | 13 => subquery(rng),
        14 => nested(rng),
        _ => over_view(rng, views),
    }
}

fn pick<'a>(rng: &mut StdRng, of: &[&'a str]) -> &'a str {
    of[rng.random_range(0..of.len())]
}

/// A predicate over columns k, g (and f, v where there are).
fn predicate(rng: &mut StdRng, t: &str, events: bool) -> String {
    let n = rng.random_range(0..6);
    let mut choices = vec![
        format!("{t}k > {n}"),
        format!("{t}k IN (1, 3, {n})"),
        format!("{t}g = 'a'"),
        format!("{t}g IS NOT NULL"),
        format!("{t}g LIKE 'a%' OR {t}k IS NULL"),
        format!("coalesce({t}k, 0) <> {n}"),
        format!("{t}k IS DISTINCT FROM {n}"),
    ];
    if events {
        choices.extend([
            format!("{t}v BETWEEN {n} AND 30"),
            format!("{t}b"),
            format!("NOT {t}b AND {t}f < 50"),
            format!("{t}ts >= timestamp '2024-03-05 00:00:00'"),
            format!("{t}d > 0"),
        ]);
    }
    choices.swap_remove(rng.random_range(0..choices.len()))
}

fn select(rng: &mut StdRng) -> String {
    match rng.random_range(0..4) {
        0 => format!("SELECT k, g, v * 2 AS x, f, upper(g) AS u FROM events WHERE {}", predicate(rng, "", true)),
        1 => format!(
            "SELECT id, g, k + 1 AS k1, CASE WHEN k > 2 THEN 'big' ELSE g END AS size FROM items WHERE {}",
            predicate(rng, "", false)
        ),
        2 => format!("SELECT g, k, w FROM notes WHERE {}", predicate(rng, "", false)),
        _ => "SELECT k, coalesce(g, '?') AS g, v % 7 AS m, date_trunc('day', ts) AS day, d FROM events".into(),
    }
}

/// Views of the stream alone, without a key: their rows lie in a log.
fn only_grows(rng: &mut StdRng) -> String {
    match rng.random_range(0..6) {
        0 => "SELECT * FROM events".into(),
        1 => format!("SELECT k, g, v, f, d, b, ts FROM events WHERE {}", predicate(rng, "", true)),
        2 => "SELECT k % 2 AS odd, g FROM events UNION ALL SELECT k, upper(g) FROM events WHERE b".into(),
        3 => format!(
            "SELECT a.k, a.v, b.g FROM events a JOIN events b ON a.k = b.k AND a.v < b.v WHERE {}",
            predicate(rng, "a.", true)
        ),
        4 => "SELECT k, f FROM events e WHERE EXISTS (SELECT 1 FROM events o WHERE o.k = e.k AND o.b)".into(),
        _ => "SELECT k, v, g FROM events UNION ALL SELECT v, NULL, coalesce(g, '?') FROM events WHERE k > 2".into(),
    }
}

fn aggregate_call(rng: &mut StdRng, events: bool) -> String {
    let of_events = [
        "count(*)",
        "count(v)",
        "sum(v)",
        "avg(v)",
        "min(v)",
        "max(v)",
        "sum(f)",
        "avg(f)",
        "min(f)",
        "max(f)",
        "sum(d)",
        "avg(d)",
        "min(d)",
        "max(d)",
        "min(ts)",
        "max(ts)",
        "min(g)",
        "max(g)",
        "count(DISTINCT v)",
        "count(DISTINCT g)",
        "sum(DISTINCT v)",
        "count(*) FILTER (WHERE b)",
        "sum(v) FILTER (WHERE f > 0)",
        "max(v) FILTER (WHERE g = 'a')",
        "count(DISTINCT k) FILTER (WHERE b)",
        "min(b::int)",
    ];
    let of_items = [
        "count(*)",
        "count(k)",
        "sum(k)",
        "avg(k)",
        "min(k)",
        "max(k)",
        "sum(f)",
        "avg(f)",
        "min(f)",
        "max(f)",
        "min(g)",
        "max(g)",
        "count(DISTINCT k)",
        "count(DISTINCT g)",
        "sum(DISTINCT k)",
        "count(*) FILTER (WHERE k > 2)",
        "max(f) FILTER (WHERE g IS NOT NULL)",
        "avg(DISTINCT k)",
    ];
    if events { pick(rng, &of_events) } else { pick(rng, &of_items) }.to_string()
}

fn aggregate(rng: &mut StdRng) -> String {
    let events = rng.random_bool(0.5);
    let relation = if events { "events" } else { "items" };
    let calls: Vec<String> =
        (0..rng.random_range(1..4)).map(|i| format!("{} AS a{i}", aggregate_call(rng, events))).collect();
    let filter = if rng.random_bool(0.4) { format!(" WHERE {}", predicate(rng, "", events)) } else { String::new() };
    let group = pick(rng, &["k", "g", "k, g", "", "k % 2", "coalesce(g, 'none')"]);
    if group.is_empty() {
        return format!("SELECT {} FROM {relation}{filter}", calls.join(", "));
    }
    let names: Vec<String> = group.split(", ").enumerate().map(|(i, e)| format!("{e} AS g{i}")).collect();
    // coalesce(g, 'none') has a comma of its own.
    let (columns, group) = if group.contains('(') {
        (format!("{group} AS g0"), group.to_string())
    } else {
        (names.join(", "), group.to_string())
    };
    let having = if rng.random_bool(0.2) { " HAVING count(*) > 1" } else { "" };
    format!("SELECT {columns}, {} FROM {relation}{filter} GROUP BY {group}{having}", calls.join(", "))
}

fn join(rng: &mut StdRng) -> String {
    let kind = pick(rng, &["JOIN", "LEFT JOIN", "LEFT JOIN"]);
    let residual =
        if rng.random_bool(0.3) { pick(rng, &[" AND b.w > 1", " AND a.g = b.g", " AND a.k + b.w > 3"]) } else { "" };
    match rng.random_range(0..7) {
        0 => format!("SELECT a.id, a.g, b.w FROM items a {kind} notes b ON a.k = b.k{residual}"),
        1 => format!("SELECT a.k, a.v, b.g AS bg, b.f FROM events a {kind} items b ON a.k = b.id"),
        2 => {
            format!("SELECT b.g, count(*) AS n, sum(a.v) AS s FROM events a {kind} items b ON a.k = b.id GROUP BY b.g")
        }
        3 => format!("SELECT a.id, b.id AS other FROM items a {kind} items b ON a.k = b.k AND a.id < b.id"),
        4 => format!("SELECT a.g, a.k, b.w, c.f FROM notes a {kind} notes b ON a.g = b.g {kind} items c ON c.id = b.w"),
        5 => format!(
            "SELECT a.k, a.g, b.w FROM items a {kind} notes b ON a.k = b.k AND a.g = b.g WHERE {}",
            predicate(rng, "a.", false)
        ),
        _ => format!(
            "SELECT b.id, b.g, sum(a.v) AS s, max(a.f) AS m FROM items b {kind} events a ON a.k = b.id GROUP BY b.id, b.g"
        ),
    }
}

fn distinct(rng: &mut StdRng) -> String {
    match rng.random_range(0..3) {
        0 => "SELECT DISTINCT k, g FROM events".into(),
        1 => format!("SELECT DISTINCT g FROM items WHERE {}", predicate(rng, "", false)),
        _ => "SELECT DISTINCT a.g, b.w FROM items a JOIN notes b ON a.k = b.k".into(),
    }
}

fn set_operation(rng: &mut StdRng) -> String {
    match rng.random_range(0..6) {
        0 => format!("SELECT k, g FROM events WHERE {} UNION ALL SELECT k, g FROM items", predicate(rng, "", true)),
        1 => "SELECT k, g FROM items UNION SELECT k, g FROM notes".into(),
        2 => format!("SELECT k, g FROM notes WHERE {} EXCEPT SELECT k, g FROM items", predicate(rng, "", false)),
        3 => "SELECT k, g FROM events INTERSECT SELECT k, g FROM items EXCEPT SELECT w, g FROM notes".into(),
        4 => format!("SELECT k, g FROM items INTERSECT SELECT k, g FROM notes WHERE {}", predicate(rng, "", false)),
        _ => "SELECT k, count(*) AS n FROM (SELECT k FROM items UNION ALL SELECT k FROM notes UNION ALL SELECT w AS k FROM notes) u GROUP BY k".into(),
    }
}

fn top_k(rng: &mut StdRng) -> String {
    let k = rng.random_range(1..4);
    let order = pick(rng, &["f DESC, id", "k, id DESC", "g DESC NULLS LAST, id", "f NULLS FIRST, id"]);
    match rng.random_range(0..4) {
        0 => format!(
            "SELECT * FROM (SELECT id, g, k, f, row_number() OVER (PARTITION BY g ORDER BY {order}) AS rank FROM items) t WHERE rank <= {k}"
        ),
        1 => format!(
            "SELECT id, g FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY {order}) AS r FROM items) t WHERE r <= {k}"
        ),
        2 => format!(
            "SELECT * FROM (SELECT id, f, row_number() OVER (ORDER BY {order}) AS rank FROM items) t WHERE rank < {}",
            k + 2
        ),
        _ => format!(
            "SELECT * FROM (SELECT g, k, n, row_number() OVER (PARTITION BY g ORDER BY n DESC, k) AS rank FROM (SELECT g, k, sum(v) AS n FROM events GROUP BY g, k) a) t WHERE rank <= {k}"
        ),
    }
}

fn order_by_limit(rng: &mut StdRng) -> String {
    let n = rng.random_range(1..6);
    match rng.random_range(0..3) {
        0 => format!("SELECT id, g, f FROM items ORDER BY f DESC, id LIMIT {n}"),
        1 => format!("SELECT k, g, w FROM notes ORDER BY w, k, g LIMIT {n}"),
        _ => format!("SELECT g, count(*) AS n FROM events GROUP BY g ORDER BY n DESC, g LIMIT {n} OFFSET 1"),
    }
}

fn subquery(rng: &mut StdRng) -> String {
    match rng.random_range(0..6) {
        0 => "SELECT id, g FROM items WHERE k IN (SELECT k FROM notes)".into(),
        1 => "SELECT id, g FROM items i WHERE EXISTS (SELECT 1 FROM notes n WHERE n.k = i.k AND n.w > 1)".into(),
        2 => "SELECT id, g FROM items i WHERE NOT EXISTS (SELECT 1 FROM notes n WHERE n.k = i.k)".into(),
        3 => "SELECT k, g, v FROM events e WHERE NOT EXISTS (SELECT 1 FROM items i WHERE i.id = e.k)".into(),
        4 => format!(
            "SELECT i.id, i.k FROM items i LEFT JOIN notes n ON n.k = i.k AND n.w > {} WHERE n.k IS NULL",
            rng.random_range(0..4)
        ),
        _ => "SELECT g, k FROM notes n WHERE w > (SELECT avg(id) FROM items)".into(),
    }
}

fn nested(rng: &mut StdRng) -> String {
    match rng.random_range(0..3) {
        0 => "SELECT n, count(*) AS groups FROM (SELECT k, count(*) AS n FROM events GROUP BY k) t GROUP BY n".into(),
        1 => format!(
            "WITH s AS (SELECT k, sum(v) AS s FROM events WHERE {} GROUP BY k) SELECT i.id, i.g, s.s FROM items i LEFT JOIN s ON s.k = i.k",
            predicate(rng, "", true)
        ),
        _ => {
            "SELECT g, max(n) AS m, min(n) AS l FROM (SELECT g, k, count(*) AS n FROM notes GROUP BY g, k) t GROUP BY g"
                .into()
        }
    }
}

fn over_view(rng: &mut StdRng, views: &[&str]) -> String {
    match views {
        [] => aggregate(rng),
        _ => {
            let view = pick(rng, views);
            if rng.random_bool(0.5) {
                format!("SELECT count(*) AS n FROM {view}")
            } else {
                format!("SELECT * FROM {view}")
            }
        }
    }
}
