//! GROUP BY and HAVING: aggregates become columns of one aggregation, and what is left must be grouped by.

use super::scope::{Namespace, Table};
use super::{Bind, Result, Unbound};
use crate::algebra::{AggregateCall, Column, ColumnId, Expr, Rel};
use crate::{SqlError, SqlState};
use std::collections::BTreeSet;

/// What a grouped SELECT computes its expressions from.
pub(super) struct Grouping {
    group: Vec<(Column, Expr)>,
    aggregates: Vec<(Column, AggregateCall)>,
}

impl Bind<'_> {
    /// The relation grouped by `group`, with all aggregates of `exprs`; these read its columns afterwards.
    pub(super) fn grouped(
        &self,
        rel: Rel,
        group: Vec<Expr>,
        exprs: &mut [&mut Expr],
        namespace: &Namespace,
    ) -> Result<Rel> {
        let given = rel.ids();
        let mut grouping = Grouping { group: Vec::with_capacity(group.len()), aggregates: namespace.lifted.take() };
        for expr in group {
            if !grouping.group.iter().any(|(_, own)| own.is_same(&expr)) {
                let column = self.column_of("group", &expr);
                grouping.group.push((column, expr));
            }
        }
        self.add_dependent(&mut grouping, namespace);
        for expr in exprs {
            let old = std::mem::replace(*expr, Expr::boolean(true));
            **expr = self.over_groups(old, &mut grouping)?;
            self.check_grouped(expr, &grouping, &given, namespace)?;
        }
        Ok(Rel::Aggregate { input: Box::new(rel), group: grouping.group, aggregates: grouping.aggregates })
    }

    /// Columns of a table whose whole primary key is grouped by may be read as well.
    fn add_dependent(&self, grouping: &mut Grouping, namespace: &Namespace) {
        let by: BTreeSet<ColumnId> =
            grouping.group.iter().filter_map(|(_, expr)| expr.as_column()).map(|column| column.id).collect();
        let known = |table: &&Table| !table.key.is_empty() && table.key.iter().all(|id| by.contains(id));
        for table in namespace.tables.iter().filter(known) {
            for (_, column) in &table.columns {
                let expr = Expr::Column(column.clone());
                if !grouping.group.iter().any(|(_, own)| *own == expr) {
                    grouping.group.push((column.clone(), expr));
                }
            }
        }
    }

    /// The expression with what is grouped by, and aggregates, as columns.
    fn over_groups(&self, mut expr: Expr, grouping: &mut Grouping) -> Result<Expr> {
        if let Some((column, _)) = grouping.group.iter().find(|(_, own)| own.is_same(&expr)) {
            return Ok(Expr::Column(column.clone()));
        }
        if let Expr::Aggregate(call) = expr {
            let known = grouping.aggregates.iter().find(|(_, own)| *own == *call);
            let column = match known {
                Some((column, _)) => column.clone(),
                None => {
                    let column = self.column(call.function.name(), call.ty, call.nullable);
                    grouping.aggregates.push((column.clone(), *call));
                    column
                }
            };
            return Ok(Expr::Column(column));
        }
        for child in expr.children_mut() {
            let old = std::mem::replace(child, Expr::boolean(true));
            *child = self.deeper(|| self.over_groups(old, grouping))?;
        }
        Ok(expr)
    }

    /// Refuses columns that are neither grouped by nor aggregated.
    fn check_grouped(
        &self,
        expr: &Expr,
        grouping: &Grouping,
        given: &BTreeSet<ColumnId>,
        namespace: &Namespace,
    ) -> Result<()> {
        let known: BTreeSet<ColumnId> = grouping
            .group
            .iter()
            .map(|(column, _)| column.id)
            .chain(grouping.aggregates.iter().map(|(column, _)| column.id))
            .collect();
        let Some(missing) = expr.columns().into_iter().find(|id| given.contains(id) && !known.contains(id)) else {
            return Ok(());
        };
        let direct = expr.any(|e| e.as_column().is_some_and(|column| column.id == missing));
        let name = qualified(missing, namespace);
        let message = match direct {
            true => format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"),
            false => format!("subquery uses ungrouped column \"{name}\" from outer query"),
        };
        let error = SqlError::new(SqlState::GroupingError, message);
        Err(Unbound::Error(match self.spans.borrow().get(&missing) {
            Some(span) => error.or_at(*span),
            None => error,
        }))
    }
}

/// `table.column`
fn qualified(id: ColumnId, namespace: &Namespace) -> String {
    for table in &namespace.tables {
        if let (Some(name), Some((column, _))) = (&table.name, table.columns.iter().find(|(_, column)| column.id == id))
        {
            return format!("{name}.{column}");
        }
    }
    namespace.columns.iter().find(|(_, column)| column.id == id).map_or_else(String::new, |(name, _)| name.clone())
}

/// Whether an expression has an aggregate outside of subqueries.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.any(|e| matches!(e, Expr::Aggregate(_)))
}
