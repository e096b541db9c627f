//! Queries as parts that can be taken out one by one; see [`super::shrink`].

use super::scope::Col;

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Name and query of a CTE.
    pub with: Option<(String, String)>,
    pub first: Select,
    /// Set operator and what follows it.
    pub others: Vec<(&'static str, Select)>,
    pub order: Vec<String>,
    pub limit: Option<u32>,
    pub offset: Option<u32>,
    /// The result; empty where only the database knows (`*` over merged columns).
    pub columns: Vec<Col>,
    /// Rows that are equal by the order are the same: the answers must agree in order.
    pub ordered: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Select {
    pub distinct: bool,
    pub distinct_on: Vec<String>,
    pub items: Vec<Item>,
    pub from: Vec<String>,
    pub conditions: Vec<String>,
    pub group: Vec<String>,
    pub having: Option<String>,
    /// Only with DISTINCT ON.
    pub order: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Item {
    pub sql: String,
    pub name: Option<String>,
}

impl Query {
    pub fn sql(&self) -> String {
        let mut sql = match &self.with {
            Some((name, query)) => format!("WITH {name} AS ({query}) "),
            None => String::new(),
        };
        if self.others.is_empty() {
            sql.push_str(&self.first.sql());
        } else {
            sql.push_str(&self.first.operand());
            for (operator, select) in &self.others {
                sql.push_str(&format!(" {operator} {}", select.operand()));
            }
        }
        list(&mut sql, " ORDER BY ", &self.order, ", ");
        if let Some(limit) = self.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        if let Some(offset) = self.offset {
            sql.push_str(&format!(" OFFSET {offset}"));
        }
        sql
    }
}

impl Select {
    pub fn sql(&self) -> String {
        let mut sql = "SELECT ".to_owned();
        if self.distinct {
            sql.push_str("DISTINCT ");
        }
        if !self.distinct_on.is_empty() {
            sql.push_str(&format!("DISTINCT ON ({}) ", self.distinct_on.join(", ")));
        }
        let items: Vec<String> = self.items.iter().map(Item::sql).collect();
        sql.push_str(&items.join(", "));
        list(&mut sql, " FROM ", &self.from, ", ");
        list(&mut sql, " WHERE ", &self.conditions, " AND ");
        list(&mut sql, " GROUP BY ", &self.group, ", ");
        if let Some(having) = &self.having {
            sql.push_str(&format!(" HAVING {having}"));
        }
        list(&mut sql, " ORDER BY ", &self.order, ", ");
        sql
    }

    /// As an operand of a set operation.
    fn operand(&self) -> String {
        if self.order.is_empty() { self.sql() } else { format!("({})", self.sql()) }
    }
}

impl Item {
    fn sql(&self) -> String {
        match &self.name {
            Some(name) => format!("{} AS {name}", self.sql),
            None => self.sql.clone(),
        }
    }
}

fn list(sql: &mut String, keyword: &str, parts: &[String], between: &str) {
    if !parts.is_empty() {
        sql.push_str(keyword);
        sql.push_str(&parts.join(between));
    }
}
