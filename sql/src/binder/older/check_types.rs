//! Type rules of Postgres that DataFusion is laxer about: found before type coercion, so that only what the user wrote is
//! looked at.

use crate::binder::errors::map_datafusion_error;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Case, Cast, Expr, ExprSchemable, LogicalPlan, Operator, TryCast};

/// Checks casts, comparisons and conditions of a plan.
pub(super) fn check(plan: &LogicalPlan) -> std::result::Result<(), SqlError> {
    plan.apply_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        node.inputs().iter().for_each(|input| schema.merge(input.schema()));
        if let LogicalPlan::Join(join) = node {
            for (left, right) in &join.on {
                refuse(comparison(left, Operator::Eq, right, &schema))?;
            }
        }
        node.apply_expressions(|expr| expr.apply(|e| check_expr(e, &schema)))
    })
    .map(|_| ())
    .map_err(|e| map_datafusion_error(&e))
}

fn check_expr(expr: &Expr, schema: &DFSchema) -> Result<TreeNodeRecursion> {
    let error = match expr {
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            // Columns of outer queries have no type here; they are checked by DataFusion alone.
            expr.get_type(schema).ok().and_then(|from| check_cast(&from, field.data_type()))
        }
        Expr::Case(case) if case.expr.is_none() => case
            .when_then_expr
            .iter()
            .filter_map(|(when, _)| when.get_type(schema).ok())
            .find(|t| !matches!(t, DataType::Boolean | DataType::Null))
            .map(|t| {
                let message = format!("argument of CASE/WHEN must be type boolean, not type {}", name(&t));
                SqlError::new(SqlState::DatatypeMismatch, message)
            })
            .or_else(|| case_results(case, schema)),
        Expr::Case(case) => case_results(case, schema),
        Expr::ScalarFunction(call) if call.func.name() == "coalesce" => one_kind("COALESCE", call.args.iter(), schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => comparison(left, *op, right, schema),
        Expr::Between(between) => [&between.low, &between.high]
            .into_iter()
            .find_map(|bound| comparison(&between.expr, Operator::GtEq, bound, schema)),
        Expr::InList(list) => list.list.iter().find_map(|item| comparison(&list.expr, Operator::Eq, item, schema)),
        Expr::InSubquery(subquery) => {
            let column = subquery.subquery.subquery.schema().fields().first().map(|field| field.data_type().clone());
            column.and_then(|right| incomparable(&written_type(&subquery.expr, schema)?, Operator::Eq, &right))
        }
        _ => None,
    };
    refuse(error).map(|()| TreeNodeRecursion::Continue)
}

fn case_results(case: &Case, schema: &DFSchema) -> Option<SqlError> {
    let results = case.when_then_expr.iter().map(|(_, then)| &**then).chain(case.else_expr.as_deref());
    one_kind("CASE", results, schema)
}

/// Results of which one is taken: they are of one kind of type.
fn one_kind<'a>(what: &str, results: impl Iterator<Item = &'a Expr>, schema: &DFSchema) -> Option<SqlError> {
    let mut types = results.filter_map(|e| written_type(e, schema)).filter(|t| kind(t).is_some());
    let first = types.next()?;
    let other = types.find(|t| kind(t) != kind(&first))?;
    let message = format!("{what} types {} and {} cannot be matched", name(&first), name(&other));
    Some(SqlError::new(SqlState::DatatypeMismatch, message).with_hint("Cast them to one type."))
}

fn refuse(error: Option<SqlError>) -> Result<()> {
    error.map_or(Ok(()), |error| Err(DataFusionError::External(Box::new(error))))
}

fn is_comparison(op: Operator) -> bool {
    use Operator::*;
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A comparison of types that Postgres does not compare, and DataFusion casts one of. Quoted literals and parameters adapt.
fn comparison(left: &Expr, op: Operator, right: &Expr, schema: &DFSchema) -> Option<SqlError> {
    incomparable(&written_type(left, schema)?, op, &written_type(right, schema)?)
}

/// The type of an expression that is of one type whatever is around it.
fn written_type(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    match expr {
        Expr::Placeholder(_) | Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, _) => None,
        Expr::Alias(alias) => written_type(&alias.expr, schema),
        other => other.get_type(schema).ok(),
    }
}

fn incomparable(left: &DataType, op: Operator, right: &DataType) -> Option<SqlError> {
    let (a, b) = (kind(left)?, kind(right)?);
    (a != b).then(|| {
        let message = format!("operator does not exist: {} {op} {}", name(left), name(right)).replace(" != ", " <> ");
        SqlError::new(SqlState::UndefinedFunction, message).with_hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts.",
        )
    })
}

/// Types that are compared with each other; `None` for those that are left to DataFusion.
fn kind(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Boolean => "boolean",
        DataType::Binary => "bytea",
        DataType::Date32 | DataType::Timestamp(..) => "moment",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        number if number.is_numeric() => "number",
        _ => return None,
    })
}

fn check_cast(from: &DataType, to: &DataType) -> Option<SqlError> {
    if let DataType::Timestamp(_, Some(zone)) = to
        && zone.as_ref() != "+00:00"
    {
        // Only AT TIME ZONE makes such a type.
        let utc = matches!(zone.to_ascii_lowercase().as_str(), "utc" | "gmt" | "z" | "etc/utc");
        let plain = matches!(from, DataType::Timestamp(_, None) | DataType::Utf8 | DataType::Date32);
        return (!(utc && plain)).then(|| {
            SqlError::unsupported(
                format!("AT TIME ZONE '{zone}' is not supported for type {}", name(from)),
                "Only timestamp without time zone AT TIME ZONE 'UTC' is; convert to another zone in the client.",
            )
        });
    }
    let number = |t: &DataType| t.is_numeric();
    let time = |t: &DataType| t.is_temporal();
    let refused = (number(from) && time(to))
        || (time(from) && number(to))
        || (*from == DataType::Boolean && time(to))
        || (time(from) && *to == DataType::Boolean)
        || (matches!(from, DataType::Boolean) && (to.is_floating() || to.is_decimal()))
        || (matches!(to, DataType::Boolean) && (from.is_floating() || from.is_decimal()));
    refused.then(|| {
        let error = SqlError::new(SqlState::CannotCoerce, format!("cannot cast type {} to {}", name(from), name(to)));
        if time(from) && number(to) {
            error.with_hint("Use extract(epoch FROM value) for the seconds since 1970.")
        } else if number(from) && time(to) {
            error.with_hint("Use to_timestamp(seconds) for seconds since 1970.")
        } else {
            error
        }
    })
}

fn name(data_type: &DataType) -> String {
    SqlType::from_arrow(data_type).map_or_else(|| data_type.to_string(), |t| t.to_string())
}
