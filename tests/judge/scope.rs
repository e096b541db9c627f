//! Which columns an expression may read, and what is known of their values.

use super::types::Ty;

/// A relation, a view or a subquery as FROM may name it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<Col>,
}

/// A column that can be read at some place.
#[derive(Clone, Debug)]
pub struct Col {
    /// None: merged by USING, and of no relation.
    pub alias: Option<String>,
    pub name: String,
    pub ty: Ty,
    /// The largest absolute value; infinite for columns with extremes.
    pub magnitude: f64,
    /// NaN and infinities occur.
    pub special: bool,
    /// Both systems give the same text: it may be compared, grouped and ordered by.
    pub exact: bool,
    /// The text of an aggregate or of a grouped expression, which stands for the column.
    pub sql: Option<String>,
    /// Merged into another column: not to be named without its relation.
    pub hidden: bool,
    /// Must not be read. Its name still hides those outside.
    pub dead: bool,
}

impl Col {
    pub fn new(name: &str, ty: Ty, magnitude: f64) -> Col {
        Col {
            alias: None,
            name: name.to_owned(),
            ty,
            magnitude,
            special: false,
            exact: true,
            sql: None,
            hidden: false,
            dead: false,
        }
    }

    /// The same as a column of the relation `alias`.
    pub fn of(&self, alias: &str) -> Col {
        Col { alias: Some(alias.to_owned()), sql: None, hidden: false, dead: false, ..self.clone() }
    }

    /// Computed with, it does not overflow.
    pub fn is_finite(&self) -> bool {
        self.magnitude.is_finite() && !self.special
    }

    /// `alias.name`, or the text that stands for it.
    pub fn qualified(&self) -> String {
        match (&self.sql, &self.alias) {
            (Some(sql), _) => sql.clone(),
            (None, Some(alias)) => format!("{alias}.{}", self.name),
            (None, None) => self.name.clone(),
        }
    }
}

/// Columns by level: those of the innermost query come last.
pub type Scope = [Vec<Col>];

/// What subqueries see: columns, not what stands for them.
pub fn for_subqueries(scope: &Scope) -> Vec<Vec<Col>> {
    scope.iter().map(|level| level.iter().filter(|col| col.sql.is_none()).cloned().collect()).collect()
}

/// Only the innermost level: an aggregate of outer columns would be one of the outer query.
pub fn innermost(scope: &Scope) -> Vec<Vec<Col>> {
    let last = scope.len() - 1;
    scope.iter().enumerate().map(|(at, level)| if at == last { level.clone() } else { Vec::new() }).collect()
}

/// With one more level.
pub fn within(outer: &Scope, level: Vec<Col>) -> Vec<Vec<Col>> {
    let mut scope = outer.to_vec();
    scope.push(level);
    scope
}

pub fn aliases(scope: &Scope) -> Vec<String> {
    scope.iter().flatten().filter_map(|col| col.alias.clone()).collect()
}
