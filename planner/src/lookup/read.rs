//! What a query reads, if it reads rows of one relation and computes nothing.

use super::{LookupCount, LookupValue};
use crate::expr::{Literal, placeholder_index};
use attune_sql::catalog::{Catalog, Relation, RelationKind, ViewStatus};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Limit, LogicalPlan, Operator, Sort, TableScan};
use std::sync::Arc;

/// Plan nodes above one another; lookups have a handful.
const MAX_DEPTH: usize = 32;

/// A read of one relation. Columns number the relation's.
pub(super) struct Read {
    pub(super) relation: Arc<Relation>,
    /// Output columns.
    pub(super) columns: Vec<usize>,
    pub(super) conditions: Vec<Condition>,
    /// ORDER BY.
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<LookupCount>,
    pub(super) offset: Option<LookupCount>,
}

/// A column of ORDER BY.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) column: usize,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

/// What must hold for a column.
pub(super) enum Condition {
    /// column = value
    Equal(usize, LookupValue),
    /// column > value, or >= if inclusive.
    Above(usize, LookupValue, bool),
    /// column < value, or <= if inclusive.
    Below(usize, LookupValue, bool),
    /// column = ANY($n)
    Any(usize, usize),
    /// column IN (values)
    In(usize, Vec<LookupValue>),
}

pub(super) fn read(plan: &LogicalPlan, catalog: &Catalog) -> Option<Read> {
    peel(plan, catalog, 0)
}

fn peel(plan: &LogicalPlan, catalog: &Catalog, depth: usize) -> Option<Read> {
    if depth > MAX_DEPTH {
        return None;
    }
    let below = |input: &LogicalPlan| peel(input, catalog, depth + 1);
    match plan {
        LogicalPlan::TableScan(scan) => table_scan(scan, catalog),
        LogicalPlan::SubqueryAlias(alias) => below(&alias.input),
        LogicalPlan::Filter(filter) => {
            let mut read = below(&filter.input)?;
            // A condition above a LIMIT is about the rows that are left.
            if read.limit.is_some() || read.offset.is_some() {
                return None;
            }
            let scope = Scope { schema: filter.input.schema(), columns: &read.columns, relation: &read.relation };
            let mut conditions = Vec::new();
            scope.conditions(&filter.predicate, &mut conditions)?;
            read.conditions.extend(conditions);
            Some(read)
        }
        LogicalPlan::Projection(projection) => {
            let mut read = below(&projection.input)?;
            let scope = Scope { schema: projection.input.schema(), columns: &read.columns, relation: &read.relation };
            read.columns = projection.expr.iter().map(|e| scope.column(e)).collect::<Option<_>>()?;
            Some(read)
        }
        LogicalPlan::Sort(sort) => ordered(below(&sort.input)?, sort),
        LogicalPlan::Limit(limit) => limited(below(&limit.input)?, limit),
        _ => None,
    }
}

fn table_scan(scan: &TableScan, catalog: &Catalog) -> Option<Read> {
    let source = crate::lower::relation(scan).ok()?;
    let relation = Arc::clone(catalog.get(source.relation.id)?);
    match &relation.kind {
        RelationKind::Table | RelationKind::MaterializedView { status: ViewStatus::Live } => {}
        _ => return None,
    }
    let full = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema()).ok()?;
    let all: Vec<usize> = (0..full.fields().len()).collect();
    let mut conditions = Vec::new();
    let scope = Scope { schema: &full, columns: &all, relation: &relation };
    for filter in &scan.filters {
        scope.conditions(filter, &mut conditions)?;
    }
    let columns = scan.projection.clone().unwrap_or(all);
    Some(Read { relation, columns, conditions, order: vec![], limit: None, offset: None })
}

fn ordered(mut read: Read, sort: &Sort) -> Option<Read> {
    if read.limit.is_some() || read.offset.is_some() {
        return None;
    }
    let scope = Scope { schema: sort.input.schema(), columns: &read.columns, relation: &read.relation };
    let order = sort.expr.iter().map(|s| {
        let column = scope.column(&s.expr)?;
        Some(Order { column, descending: !s.asc, nulls_first: s.nulls_first })
    });
    read.order = order.collect::<Option<_>>()?;
    read.limit = sort.fetch.map(|fetch| LookupCount::Constant(fetch as u64));
    Some(read)
}

/// LIMIT and OFFSET of what may be limited already: the optimizer notes a constant LIMIT at the sort below, too.
fn limited(mut read: Read, limit: &Limit) -> Option<Read> {
    if read.offset.is_some() {
        return None;
    }
    let offset = limit.skip.as_deref().map_or(Some(None), row_count)?;
    let fetch = limit.fetch.as_deref().map_or(Some(None), row_count)?;
    read.limit = match (read.limit, fetch, offset) {
        (None, fetch, _) => fetch,
        (Some(LookupCount::Constant(inner)), fetch, None | Some(LookupCount::Constant(_))) => {
            let skipped = match offset {
                Some(LookupCount::Constant(skipped)) => skipped,
                _ => 0,
            };
            let left = inner.saturating_sub(skipped);
            match fetch {
                None => Some(LookupCount::Constant(left)),
                Some(LookupCount::Constant(fetch)) => Some(LookupCount::Constant(fetch.min(left))),
                Some(LookupCount::Parameter(_)) => return None,
            }
        }
        _ => return None,
    };
    read.offset = offset.filter(|offset| *offset != LookupCount::Constant(0));
    Some(read)
}

/// A row count of LIMIT or OFFSET: outer `None` if it is none that a lookup can have, inner `None` for NULL (no limit).
#[allow(clippy::option_option)]
#[must_use]
pub fn row_count(expr: &Expr) -> Option<Option<LookupCount>> {
    match expr {
        Expr::Literal(value, _) if value.is_null() => Some(None),
        Expr::Literal(datafusion::common::ScalarValue::Int64(Some(n)), _) => {
            Some(Some(LookupCount::Constant(u64::try_from(*n).ok()?)))
        }
        Expr::Placeholder(p) => Some(Some(LookupCount::Parameter(placeholder_index(p)?))),
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Int64 => match &*cast.expr {
            Expr::Placeholder(p) => Some(Some(LookupCount::Parameter(placeholder_index(p)?))),
            _ => None,
        },
        _ => None,
    }
}

/// What names mean at one node: its columns are those of the relation.
struct Scope<'a> {
    schema: &'a DFSchema,
    columns: &'a [usize],
    relation: &'a Relation,
}

impl Scope<'_> {
    /// The relation's column that an expression is.
    fn column(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Alias(alias) => self.column(&alias.expr),
            Expr::Column(column) => self.columns.get(self.schema.maybe_index_of_column(column)?).copied(),
            Expr::Cast(cast) => {
                let column = self.column(&cast.expr)?;
                (*cast.field.data_type() == self.data_type(column)?).then_some(column)
            }
            _ => None,
        }
    }

    fn data_type(&self, column: usize) -> Option<DataType> {
        Some(self.relation.columns.get(column)?.sql_type.to_arrow())
    }

    /// The conditions of a conjunction; `None` if one is something else.
    fn conditions(&self, expr: &Expr, found: &mut Vec<Condition>) -> Option<()> {
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => open.extend([&**right, &**left]),
                Expr::Between(between) if !between.negated => {
                    let column = self.column(&between.expr)?;
                    found.push(Condition::Above(column, self.value(&between.low, column)?, true));
                    found.push(Condition::Below(column, self.value(&between.high, column)?, true));
                }
                other => found.push(self.condition(other)?),
            }
        }
        Some(())
    }

    fn condition(&self, expr: &Expr) -> Option<Condition> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => self.alternatives(expr),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (column, op, value) = match (self.column(left), self.column(right)) {
                    (Some(column), None) => (column, *op, right),
                    (None, Some(column)) => (column, op.swap()?, left),
                    _ => return None,
                };
                let value = self.value(value, column)?;
                Some(match op {
                    Operator::Eq => Condition::Equal(column, value),
                    Operator::Gt => Condition::Above(column, value, false),
                    Operator::GtEq => Condition::Above(column, value, true),
                    Operator::Lt => Condition::Below(column, value, false),
                    Operator::LtEq => Condition::Below(column, value, true),
                    _ => return None,
                })
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                let column = self.column(expr)?;
                let values = list.iter().map(|e| self.value(e, column)).collect::<Option<_>>()?;
                Some(Condition::In(column, values))
            }
            Expr::ScalarFunction(call) if call.func.name() == "array_has" => match call.args.as_slice() {
                [Expr::Placeholder(p), column] => {
                    let column = self.column(column)?;
                    let element = match p.field.as_ref()?.data_type() {
                        DataType::List(field) | DataType::LargeList(field) => field.data_type().clone(),
                        _ => return None,
                    };
                    (element == self.data_type(column)?).then_some(Condition::Any(column, placeholder_index(p)?))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// `c = 1 OR c = 2`, which is how the optimizer writes a short IN list.
    fn alternatives(&self, expr: &Expr) -> Option<Condition> {
        let mut values = Vec::new();
        let mut on = None;
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => open.extend([&**right, &**left]),
                other => match self.condition(other)? {
                    Condition::Equal(column, value) if *on.get_or_insert(column) == column => values.push(value),
                    _ => return None,
                },
            }
        }
        Some(Condition::In(on?, values))
    }

    /// A constant of exactly the column's type, or a parameter of it or of a narrower integer type.
    fn value(&self, expr: &Expr, column: usize) -> Option<LookupValue> {
        let wanted = self.data_type(column)?;
        match expr {
            Expr::Literal(value, _) if value.data_type() == wanted => {
                Some(LookupValue::Constant(Literal::from_scalar(value).ok()?.value))
            }
            other => parameter(other, &wanted),
        }
    }
}

/// A parameter, through casts that widen integers or change nothing.
fn parameter(expr: &Expr, wanted: &DataType) -> Option<LookupValue> {
    match expr {
        Expr::Placeholder(p) if widens(p.field.as_ref()?.data_type(), wanted) => {
            placeholder_index(p).map(LookupValue::Parameter)
        }
        Expr::Cast(cast) if widens(cast.field.data_type(), wanted) => parameter(&cast.expr, cast.field.data_type()),
        _ => None,
    }
}

/// Whether every value of one type is a value of the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    let width = |data_type: &DataType| match data_type {
        DataType::Int16 => Some(2),
        DataType::Int32 => Some(4),
        DataType::Int64 => Some(8),
        _ => None,
    };
    from == to || matches!((width(from), width(to)), (Some(from), Some(to)) if from < to)
}
