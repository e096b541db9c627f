//! EXPLAIN of a lookup.

use super::{Access, Bound, Lookup, LookupCount, LookupObject, LookupValue};
use crate::layout::{index_layout, stored_key};
use attune_sql::catalog::{Catalog, Relation, RelationId};
use attune_storage::{ColumnType, KeyColumn};

/// EXPLAIN text of a lookup: what is read by which key, then the key columns with their values or bounds, the order in which
/// the rows come, and how many of them. `catalog` is the version the lookup was made for.
#[must_use]
pub fn explain_lookup(lookup: &Lookup, catalog: &Catalog) -> Vec<String> {
    let Some(relation) = catalog.get(RelationId(lookup.relation)) else {
        return vec![format!("Lookup on {}", lookup.name)];
    };
    let (index, key) = match lookup.object {
        LookupObject::Relation => (None, stored_key(relation)),
        LookupObject::Index(id) => match catalog.indexes().find(|index| index.id.0 == id) {
            Some(index) => (Some(index.name.as_str()), index_layout(relation, index).key),
            None => (None, Vec::new()),
        },
    };
    let using = index.map_or(String::new(), |name| format!(" using {name}"));
    let mut lines = vec![format!("{} on {}{using}", kind(&lookup.access), lookup.name)];
    let conditions = Shown { relation, key: &key, types: &lookup.key_types }.conditions(&lookup.access);
    if !conditions.is_empty() {
        lines.push(format!("  Key: {}", conditions.join(" AND ")));
    }
    if let Access::Range { prefix, reverse, .. } = &lookup.access {
        let rest = key.get(prefix.len()..).unwrap_or_default();
        let order: Vec<String> = rest.iter().filter_map(|part| ordered(relation, part, *reverse)).collect();
        if !order.is_empty() {
            lines.push(format!("  Order: {}", order.join(", ")));
        }
    }
    let count = |count: &LookupCount| match count {
        LookupCount::Constant(n) => n.to_string(),
        LookupCount::Parameter(n) => format!("${}", n + 1),
    };
    lines.extend(lookup.limit.as_ref().map(|limit| format!("  Limit: {}", count(limit))));
    lines.extend(lookup.offset.as_ref().map(|offset| format!("  Offset: {}", count(offset))));
    lines
}

fn kind(access: &Access) -> &'static str {
    match access {
        Access::Point(_) => "Point lookup",
        Access::Many(_) | Access::List(_) => "Many-point lookup",
        Access::Range { from: None, to: None, .. } => "Prefix lookup",
        Access::Range { .. } => "Range lookup",
    }
}

/// `n DESC`, with what is said of NULLs where it is not Postgres' default; `None` for a hidden column.
fn ordered(relation: &Relation, part: &KeyColumn, reverse: bool) -> Option<String> {
    let column = relation.columns.get(part.column).filter(|column| !column.hidden)?;
    let (descending, nulls_first) = (part.descending != reverse, part.nulls_first != reverse);
    let direction = if descending { " DESC" } else { "" };
    let nulls = match (descending, nulls_first) {
        (false, true) if column.nullable => " NULLS FIRST",
        (true, false) if column.nullable => " NULLS LAST",
        _ => "",
    };
    Some(format!("{}{direction}{nulls}", column.name))
}

/// What the conditions of a lookup are shown with.
struct Shown<'a> {
    relation: &'a Relation,
    key: &'a [KeyColumn],
    types: &'a [ColumnType],
}

impl Shown<'_> {
    fn conditions(&self, access: &Access) -> Vec<String> {
        match access {
            Access::Point(values) => self.equal(values),
            Access::Many(parameter) => vec![format!("{} = ANY (${})", self.name(0), parameter + 1)],
            Access::List(values) => {
                let values: Vec<String> = values.iter().map(|value| self.value(value, 0)).collect();
                vec![format!("{} IN ({})", self.name(0), values.join(", "))]
            }
            Access::Range { prefix, from, to, .. } => {
                let mut conditions = self.equal(prefix);
                let next = prefix.len();
                let descending = self.key.get(next).is_some_and(|part| part.descending);
                let (above, below) = if descending { ("<", ">") } else { (">", "<") };
                let mut bound = |bound: &Option<Bound>, sign: &str, place: usize| {
                    let Some(Bound { value, inclusive }) = bound else { return };
                    let or_equal = if *inclusive { "=" } else { "" };
                    conditions.push(format!("{} {sign}{or_equal} {}", self.name(next), self.value(value, place)));
                };
                bound(from, above, next);
                bound(to, below, next + usize::from(from.is_some()));
                conditions
            }
        }
    }

    fn equal(&self, values: &[LookupValue]) -> Vec<String> {
        let one = |(place, value)| format!("{} = {}", self.name(place), self.value(value, place));
        values.iter().enumerate().map(one).collect()
    }

    fn name(&self, place: usize) -> &str {
        let column = self.key.get(place).and_then(|part| self.relation.columns.get(part.column));
        column.map_or("?", |column| column.name.as_str())
    }

    /// A value as it would be written; `place` is the one of its type.
    fn value(&self, value: &LookupValue, place: usize) -> String {
        match value {
            LookupValue::Parameter(n) => format!("${}", n + 1),
            LookupValue::Constant(None) => "NULL".to_owned(),
            LookupValue::Constant(Some(text)) => match self.types.get(place) {
                Some(
                    ColumnType::Int16
                    | ColumnType::Int32
                    | ColumnType::Int64
                    | ColumnType::UInt64
                    | ColumnType::Decimal { .. },
                ) => text.clone(),
                _ => format!("'{}'", text.replace('\'', "''")),
            },
        }
    }
}
