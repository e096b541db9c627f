//! Small trees by hand, and tables with their rows.

use crate::decorrelate::decorrelate;
use crate::tests::evaluate::{Tables, Value};
use attune_sql::algebra::{
    AggregateCall, Column, CompareOp, Expr, Ids, Rel, Scan, SortKey, Subquery, SubqueryKind, Type, explain,
};
use attune_sql::functions::Registry;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Constraint, Constraints, ScalarValue};
use datafusion::logical_expr::TableSource;
use std::sync::Arc;

/// A source with a schema and maybe a primary key on its first column.
struct Source {
    schema: SchemaRef,
    constraints: Constraints,
}

impl TableSource for Source {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }
}

/// A scan of a table of whole numbers; with a key the first column is it.
pub(super) fn scan(ids: &mut Ids, name: &str, columns: &[&str], keyed: bool) -> Rel {
    let nullable = |place: usize| !(keyed && place == 0);
    let fields: Vec<Field> =
        columns.iter().enumerate().map(|(place, c)| Field::new(*c, DataType::Int64, nullable(place))).collect();
    let key = if keyed { vec![Constraint::PrimaryKey(vec![0])] } else { Vec::new() };
    let source = Source { schema: Arc::new(Schema::new(fields)), constraints: Constraints::new_unverified(key) };
    let columns =
        columns.iter().enumerate().map(|(place, c)| (ids.column(*c, Type::BIGINT, nullable(place)), place)).collect();
    Rel::Scan(Scan { name: name.to_owned(), relation: None, source: Arc::new(source), columns })
}

/// The nth column of a relation.
pub(super) fn nth(rel: &Rel, place: usize) -> Column {
    rel.columns()[place].clone()
}

pub(super) fn col(column: &Column) -> Expr {
    Expr::Column(column.clone())
}

pub(super) fn int(value: i64) -> Expr {
    Expr::constant(ScalarValue::Int64(Some(value)), Type::BIGINT)
}

pub(super) fn eq(left: &Column, right: &Column) -> Expr {
    Expr::compare(CompareOp::Eq, col(left), col(right))
}

pub(super) fn subquery(kind: SubqueryKind, rel: Rel) -> Expr {
    Expr::Subquery(Box::new(Subquery { kind, rel }))
}

pub(super) fn scalar(rel: Rel, column: &Column) -> Expr {
    subquery(SubqueryKind::Scalar(column.clone()), rel)
}

pub(super) fn exists(rel: Rel) -> Expr {
    subquery(SubqueryKind::Exists, rel)
}

pub(super) fn any(left: Expr, op: CompareOp, all: bool, rel: Rel, column: &Column) -> Expr {
    subquery(SubqueryKind::Quantified { left: vec![left], op, all, columns: vec![column.clone()] }, rel)
}

pub(super) fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

pub(super) fn key(column: &Column) -> SortKey {
    SortKey { expr: col(column), descending: false, nulls_first: false }
}

/// `count(*)` without an argument.
pub(super) fn call(name: &str, args: Vec<Expr>) -> AggregateCall {
    AggregateCall {
        function: Arc::clone(Registry::standard().aggregate(name).unwrap()),
        args,
        distinct: false,
        filter: None,
        order: Vec::new(),
        ty: Type::BIGINT,
        nullable: name != "count",
    }
}

/// One aggregate over a relation, and its column.
pub(super) fn aggregate(
    ids: &mut Ids,
    input: Rel,
    group: Vec<(Column, Expr)>,
    name: &str,
    args: Vec<Expr>,
) -> (Rel, Column) {
    let column = ids.column(name, Type::BIGINT, name != "count");
    let aggregates = vec![(column.clone(), call(name, args))];
    (Rel::Aggregate { input: Box::new(input), group, aggregates }, column)
}

/// A relation with one expression more.
pub(super) fn with_value(ids: &mut Ids, rel: Rel, value: Expr) -> (Rel, Column) {
    let column = ids.column("value", value.ty(), value.nullable());
    (rel.extend(vec![(column.clone(), value)]), column)
}

/// The plan as text.
pub(super) fn plan(rel: Rel, ids: &mut Ids) -> String {
    explain(&decorrelate(rel, ids).unwrap())
}

/// Tables `p (k, a)` and `s (x, y)`.
pub(super) fn tables(p: &[[Value; 2]], s: &[[Value; 2]]) -> Tables {
    let rows = |rows: &[[Value; 2]]| rows.iter().map(|row| row.to_vec()).collect();
    [("p".to_owned(), rows(p)), ("s".to_owned(), rows(s))].into_iter().collect()
}
