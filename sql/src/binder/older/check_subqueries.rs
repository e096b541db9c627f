//! Subqueries that DataFusion would turn into joins with another result than Postgres': refused on the bound plan, before anything is
//! turned into anything.
//!
//! A subquery that refers to the outer query becomes a join with what is left of it when its conditions on outer columns are pulled
//! out. That is right only where what lies above such a condition does the same with all rows as with those of one outer row. And a join
//! knows of a row whether it has a match, which is true or false and never NULL.

use crate::binder::errors::map_datafusion_error;
use crate::SqlError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ExprSchema, JoinType, Result};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, SkipType};

/// Checks all subqueries of a plan.
///
/// # Errors
/// 0A000.
pub(super) fn check(plan: &LogicalPlan) -> std::result::Result<(), SqlError> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Subquery(lateral) = node {
            refers_out(&lateral.subquery, Use::Rows)?;
        }
        let is_condition = matches!(node, LogicalPlan::Filter(_));
        let goes_on = node.apply_expressions(|expr| expr.apply(|expr| check_use(expr, is_condition)))?;
        if let LogicalPlan::Filter(filter) = node {
            check_membership(&filter.predicate, Place::Conjunct, filter.input.schema())?;
        }
        Ok(goes_on)
    })
    .map(|_| ())
    .map_err(|e| map_datafusion_error(&e))
}

/// What a subquery is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// Its rows are used, or its only value.
    Rows,
    /// It is asked whether it has a row.
    Test,
}

fn check_use(expr: &Expr, is_condition: bool) -> Result<TreeNodeRecursion> {
    let (subquery, used) = match expr {
        // There are no joins that give an answer beside the row, but for conditions.
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) if !is_condition => refuse(
            "EXISTS, IN and ANY of a subquery are not supported outside WHERE and HAVING".to_owned(),
            "LEFT JOIN the subquery, with DISTINCT, and test its column for NULL.",
        )?,
        Expr::Exists(exists) => (&exists.subquery, Use::Test),
        Expr::InSubquery(list) => (&list.subquery, Use::Test),
        Expr::SetComparison(any) => (&any.subquery, Use::Test),
        Expr::ScalarSubquery(value) => (value, Use::Rows),
        _ => return Ok(TreeNodeRecursion::Continue),
    };
    refers_out(&subquery.subquery, used)?;
    Ok(TreeNodeRecursion::Continue)
}

/// Whether a plan refers to columns of an outer query. Refused where that would become another join.
fn refers_out(plan: &LogicalPlan, used: Use) -> Result<bool> {
    let mut below = false;
    for input in plan.inputs() {
        below |= refers_out(input, used)?;
    }
    let mut here = false;
    plan.apply_expressions(|expr| {
        here |= expr.contains_outer();
        Ok(TreeNodeRecursion::Continue)
    })?;
    let found = match plan {
        LogicalPlan::Window(_) if below || here => Some("a window function"),
        LogicalPlan::Join(join) if (below || here) && join.join_type != JoinType::Inner => {
            Some("an outer join, EXCEPT or INTERSECT")
        }
        LogicalPlan::Aggregate(aggregate) if below && used == Use::Test && aggregate.group_expr.is_empty() => {
            Some("an aggregate without GROUP BY")
        }
        LogicalPlan::Limit(limit) if below && !matches!(limit.get_skip_type()?, SkipType::Literal(0)) => Some("OFFSET"),
        _ => None,
    };
    match found {
        Some(what) => refuse(
            format!("{what} over a condition on columns of the outer query is not supported"),
            "Join with a subquery that does not refer to the outer query.",
        ),
        None => Ok(below || here),
    }
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A condition, or one of those that AND joins: NULL is as good as false, and NOT IN is known to DataFusion.
    Conjunct,
    /// A part of a condition in which NULL is as good as false.
    Condition,
    /// NULL is another value than false.
    Value,
}

/// Refuses IN and NOT IN that may be NULL where that matters.
fn check_membership(expr: &Expr, at: Place, schema: &DFSchema) -> Result<()> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            check_membership(left, at, schema)?;
            check_membership(right, at, schema)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let at = if at == Place::Value { at } else { Place::Condition };
            check_membership(left, at, schema)?;
            check_membership(right, at, schema)
        }
        Expr::Alias(alias) => check_membership(&alias.expr, at, schema),
        Expr::Case(case) if case.expr.is_none() => {
            for (when, then) in &case.when_then_expr {
                check_membership(when, Place::Condition, schema)?;
                check_membership(then, Place::Value, schema)?;
            }
            case.else_expr.iter().try_for_each(|otherwise| check_membership(otherwise, Place::Value, schema))
        }
        Expr::Not(inner) => match &**inner {
            Expr::InSubquery(list) => check_in(list, !list.negated, at, schema),
            other => check_membership(other, Place::Value, schema),
        },
        Expr::InSubquery(list) => check_in(list, list.negated, at, schema),
        other => other
            .apply_children(|child| {
                check_membership(child, Place::Value, schema)?;
                Ok(TreeNodeRecursion::Continue)
            })
            .map(|_| ()),
    }
}

fn check_in(list: &InSubquery, negated: bool, at: Place, schema: &DFSchema) -> Result<()> {
    check_membership(&list.expr, Place::Value, schema)?;
    let known = match (negated, at) {
        (false, Place::Conjunct | Place::Condition) => true,
        // NULLs are looked for in columns, and without regard to the outer row.
        (true, Place::Conjunct) => {
            let is_column = matches!(&*list.expr, Expr::Column(_) | Expr::OuterReferenceColumn(..));
            list.subquery.outer_ref_columns.is_empty() && (is_column || !is_null_of_itself(&list.expr, schema)?)
        }
        _ => false,
    };
    let inner = list.subquery.subquery.schema();
    let may_be_null = || {
        let left = list.expr.nullable(schema).unwrap_or(true);
        left || inner.fields().first().is_none_or(|field| field.is_nullable())
    };
    if known || !may_be_null() {
        return Ok(());
    }
    let (what, instead) =
        if negated { ("NOT IN", "Use NOT EXISTS, or columns") } else { ("IN as a value", "Use EXISTS, or columns") };
    refuse(
        format!("{what} of a subquery is not supported here where either side may be NULL"),
        &format!("{instead} that are NOT NULL."),
    )
}

/// Whether an expression may be NULL though none of its columns is.
fn is_null_of_itself(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let of_columns = expr
        .column_refs()
        .into_iter()
        .any(|column| schema.field_from_column(column).is_ok_and(|field| field.is_nullable()));
    Ok(!of_columns && expr.nullable(schema)?)
}

fn refuse<T>(what: String, instead: &str) -> Result<T> {
    Err(DataFusionError::External(Box::new(SqlError::unsupported(what, instead))))
}
