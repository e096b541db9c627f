//! Which entries answer a read: those of the relation, or of an index.

use super::read::{Condition, Order, Read};
use super::{Access, Bound, Lookup, LookupObject, LookupValue};
use crate::layout::{index_layout, is_keyless, stored_key};
use crate::types::stored_type;
use attune_sql::catalog::Catalog;
use attune_storage::{ColumnType, KeyColumn};

/// The conditions of a read, one per column.
#[derive(Default)]
struct Wanted {
    equal: Vec<(usize, LookupValue)>,
    /// A range on one column.
    range: Option<Range>,
}

struct Range {
    column: usize,
    above: Option<Bound>,
    below: Option<Bound>,
}

/// The best way to answer a read: the full key; else the relation's own entries; else those of an index that stores all
/// columns. `None` if none has the rows together and in order.
pub(super) fn choose(read: &Read, names: &[String], catalog: &Catalog) -> Option<Lookup> {
    let of = |object, access, key_types, output| Lookup {
        relation: read.relation.id.0,
        name: read.relation.name.clone(),
        object,
        access,
        output,
        names: names.to_vec(),
        key_types,
        limit: read.limit,
        offset: read.offset,
        catalog_version: catalog.version(),
    };
    let key = stored_key(&read.relation);
    let unique = !is_keyless(&read.relation);
    if let Some((access, types)) = several(read, &key, unique) {
        return Some(of(LookupObject::Relation, access, types, read.columns.clone()));
    }
    let wanted = wanted(read)?;
    // Rows in a log cannot be read by key, only through indexes.
    if !read.relation.in_log
        && let Some((access, types)) = access(read, &wanted, &key, unique, true)
    {
        return Some(of(LookupObject::Relation, access, types, read.columns.clone()));
    }
    // An index that is still being built lacks entries.
    catalog.indexes_of(read.relation.id).filter(|index| index.ready).find_map(|index| {
        let layout = index_layout(&read.relation, index);
        let place = |column: &usize| layout.stored.iter().position(|stored| stored == column);
        let output = read.columns.iter().map(place).collect::<Option<Vec<_>>>()?;
        let (access, types) = access(read, &wanted, &layout.key, unique, false)?;
        Some(of(LookupObject::Index(index.id.0), access, types, output))
    })
}

/// Several values of a single-column key. Their rows come in no order, so there can be no ORDER BY and no LIMIT.
fn several(read: &Read, key: &[KeyColumn], unique: bool) -> Option<(Access, Vec<ColumnType>)> {
    let ([key], [condition], true) = (key, &read.conditions[..], unique) else { return None };
    if !read.order.is_empty() || read.limit.is_some() || read.offset.is_some() {
        return None;
    }
    let types = vec![key_type(read, key.column)?];
    match condition {
        Condition::Any(column, parameter) if *column == key.column => Some((Access::Many(*parameter), types)),
        Condition::In(column, values) if *column == key.column => Some((Access::List(values.clone()), types)),
        _ => None,
    }
}

/// The conditions by kind; `None` if two are about the same thing, or of a kind that no range answers.
fn wanted(read: &Read) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    for condition in &read.conditions {
        match condition {
            Condition::Equal(column, value) => {
                if wanted.equal.iter().any(|(c, _)| c == column) {
                    return None;
                }
                wanted.equal.push((*column, value.clone()));
            }
            Condition::Above(column, value, inclusive) => {
                let range = range(&mut wanted, *column)?;
                let old = range.above.replace(Bound { value: value.clone(), inclusive: *inclusive });
                old.is_none().then_some(())?;
            }
            Condition::Below(column, value, inclusive) => {
                let range = range(&mut wanted, *column)?;
                let old = range.below.replace(Bound { value: value.clone(), inclusive: *inclusive });
                old.is_none().then_some(())?;
            }
            Condition::Any(..) | Condition::In(..) => return None,
        }
    }
    Some(wanted)
}

/// The one range of a read.
fn range(wanted: &mut Wanted, column: usize) -> Option<&mut Range> {
    let range = wanted.range.get_or_insert(Range { column, above: None, below: None });
    (range.column == column).then_some(range)
}

/// How entries with this key answer the read.
fn access(
    read: &Read,
    wanted: &Wanted,
    key: &[KeyColumn],
    unique: bool,
    of_relation: bool,
) -> Option<(Access, Vec<ColumnType>)> {
    let mut prefix = Vec::new();
    let mut types = Vec::new();
    for part in key {
        let Some((_, value)) = wanted.equal.iter().find(|(column, _)| *column == part.column) else { break };
        prefix.push(value.clone());
        types.push(key_type(read, part.column)?);
    }
    let bound = prefix.len();
    if bound != wanted.equal.len() || bound < key.len().min(1) {
        return None;
    }
    if bound == key.len() && wanted.range.is_none() && of_relation && unique {
        return Some((Access::Point(prefix), types));
    }
    let (from, to) = match &wanted.range {
        Some(range) => bounds(read, range, key.get(bound)?)?,
        None => (None, None),
    };
    let reverse = direction(read, wanted, &key[bound..], unique)?;
    if let Some(part) = key.get(bound) {
        let ends = usize::from(from.is_some()) + usize::from(to.is_some());
        if ends > 0 {
            types.extend(vec![key_type(read, part.column)?; ends]);
        }
    }
    Some((Access::Range { prefix, from, to, reverse }, types))
}

/// The type of a key column. Equal values have equal bytes, floats too: the key codec writes -0 as 0 and every NaN as one, behind
/// all numbers, which is how Postgres compares them.
fn key_type(read: &Read, column: usize) -> Option<ColumnType> {
    Some(stored_type(read.relation.columns.get(column)?.sql_type))
}

/// The bounds in the order of the key. An open end must not reach the NULLs, for which no comparison is true.
fn bounds(read: &Read, range: &Range, part: &KeyColumn) -> Option<(Option<Bound>, Option<Bound>)> {
    if part.column != range.column {
        return None;
    }
    let (from, to) = match part.descending {
        false => (range.above.clone(), range.below.clone()),
        true => (range.below.clone(), range.above.clone()),
    };
    let open_to_nulls = if part.nulls_first { from.is_none() } else { to.is_none() };
    let nullable = read.relation.columns.get(part.column)?.nullable;
    (!(open_to_nulls && nullable)).then_some((from, to))
}

/// Whether entries must be read backwards to be in the order that is asked for; `None` if they are in neither order. `rest`
/// is the key behind the columns that are fixed.
fn direction(read: &Read, wanted: &Wanted, rest: &[KeyColumn], unique: bool) -> Option<bool> {
    let mut order: Vec<Order> = Vec::new();
    for by in &read.order {
        let fixed = wanted.equal.iter().any(|(column, _)| *column == by.column);
        if !fixed && !order.iter().any(|o| o.column == by.column) {
            order.push(*by);
        }
    }
    // Behind a whole unique key there is nothing left to order.
    if unique && order.len() > rest.len() {
        order.truncate(rest.len());
    }
    if order.len() > rest.len() {
        return None;
    }
    let nullable = |column: usize| read.relation.columns.get(column).is_none_or(|c| c.nullable);
    let as_stored = |reverse: bool| {
        order.iter().zip(rest).all(|(by, part)| {
            by.column == part.column
                && by.descending == (part.descending != reverse)
                && (!nullable(by.column) || by.nulls_first == (part.nulls_first != reverse))
        })
    };
    [false, true].into_iter().find(|reverse| as_stored(*reverse))
}
