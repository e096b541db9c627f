//! The value form: a subquery becomes a column beside the row.
//!
//! Law: `row` and the value of a subquery for it are `row LEFT JOIN right ON guard`, where the right side gives at most one row. The
//! guard says when the value is needed at all: in a branch of CASE only if that branch is taken. Without it a subquery of two rows
//! (21000) in a branch that no row takes would fail the statement.

use super::{array, exists, has_subquery, lift, quantified, scalar};
use attune_sql::SqlError;
use attune_sql::algebra::{
    Callee, Column, ColumnId, CompareOp, Expr, Ids, JoinKind, Rel, Subquery, SubqueryKind, Truth, Type, refresh,
};
use std::collections::BTreeSet;

/// A relation that gets columns for the values of subqueries.
pub(super) struct Extended {
    /// With the columns so far.
    pub(super) rel: Rel,
    /// What must be true for the present expression to be needed; `None` if that is not told.
    guard: Option<Vec<Expr>>,
    /// Subqueries that have their column, each with the guard it was computed under.
    lifted: Vec<(Subquery, Option<Vec<Expr>>, Expr)>,
}

impl Extended {
    pub(super) fn new(rel: Rel) -> Extended {
        Extended { rel, guard: Some(Vec::new()), lifted: Vec::new() }
    }

    /// As `new`, for conditions that may also read what `rel` does not give: these are no guards.
    pub(super) fn unguarded(rel: Rel) -> Extended {
        Extended { rel, guard: None, lifted: Vec::new() }
    }

    /// The expression over the extended relation, without subqueries.
    pub(super) fn value(&mut self, expr: Expr, ids: &mut Ids) -> Result<Expr, SqlError> {
        self.value_where(expr, &|_| true, ids)
    }

    /// As `value`, of only the subqueries that a test picks.
    pub(super) fn value_where(
        &mut self,
        expr: Expr,
        picks: &dyn Fn(&Subquery) -> bool,
        ids: &mut Ids,
    ) -> Result<Expr, SqlError> {
        if !has_subquery(&expr) {
            return Ok(expr);
        }
        match expr {
            Expr::Subquery(subquery) if picks(&subquery) => self.subquery(*subquery, picks, ids),
            Expr::Case { operand, branches, otherwise, ty } => self.case(operand, branches, otherwise, ty, picks, ids),
            Expr::Call { callee: Callee::Function(function), args, ty } if function.name() == "coalesce" => {
                let args = self.coalesce(args, picks, ids)?;
                Ok(Expr::Call { callee: Callee::Function(function), args, ty })
            }
            mut other => {
                for child in other.children_mut() {
                    let old = std::mem::replace(child, Expr::boolean(true));
                    *child = self.value_where(old, picks, ids)?;
                }
                Ok(other)
            }
        }
    }

    fn subquery(
        &mut self,
        subquery: Subquery,
        picks: &dyn Fn(&Subquery) -> bool,
        ids: &mut Ids,
    ) -> Result<Expr, SqlError> {
        if let Some((_, _, known)) = self.lifted.iter().find(|(own, guard, _)| *own == subquery && *guard == self.guard)
        {
            return Ok(known.clone());
        }
        let written = subquery.clone();
        // The same one under another guard: its columns are others.
        let again = self.lifted.iter().any(|(own, _, _)| *own == subquery);
        let subquery = if again { renewed(subquery, ids) } else { subquery };
        let rel = lift(subquery.rel, ids)?;
        let value = self.lifted_value(subquery.kind, rel, picks, ids)?;
        self.lifted.push((written, self.guard.clone(), value.clone()));
        Ok(value)
    }

    fn lifted_value(
        &mut self,
        kind: SubqueryKind,
        rel: Rel,
        picks: &dyn Fn(&Subquery) -> bool,
        ids: &mut Ids,
    ) -> Result<Expr, SqlError> {
        match kind {
            SubqueryKind::Scalar(column) => scalar::value(self, rel, column, ids),
            SubqueryKind::Exists => Ok(exists::value(self, rel, ids)),
            SubqueryKind::Array(column) => array::value(self, rel, column, ids),
            SubqueryKind::Quantified { mut left, op, all, columns } => {
                for expr in &mut left {
                    let old = std::mem::replace(expr, Expr::boolean(true));
                    *expr = self.value_where(old, picks, ids)?;
                }
                quantified::value(self, &left, op, all, rel, columns, ids)
            }
        }
    }

    /// Adds the columns of a relation that gives at most one row for a row. They are NULL where it gives none.
    pub(super) fn join(&mut self, right: Rel) {
        self.join_on(right, Expr::boolean(true));
    }

    /// As `join`, of a relation that may fail: only for rows that need it.
    pub(super) fn join_guarded(&mut self, right: Rel) {
        let guard = self.guard.clone().unwrap_or_default();
        self.join_on(right, Expr::and(guard));
    }

    fn join_on(&mut self, right: Rel, on: Expr) {
        let left = std::mem::replace(&mut self.rel, Rel::Unit);
        self.rel = left.join(JoinKind::Left, right, on);
    }

    fn case(
        &mut self,
        mut operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        mut otherwise: Option<Box<Expr>>,
        ty: Type,
        picks: &dyn Fn(&Subquery) -> bool,
        ids: &mut Ids,
    ) -> Result<Expr, SqlError> {
        if let Some(expr) = &mut operand {
            let old = std::mem::replace(&mut **expr, Expr::boolean(true));
            **expr = self.value_where(old, picks, ids)?;
        }
        let before = self.guard.clone();
        let mut done = Vec::with_capacity(branches.len());
        for (when, then) in branches {
            let when = self.value_where(when, picks, ids)?;
            let taken = match &operand {
                Some(operand) => Expr::compare(CompareOp::Eq, (**operand).clone(), when.clone()),
                None => when.clone(),
            };
            let outside = self.guard.clone();
            self.need(taken.clone());
            let then = self.value_where(then, picks, ids)?;
            self.guard = outside;
            self.need(Expr::Is { expr: Box::new(taken), test: Truth::True, negated: true });
            done.push((when, then));
        }
        if let Some(expr) = &mut otherwise {
            let old = std::mem::replace(&mut **expr, Expr::boolean(true));
            **expr = self.value_where(old, picks, ids)?;
        }
        self.guard = before;
        Ok(Expr::Case { operand, branches: done, otherwise, ty })
    }

    /// An argument of coalesce is needed if those before it are NULL.
    fn coalesce(
        &mut self,
        args: Vec<Expr>,
        picks: &dyn Fn(&Subquery) -> bool,
        ids: &mut Ids,
    ) -> Result<Vec<Expr>, SqlError> {
        let before = self.guard.clone();
        let mut done = Vec::with_capacity(args.len());
        for arg in args {
            let arg = self.value_where(arg, picks, ids)?;
            self.need(Expr::is_null(arg.clone()));
            done.push(arg);
        }
        self.guard = before;
        Ok(done)
    }

    fn need(&mut self, condition: Expr) {
        if let Some(guard) = &mut self.guard {
            guard.push(condition);
        }
    }
}

/// A column of a right side, above the left join that adds it.
pub(super) fn beside(column: Column) -> Expr {
    Expr::Column(Column { nullable: true, ..column })
}

/// The columns that a subquery reads of what surrounds it.
pub(super) fn reads(subquery: &Subquery) -> BTreeSet<ColumnId> {
    let mut read = subquery.rel.free();
    if let SubqueryKind::Quantified { left, .. } = &subquery.kind {
        read.extend(left.iter().flat_map(Expr::columns));
    }
    read
}

/// The subquery with columns of its own.
fn renewed(subquery: Subquery, ids: &mut Ids) -> Subquery {
    let (rel, renewed) = refresh(subquery.rel, ids);
    let new = |column: Column| renewed.get(&column.id).cloned().unwrap_or(column);
    let kind = match subquery.kind {
        SubqueryKind::Scalar(column) => SubqueryKind::Scalar(new(column)),
        SubqueryKind::Array(column) => SubqueryKind::Array(new(column)),
        SubqueryKind::Exists => SubqueryKind::Exists,
        SubqueryKind::Quantified { left, op, all, columns } => {
            SubqueryKind::Quantified { left, op, all, columns: columns.into_iter().map(new).collect() }
        }
    };
    Subquery { kind, rel }
}
