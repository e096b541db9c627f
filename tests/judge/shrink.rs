//! Makes a statement that differs smaller, as long as it still does.

use super::compare::Kind;
use super::queries::Query;
use super::report::{Verdict, judge};
use super::system::{Outcome, ask};
use super::types::Ty;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// Statements that are tried.
const TRIES: usize = 250;
/// Some take seconds.
const TIME: Duration = Duration::from_secs(15);

/// Where a statement is tried.
pub struct Court<'a> {
    pub attune: &'a Client,
    pub postgres: &'a Client,
    /// As a view, made for this.
    pub view: bool,
}

/// In which way answers differ: a smaller statement must differ in the same.
#[derive(PartialEq, Eq, Debug)]
pub enum Way {
    Rows,
    OnlyPostgresFails,
    /// With this code, and a message that begins so.
    AttuneFails(String),
}

impl Way {
    pub fn of(attune: &Outcome, postgres: &Outcome) -> Way {
        match (attune, postgres) {
            (Outcome::Error { code, message }, _) => {
                let words: Vec<&str> = message.split(' ').take(3).collect();
                Way::AttuneFails(format!("{code} {}", words.join(" ")))
            }
            (_, Outcome::Error { .. }) => Way::OnlyPostgresFails,
            _ => Way::Rows,
        }
    }
}

/// What a search may still take.
struct Left {
    tries: usize,
    until: Instant,
}

impl Left {
    fn take(&mut self) -> Option<()> {
        self.tries = self.tries.checked_sub(1)?;
        (Instant::now() < self.until).then_some(())
    }
}

impl Court<'_> {
    /// The smallest statement that was found, which may be `query` itself.
    pub async fn smallest(&self, query: &Query, way: &Way) -> String {
        if !self.differs(&query.sql(), way).await {
            return query.sql();
        }
        let mut left = Left { tries: TRIES, until: Instant::now() + TIME };
        let mut parts = query.clone();
        while let Some(smaller) = self.first_part(&parts, way, &mut left).await {
            parts = smaller;
        }
        let mut sql = parts.sql();
        while let Some(smaller) = self.first_text(&sql, way, &mut left).await {
            sql = smaller;
        }
        sql
    }

    async fn first_part(&self, query: &Query, way: &Way, left: &mut Left) -> Option<Query> {
        for candidate in smaller_parts(query) {
            left.take()?;
            if self.differs(&candidate.sql(), way).await {
                return Some(candidate);
            }
        }
        None
    }

    async fn first_text(&self, sql: &str, way: &Way, left: &mut Left) -> Option<String> {
        for candidate in smaller_texts(sql) {
            left.take()?;
            if self.differs(&candidate, way).await {
                return Some(candidate);
            }
        }
        None
    }

    async fn differs(&self, sql: &str, way: &Way) -> bool {
        let postgres = ask(self.postgres, sql).await;
        if postgres.code().is_some() && *way != Way::OnlyPostgresFails {
            return false;
        }
        let attune = if self.view { self.as_view(sql).await } else { Some(ask(self.attune, sql).await) };
        let Some(attune) = attune else { return false };
        let kinds = match self.postgres.prepare(sql).await {
            // What is left of a query may be exact no more.
            Ok(statement) => statement
                .columns()
                .iter()
                .map(|column| Kind { ty: Ty::by_oid(column.type_().oid()).unwrap_or(Ty::Text), exact: false })
                .collect(),
            Err(_) => Vec::new(),
        };
        let differs = matches!(judge(sql, &attune, &postgres, &kinds, false), Verdict::Differs(_));
        differs && Way::of(&attune, &postgres) == *way
    }

    /// None: it cannot be made.
    async fn as_view(&self, sql: &str) -> Option<Outcome> {
        let create = format!("CREATE MATERIALIZED VIEW judge_probe AS {sql}");
        self.attune.batch_execute(&create).await.ok()?;
        let outcome = ask(self.attune, "SELECT * FROM judge_probe").await;
        let _ = self.attune.batch_execute("DROP MATERIALIZED VIEW judge_probe").await;
        Some(outcome)
    }
}

/// The query without one of its parts.
fn smaller_parts(query: &Query) -> Vec<Query> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Query)| {
        let mut smaller = query.clone();
        change(&mut smaller);
        if smaller.sql() != query.sql() {
            found.push(smaller);
        }
    };
    with(&|q| q.with = None);
    with(&|q| q.others.clear());
    with(&|q| {
        if let Some((_, select)) = q.others.pop() {
            q.first = select;
            q.others.clear();
        }
    });
    with(&|q| {
        q.order.clear();
        (q.limit, q.offset) = (None, None);
    });
    with(&|q| q.offset = None);
    with(&|q| (q.limit, q.offset) = (None, None));
    with(&|q| q.first.having = None);
    with(&|q| q.first.group.clear());
    with(&|q| q.first.distinct = false);
    with(&|q| {
        q.first.distinct_on.clear();
        q.first.order.clear();
    });
    for at in 0..query.first.conditions.len() {
        with(&|q| drop(q.first.conditions.remove(at)));
    }
    for at in 0..query.first.from.len() {
        with(&|q| drop(q.first.from.remove(at)));
    }
    for at in 0..query.first.group.len() {
        with(&|q| drop(q.first.group.remove(at)));
    }
    // The order names items by their place: with a LIMIT it must stay, and so must they.
    if query.first.items.len() > 1 && query.limit.is_none() && query.others.is_empty() {
        for at in 0..query.first.items.len() {
            with(&|q| {
                q.order.clear();
                q.first.items.remove(at);
            });
        }
    }
    found
}

/// The text with something in parentheses replaced by NULL, or by what is in parentheses in it.
fn smaller_texts(sql: &str) -> Vec<String> {
    let groups = groups(sql);
    let mut found = Vec::new();
    let mut by_length = groups.clone();
    by_length.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
    for (from, to) in by_length {
        let mut replace = |with: &str| {
            if with.len() < to - from {
                found.push(format!("{}{with}{}", &sql[..from], &sql[to..]));
            }
        };
        replace("NULL");
        for (a, b) in groups.iter().filter(|(a, b)| *a > from && *b < to) {
            replace(&sql[*a..*b]);
        }
    }
    found
}

/// Beginnings and ends of what is in parentheses, outside of literals.
fn groups(sql: &str) -> Vec<(usize, usize)> {
    let (mut open, mut found, mut literal) = (Vec::new(), Vec::new(), false);
    for (at, c) in sql.char_indices() {
        match c {
            '\'' => literal = !literal,
            '(' if !literal => open.push(at),
            ')' if !literal => found.extend(open.pop().map(|from| (from, at + 1))),
            _ => {}
        }
    }
    found
}

#[test]
fn texts_get_smaller() {
    let found = smaller_texts("SELECT (a + (b * ')'))");
    assert_eq!(found, ["SELECT NULL", "SELECT (b * ')')", "SELECT (a + NULL)"]);
}
