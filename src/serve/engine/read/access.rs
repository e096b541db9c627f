//! Which keys a scan has to read: filters turned into points and ranges of the primary key or of a covering index.
//!
//! The result may cover more rows than the filters let through (they are evaluated again above the scan), never fewer.

use arrow::array::Array;
use attune_storage::codec::{KeyCodec, Value};
use attune_storage::{ColumnType, KeyColumn, KeyRange, ObjectId, TableLayout};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use std::collections::BTreeMap;

/// Most key prefixes that IN lists may multiply to before the scan reads more than it needs instead.
const MAX_PREFIXES: usize = 16_384;

/// The keys to read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Keys {
    /// Single rows by full unique key.
    Points(Vec<Vec<u8>>),
    /// Ranges, ascending and disjoint.
    Ranges(Vec<KeyRange>),
    /// All rows, which have no keys: they are in the log of the relation.
    Log,
}

/// Where and what to read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// The relation's own object or that of an index.
    pub(super) object: ObjectId,
    /// Number of the index in the layout.
    pub(super) index: Option<usize>,
    /// The keys.
    pub(super) keys: Keys,
}

/// What filters say about one column.
#[derive(Clone, Debug, Default)]
struct Constraint {
    values: Option<Vec<ScalarValue>>,
    low: Option<(ScalarValue, bool)>,
    high: Option<(ScalarValue, bool)>,
}

type Constraints = BTreeMap<usize, Constraint>;

impl Access {
    /// The best access for these filters. An index is used only when it holds all `needed` columns and is `usable`.
    pub(super) fn choose(
        layout: &TableLayout,
        names: &[String],
        filters: &[Expr],
        needed: &[usize],
        usable: &dyn Fn(ObjectId) -> bool,
    ) -> Access {
        let constraints = constraints(layout, names, filters);
        let unique = !layout.keyless;
        let mut best = Candidate::new(layout, &layout.key, layout.distribution, &constraints).map(|c| (c, None));
        for (number, index) in layout.indexes.iter().enumerate().filter(|(_, index)| usable(index.object)) {
            if needed.iter().all(|c| index.stored.contains(c))
                && let Some(found) = Candidate::new(layout, &index.key, index.distribution, &constraints)
                && best.as_ref().is_none_or(|(c, _)| found.score() > c.score())
            {
                best = Some((found, Some(number)));
            }
        }
        let Some((candidate, index)) = best else {
            let all = if layout.in_log { Keys::Log } else { Keys::Ranges(vec![KeyRange::all()]) };
            return Access { object: layout.object, index: None, keys: all };
        };
        match index {
            Some(number) => Access {
                object: layout.indexes[number].object,
                index,
                keys: candidate.keys(&layout.indexes[number].key_codec(layout), false),
            },
            None => Access { object: layout.object, index: None, keys: candidate.keys(&layout.key_codec(), unique) },
        }
    }
}

/// A key whose leading columns are constrained.
struct Candidate {
    key_columns: usize,
    prefixes: Vec<Vec<ScalarValue>>,
    equal: usize,
    descending: bool,
    range: Option<Constraint>,
}

impl Candidate {
    fn new(
        layout: &TableLayout,
        key: &[KeyColumn],
        distribution: usize,
        constraints: &Constraints,
    ) -> Option<Candidate> {
        if key.iter().any(|k| k.column >= layout.columns.len()) {
            return None;
        }
        let mut prefixes = vec![Vec::new()];
        let mut equal = 0;
        for part in key {
            let Some(values) = constraints.get(&part.column).and_then(|c| c.values.as_ref()) else { break };
            if prefixes.len().saturating_mul(values.len()) > MAX_PREFIXES {
                break;
            }
            prefixes = prefixes
                .iter()
                .flat_map(|prefix: &Vec<ScalarValue>| {
                    values.iter().map(|v| [prefix.as_slice(), std::slice::from_ref(v)].concat())
                })
                .collect();
            equal += 1;
        }
        let range =
            key.get(equal).and_then(|k| constraints.get(&k.column)).filter(|c| c.low.is_some() || c.high.is_some());
        if equal < distribution || (equal == 0 && range.is_none()) {
            return None;
        }
        let descending = key.get(equal).is_some_and(|k| k.descending);
        Some(Candidate { key_columns: key.len(), prefixes, equal, descending, range: range.cloned() })
    }

    fn score(&self) -> (usize, bool) {
        (self.equal, self.range.is_some())
    }

    fn keys(&self, codec: &KeyCodec, unique: bool) -> Keys {
        if unique && self.equal == self.key_columns {
            let mut keys: Vec<_> = self.prefixes.iter().filter_map(|p| encode(codec, p)).collect();
            keys.sort_unstable();
            keys.dedup();
            return Keys::Points(keys);
        }
        let mut ranges: Vec<_> = self.prefixes.iter().filter_map(|p| self.range(codec, p)).collect();
        ranges.sort_unstable_by(|a, b| a.from.cmp(&b.from));
        ranges.dedup();
        Keys::Ranges(ranges)
    }

    /// The keys with this prefix whose next column lies between the bounds (in the order of the key).
    fn range(&self, codec: &KeyCodec, prefix: &[ScalarValue]) -> Option<KeyRange> {
        let mut range = KeyRange::prefix(&encode(codec, prefix)?);
        let Some(constraint) = &self.range else { return Some(range) };
        let (first, last) = match self.descending {
            false => (&constraint.low, &constraint.high),
            true => (&constraint.high, &constraint.low),
        };
        let bound = |value: &ScalarValue| encode(codec, &[prefix, std::slice::from_ref(value)].concat());
        if let Some((value, inclusive)) = first {
            let key = bound(value)?;
            match inclusive {
                true => range.from = key,
                false => range.from = KeyRange::prefix(&key).to?,
            }
        }
        if let Some((value, inclusive)) = last {
            let key = bound(value)?;
            range.to = match inclusive {
                true => KeyRange::prefix(&key).to,
                false => Some(key),
            };
        }
        Some(range)
    }
}

/// The bytes of a key or of a prefix of it. `None` cannot happen for constraints of the right type; it means no rows.
fn encode(codec: &KeyCodec, values: &[ScalarValue]) -> Option<Vec<u8>> {
    let arrays: Vec<_> = values.iter().map(|v| v.to_array()).collect::<Result<_, _>>().ok()?;
    let values: Vec<_> = arrays.iter().map(|a| Value::from_array(a.as_ref(), 0)).collect::<Result<_, _>>().ok()?;
    let mut key = Vec::new();
    codec.encode_values(&values, &mut key).ok()?;
    Some(key)
}

fn constraints(layout: &TableLayout, names: &[String], filters: &[Expr]) -> Constraints {
    let mut found = Constraints::new();
    let columns = Columns { layout, names };
    for filter in filters.iter().flat_map(split_conjunction) {
        columns.add(filter, &mut found);
    }
    found
}

/// Resolves columns of filters to columns of the relation.
struct Columns<'a> {
    layout: &'a TableLayout,
    names: &'a [String],
}

impl Columns<'_> {
    fn column(&self, expr: &Expr) -> Option<(usize, ColumnType)> {
        let Expr::Column(column) = expr else { return None };
        let index = self.names.iter().position(|n| *n == column.name)?;
        Some((index, *self.layout.columns.get(index)?))
    }

    /// A constant that has exactly the column's type.
    fn value(expr: &Expr, column: ColumnType) -> Option<ScalarValue> {
        match expr {
            Expr::Literal(value, _) if value.data_type() == column.to_arrow() => Some(value.clone()),
            _ => None,
        }
    }

    fn add(&self, filter: &Expr, found: &mut Constraints) {
        if let Some((column, values)) = self.any_of(filter) {
            // NULL is equal to nothing.
            let values: Vec<_> = values.into_iter().filter(|v| !v.is_null()).collect();
            found.entry(column).or_default().values.get_or_insert(values);
            return;
        }
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (column, op, value) = match (self.column(left), self.column(right)) {
                    (Some(column), _) => (column, *op, right),
                    (None, Some(column)) => match op.swap() {
                        Some(op) => (column, op, left),
                        None => return,
                    },
                    _ => return,
                };
                if let Some(value) = Self::value(value, column.1).filter(|v| !v.is_null()) {
                    add_bound(found.entry(column.0).or_default(), op, value);
                }
            }
            Expr::Between(Between { expr, negated: false, low, high }) => {
                let Some((index, column)) = self.column(expr) else { return };
                for (op, bound) in [(Operator::GtEq, low), (Operator::LtEq, high)] {
                    if let Some(value) = Self::value(bound, column).filter(|v| !v.is_null()) {
                        add_bound(found.entry(index).or_default(), op, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// `column = value`, `column IN (values)`, the same written with OR, or `column = ANY (array)`.
    fn any_of(&self, filter: &Expr) -> Option<(usize, Vec<ScalarValue>)> {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                let ((index, column), value) = match (self.column(left), self.column(right)) {
                    (Some(column), None) => (column, right),
                    (None, Some(column)) => (column, left),
                    _ => return None,
                };
                Some((index, vec![Self::value(value, column)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let (index, mut values) = self.any_of(left)?;
                let (other, more) = self.any_of(right)?;
                values.extend(more);
                (index == other).then_some((index, values))
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                let (index, column) = self.column(expr)?;
                let values = list.iter().map(|e| Self::value(e, column)).collect::<Option<_>>()?;
                Some((index, values))
            }
            Expr::ScalarFunction(call) if call.name() == "array_has" => {
                let [Expr::Literal(list, _), column] = call.args.as_slice() else { return None };
                let (index, column) = self.column(column)?;
                Some((index, elements(list, column)?))
            }
            _ => None,
        }
    }
}

fn elements(list: &ScalarValue, column: ColumnType) -> Option<Vec<ScalarValue>> {
    let ScalarValue::List(list) = list else { return None };
    let values = list.values();
    if list.len() != 1 || *values.data_type() != column.to_arrow() {
        return None;
    }
    let elements = list.value(0);
    (0..elements.len()).map(|i| ScalarValue::try_from_array(&elements, i).ok()).collect()
}

/// Adds one bound. A second bound on the same side is left to the filter above the scan.
fn add_bound(constraint: &mut Constraint, op: Operator, value: ScalarValue) {
    match op {
        Operator::Gt => constraint.low = constraint.low.take().or(Some((value, false))),
        Operator::GtEq => constraint.low = constraint.low.take().or(Some((value, true))),
        Operator::Lt => constraint.high = constraint.high.take().or(Some((value, false))),
        Operator::LtEq => constraint.high = constraint.high.take().or(Some((value, true))),
        _ => {}
    }
}
