//! Joins: inner, left and right, semi and anti, and full ones as a union.

use super::Lowering;
use super::columns::{cast_to, fields};
use crate::expr::{Expr, Literal, Scope, from_datafusion};
use crate::plan::{Field, JoinKind, Op};
use attune_sql::{SqlError, SqlState};
use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::{Expr as DfExpr, ExprSchemable, Join, LogicalPlan};
use std::sync::Arc;

/// How DataFusion names what a scalar subquery became when it turns it into a left join.
const SCALAR_SUBQUERY: &str = "__scalar_sq";

/// One side of a join as the operator sees it.
struct Side<'a> {
    plan: &'a LogicalPlan,
    node: usize,
    /// Join columns.
    on: Vec<usize>,
}

impl Side<'_> {
    /// Columns that the query knows (the node may have join expressions behind them, or the unit column).
    fn width(&self) -> usize {
        self.plan.schema().fields().len()
    }
}

impl Lowering<'_> {
    pub(super) fn join(&mut self, join: &Join) -> Result<usize, SqlError> {
        if join.join_type == JoinType::Full {
            return self.full_join(join);
        }
        let (kind, swapped) = kind(join)?;
        let mut first = self.side(&join.left, join.on.iter().map(|(l, _)| l))?;
        let mut second = self.side(&join.right, join.on.iter().map(|(_, r)| r))?;
        if swapped {
            std::mem::swap(&mut first, &mut second);
        }
        self.same_types(&first, &second)?;
        self.check_scalar_subquery(kind, &first, &second)?;
        let residual = self.residual(join, &first, &second, swapped)?;
        let on = first.on.iter().copied().zip(second.on.iter().copied()).collect();
        let null_equals_null = join.null_equality == NullEquality::NullEqualsNull;
        let mut schema = self.schema(first.node).to_vec();
        if matches!(kind, JoinKind::Inner | JoinKind::Left) {
            let right = self.schema(second.node).iter().cloned();
            schema.extend(right.map(|f| Field { nullable: f.nullable || kind == JoinKind::Left, ..f }));
        }
        let node = self.push(Op::Join { kind, on, null_equals_null, residual }, vec![first.node, second.node], schema);
        self.join_output(join, kind, node, &first, &second, swapped)
    }

    /// `a FULL JOIN b` is `a LEFT JOIN b`, and the rows of `b` without a partner beside NULLs. Both sides are read twice.
    fn full_join(&mut self, join: &Join) -> Result<usize, SqlError> {
        let of_kind = |join_type| {
            Join::try_new(
                Arc::clone(&join.left),
                Arc::clone(&join.right),
                join.on.clone(),
                join.filter.clone(),
                join_type,
                join.join_constraint,
                join.null_equality,
                false,
            )
            .map_err(|e| SqlError::internal(e.to_string()))
        };
        let fields: Vec<Field> = fields(&join.schema)?.into_iter().map(|f| Field { nullable: true, ..f }).collect();
        let left = self.join(&of_kind(JoinType::Left)?)?;
        let alone = self.join(&of_kind(JoinType::RightAnti)?)?;
        let width = join.left.schema().fields().len();
        let column = |(place, field): (usize, &Field)| match place.checked_sub(width) {
            None => Expr::Literal(Literal { column_type: field.column_type, value: None }),
            Some(place) => Expr::Column(place),
        };
        let exprs = fields.iter().enumerate().map(column).collect();
        let padded = self.push(Op::Project { exprs }, vec![alone], fields.clone());
        Ok(self.push(Op::UnionAll, vec![left, padded], fields))
    }

    fn side<'p>(&mut self, plan: &'p LogicalPlan, on: impl Iterator<Item = &'p DfExpr>) -> Result<Side<'p>, SqlError> {
        let input = self.lower(plan)?;
        let on: Vec<&DfExpr> = on.collect();
        let (node, on) = self.as_columns(input, &on, Scope::of(plan.schema()))?;
        Ok(Side { plan, node, on })
    }

    /// DataFusion casts join expressions to one type. Where two of its types are one of ours they may still differ in ours:
    /// that would compare bytes of different types, so it is refused.
    fn same_types(&self, first: &Side<'_>, second: &Side<'_>) -> Result<(), SqlError> {
        for (l, r) in first.on.iter().zip(&second.on) {
            let (left, right) = (&self.schema(first.node)[*l], &self.schema(second.node)[*r]);
            if left.column_type != right.column_type {
                let message = format!(
                    "join columns \"{}\" and \"{}\" have different types: {} and {}",
                    left.name,
                    right.name,
                    crate::types::sql_name(left.column_type),
                    crate::types::sql_name(right.column_type)
                );
                return Err(SqlError::new(SqlState::DatatypeMismatch, message).with_hint("Cast one of them."));
            }
        }
        Ok(())
    }

    /// A scalar subquery must give one row for each outer row. As a join, a second row would silently repeat the outer one.
    fn check_scalar_subquery(&self, kind: JoinKind, first: &Side<'_>, second: &Side<'_>) -> Result<(), SqlError> {
        let is_scalar = |plan: &LogicalPlan| matches!(plan, LogicalPlan::SubqueryAlias(a) if a.alias.table().starts_with(SCALAR_SUBQUERY));
        let other = match kind {
            JoinKind::Inner | JoinKind::Left if is_scalar(second.plan) => second,
            JoinKind::Inner if is_scalar(first.plan) => first,
            _ => return Ok(()),
        };
        match &self.nodes[other.node].key {
            Some(key) if key.iter().all(|column| other.on.contains(column)) => Ok(()),
            _ => Err(SqlError::unsupported(
                "a subquery used as a value may return more than one row, which a materialized view cannot report",
                "Make it one row: use an aggregate such as max(...), or LIMIT 1, or compare with the full primary key.",
            )),
        }
    }

    /// The ON condition beyond equal columns, over the columns of both nodes.
    fn residual(
        &self,
        join: &Join,
        first: &Side<'_>,
        second: &Side<'_>,
        swapped: bool,
    ) -> Result<Option<Expr>, SqlError> {
        let Some(filter) = &join.filter else { return Ok(None) };
        if matches!(filter, DfExpr::Literal(value, _) if *value == true.into()) {
            return Ok(None);
        }
        let schema = join.left.schema().join(join.right.schema()).map_err(|e| SqlError::internal(e.to_string()))?;
        let offset = self.schema(first.node).len();
        let places: Vec<usize> = if swapped {
            (offset..offset + second.width()).chain(0..first.width()).collect()
        } else {
            (0..first.width()).chain(offset..offset + second.width()).collect()
        };
        let expr = from_datafusion(filter, Scope { schema: &schema, columns: Some(&places) })?;
        let both: Vec<_> = self.schema(first.node).iter().chain(self.schema(second.node)).cloned().collect();
        let (expr, found) = self.typed(expr, &both)?;
        Ok(Some(cast_to(expr, found, attune_storage::ColumnType::Boolean)))
    }

    /// The columns of the query from those of the operator: sides in order, without what was added to them.
    fn join_output(
        &mut self,
        join: &Join,
        kind: JoinKind,
        node: usize,
        first: &Side<'_>,
        second: &Side<'_>,
        swapped: bool,
    ) -> Result<usize, SqlError> {
        let fields = fields(&join.schema)?;
        let offset = self.schema(first.node).len();
        let left = 0..first.width();
        let right = match kind {
            JoinKind::Inner | JoinKind::Left => offset..offset + second.width(),
            JoinKind::LeftSemi | JoinKind::LeftAnti => 0..0,
        };
        let columns: Vec<usize> = if swapped { right.chain(left).collect() } else { left.chain(right).collect() };
        if columns.is_empty() {
            let exprs = vec![super::columns::unit_value()];
            return Ok(self.push(Op::Project { exprs }, vec![node], fields));
        }
        Ok(self.select(node, columns.into_iter(), fields))
    }
}

/// The operator's kind, and whether the sides change places.
fn kind(join: &Join) -> Result<(JoinKind, bool), SqlError> {
    if join.null_aware && !never_null(join) {
        return Err(SqlError::unsupported(
            "NOT IN (subquery) over columns that may be NULL cannot be kept in a materialized view",
            "Use NOT EXISTS, or declare the columns NOT NULL: NOT IN is never true once the subquery gives a NULL.",
        ));
    }
    Ok(match join.join_type {
        JoinType::Inner => (JoinKind::Inner, false),
        JoinType::Left => (JoinKind::Left, false),
        JoinType::Right => (JoinKind::Left, true),
        JoinType::LeftSemi => (JoinKind::LeftSemi, false),
        JoinType::RightSemi => (JoinKind::LeftSemi, true),
        JoinType::LeftAnti => (JoinKind::LeftAnti, false),
        JoinType::RightAnti => (JoinKind::LeftAnti, true),
        JoinType::Full => return Err(SqlError::internal("a full join is lowered as a union")),
        JoinType::LeftMark | JoinType::RightMark => {
            return Err(SqlError::unsupported(
                "EXISTS or IN (subquery) inside OR, CASE or the select list cannot be kept in a materialized view yet",
                "Make it a condition of its own in WHERE (joined to others by AND), or LEFT JOIN the subquery and test for \
                 NULL.",
            ));
        }
    })
}

/// NOT IN is an ordinary anti join where neither side can be NULL.
fn never_null(join: &Join) -> bool {
    let never = |expr: &DfExpr, plan: &LogicalPlan| expr.nullable(plan.schema()).is_ok_and(|nullable| !nullable);
    join.on.iter().all(|(l, r)| never(l, &join.left) && never(r, &join.right))
}
