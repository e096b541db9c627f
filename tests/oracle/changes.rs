//! Random changes: what one epoch does to the relations of [`super::queries::SCHEMA`].

use rand::RngExt;
use rand::rngs::StdRng;

/// Which keys may exist, so that updates and deletes hit something and inserts seldom collide.
#[derive(Default)]
pub struct Changes {
    items: Vec<i64>,
    next_item: i64,
}

impl Changes {
    /// Statements of one epoch: one alone, or several in a transaction.
    pub fn epoch(&mut self, rng: &mut StdRng) -> String {
        let n = if rng.random_bool(0.5) { 1 } else { rng.random_range(2..5) };
        let statements: Vec<String> = (0..n).map(|_| self.statement(rng)).collect();
        if n == 1 { statements.concat() } else { format!("BEGIN; {}; COMMIT", statements.join("; ")) }
    }

    fn statement(&mut self, rng: &mut StdRng) -> String {
        match rng.random_range(0..10) {
            0..4 => insert("events (k, g, v, f, d, b, ts)", rng, 6, event),
            4 | 5 => self.insert_items(rng),
            6 => insert("notes (k, g, w)", rng, 4, |r| format!("({}, {}, {})", int(r, 6), text(r), int(r, 5))),
            7 => self.update(rng),
            8 => self.delete(rng),
            _ => match rng.random_range(0..3) {
                0 => format!("DELETE FROM notes WHERE w = {}", int(rng, 5)),
                1 => format!("UPDATE notes SET w = {} WHERE k = {}", int(rng, 5), int(rng, 6)),
                _ => format!("UPDATE notes SET k = {}, g = {} WHERE w = {}", int(rng, 6), text(rng), int(rng, 5)),
            },
        }
    }

    fn insert_items(&mut self, rng: &mut StdRng) -> String {
        let rows: Vec<String> = (0..rng.random_range(1..5))
            .map(|_| {
                self.next_item += 1;
                self.items.push(self.next_item);
                format!("({}, {}, {}, {})", self.next_item, text(rng), int(rng, 6), float(rng))
            })
            .collect();
        format!("INSERT INTO items (id, g, k, f) VALUES {}", rows.join(", "))
    }

    fn update(&mut self, rng: &mut StdRng) -> String {
        let Some(id) = self.any(rng) else { return self.insert_items(rng) };
        match rng.random_range(0..4) {
            0 => format!("UPDATE items SET g = {} WHERE id = {id}", text(rng)),
            1 => format!("UPDATE items SET k = {}, f = {} WHERE id <= {id}", int(rng, 6), float(rng)),
            2 => format!("UPDATE items SET k = k WHERE id > {id}"),
            _ => format!(
                "INSERT INTO items (id, g, k, f) VALUES ({id}, {}, {}, {}) ON CONFLICT (id) DO UPDATE SET g = excluded.g, k = excluded.k",
                text(rng),
                int(rng, 6),
                float(rng)
            ),
        }
    }

    fn delete(&mut self, rng: &mut StdRng) -> String {
        match self.any(rng) {
            Some(id) if rng.random_bool(0.8) => {
                self.items.retain(|i| *i != id);
                format!("DELETE FROM items WHERE id = {id}")
            }
            Some(_) => format!("DELETE FROM items WHERE k = {}", int(rng, 6)),
            None => self.insert_items(rng),
        }
    }

    fn any(&self, rng: &mut StdRng) -> Option<i64> {
        (!self.items.is_empty()).then(|| self.items[rng.random_range(0..self.items.len())])
    }
}

fn insert(target: &str, rng: &mut StdRng, most: usize, row: impl Fn(&mut StdRng) -> String) -> String {
    let rows: Vec<String> = (0..rng.random_range(1..=most)).map(|_| row(rng)).collect();
    format!("INSERT INTO {target} VALUES {}", rows.join(", "))
}

fn event(rng: &mut StdRng) -> String {
    let boolean = null(rng, |r| if r.random_bool(0.5) { "true" } else { "false" }.into());
    let time = null(rng, |r| format!("'2024-03-{:02} {:02}:00:00'", r.random_range(1..15), r.random_range(0..24)));
    let decimal = null(rng, |r| format!("{}.{:02}", r.random_range(-20..20), r.random_range(0..100)));
    format!("({}, {}, {}, {}, {decimal}, {boolean}, {time})", int(rng, 6), text(rng), int(rng, 50), float(rng))
}

/// A small integer or NULL.
fn int(rng: &mut StdRng, below: i64) -> String {
    null(rng, |r| r.random_range(0..below).to_string())
}

fn text(rng: &mut StdRng) -> String {
    null(rng, |r| ["'a'", "'b'", "'c'", "''", "'ä b'"][r.random_range(0..5)].into())
}

fn float(rng: &mut StdRng) -> String {
    null(rng, |r| match r.random_range(0..40) {
        0 => "'NaN'".into(),
        1 => "'Infinity'".into(),
        2 => "'-Infinity'".into(),
        _ => format!("{:.3}", r.random_range(-100.0..100.0f64)),
    })
}

fn null(rng: &mut StdRng, value: impl FnOnce(&mut StdRng) -> String) -> String {
    if rng.random_bool(0.12) { "NULL".into() } else { value(rng) }
}
