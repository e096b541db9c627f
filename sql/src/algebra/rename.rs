//! Other ids for columns, and expressions that are the same but for the ids their subqueries give.

use super::{Column, ColumnId, Expr, Rel, SubqueryKind, Type};
use std::collections::BTreeMap;

impl Rel {
    /// The columns that this node defines, those it passes on left out.
    #[must_use]
    pub fn defines(&self) -> Vec<&Column> {
        match self {
            Rel::Scan(scan) => scan.columns.iter().map(|(column, _)| column).collect(),
            Rel::Values { columns, .. } | Rel::SetOperation { columns, .. } => columns.iter().collect(),
            Rel::Project { exprs, .. } => defined(exprs).collect(),
            Rel::Aggregate { group, aggregates, .. } => {
                defined(group).chain(aggregates.iter().map(|(column, _)| column)).collect()
            }
            Rel::Window { calls, .. } => calls.iter().map(|(column, _)| column).collect(),
            Rel::Unnest { arrays, ordinality, .. } => {
                arrays.iter().map(|(column, _)| column).chain(ordinality).collect()
            }
            Rel::Unit
            | Rel::Filter { .. }
            | Rel::Join(_)
            | Rel::Distinct { .. }
            | Rel::DistinctOn { .. }
            | Rel::Sort { .. }
            | Rel::Limit { .. } => Vec::new(),
        }
    }

    /// Gives columns other ids, in subqueries too. What is known of a reference (that it may be NULL above an outer join, say)
    /// stays.
    pub fn rename(&mut self, new: &BTreeMap<ColumnId, ColumnId>) {
        let one = |column: &mut Column| column.id = new.get(&column.id).copied().unwrap_or(column.id);
        match self {
            Rel::Scan(scan) => scan.columns.iter_mut().for_each(|(column, _)| one(column)),
            Rel::Values { columns, .. } => columns.iter_mut().for_each(one),
            Rel::SetOperation { columns, inputs_columns, .. } => {
                columns.iter_mut().chain(inputs_columns.iter_mut().flatten()).for_each(one);
            }
            Rel::Project { exprs, .. } => exprs.iter_mut().for_each(|(column, _)| one(column)),
            Rel::Aggregate { group, aggregates, .. } => {
                group.iter_mut().for_each(|(column, _)| one(column));
                aggregates.iter_mut().for_each(|(column, _)| one(column));
            }
            Rel::Window { calls, .. } => calls.iter_mut().for_each(|(column, _)| one(column)),
            Rel::Unnest { arrays, ordinality, .. } => {
                arrays.iter_mut().map(|(column, _)| column).chain(ordinality).for_each(one);
            }
            _ => {}
        }
        for expr in self.exprs_mut() {
            let old = std::mem::replace(expr, Expr::boolean(true));
            *expr = old.renamed(new);
        }
        for input in self.inputs_mut() {
            input.rename(new);
        }
    }
}

impl Expr {
    /// The expression with other ids of columns, in subqueries too.
    #[must_use]
    pub fn renamed(self, new: &BTreeMap<ColumnId, ColumnId>) -> Expr {
        let one = |column: &mut Column| column.id = new.get(&column.id).copied().unwrap_or(column.id);
        self.rewrite(&mut |mut expr| {
            match &mut expr {
                Expr::Column(column) => one(column),
                Expr::Subquery(subquery) => {
                    subquery.rel.rename(new);
                    match &mut subquery.kind {
                        SubqueryKind::Scalar(column) | SubqueryKind::Array(column) => one(column),
                        SubqueryKind::Quantified { columns, .. } => columns.iter_mut().for_each(one),
                        SubqueryKind::Exists => {}
                    }
                }
                _ => {}
            }
            expr
        })
    }

    /// Whether both are one expression. Law: a subquery that is written twice is bound twice, and gives other ids each time; these
    /// are no difference. Nor is the name of a type of the same values: the place where an expression stands may ask for `text`.
    #[must_use]
    pub fn is_same(&self, other: &Expr) -> bool {
        let (own, ty) = (self.ty(), other.ty());
        if own != ty {
            return own.to_arrow() == ty.to_arrow() && self.clone().labelled(ty).is_equal(other);
        }
        self.is_equal(other)
    }

    fn is_equal(&self, other: &Expr) -> bool {
        let has_subquery = |expr: &Expr| expr.any(|e| matches!(e, Expr::Subquery(_)));
        let alike = std::mem::discriminant(self) == std::mem::discriminant(other);
        self == other || (alike && has_subquery(self) && has_subquery(other) && self.numbered() == other.numbered())
    }

    /// The same value under another type of the same Arrow type. A column keeps its own.
    #[must_use]
    pub fn labelled(mut self, to: Type) -> Expr {
        match &mut self {
            Expr::Constant { ty, .. } | Expr::Call { ty, .. } | Expr::Case { ty, .. } | Expr::Cast { to: ty, .. } => {
                *ty = to;
            }
            _ => {}
        }
        self
    }

    /// The expression with the ids that its subqueries give numbered in the order in which they are given.
    fn numbered(&self) -> Expr {
        let mut new = BTreeMap::new();
        self.visit(&mut |expr| {
            if let Expr::Subquery(subquery) = expr {
                subquery.rel.visit(&mut |rel| {
                    for column in rel.defines() {
                        // Ids of statements are counted from the other end.
                        let next = ColumnId(u32::MAX - new.len() as u32);
                        new.entry(column.id).or_insert(next);
                    }
                });
            }
        });
        self.clone().renamed(&new)
    }
}

fn defined(exprs: &[(Column, Expr)]) -> impl Iterator<Item = &Column> {
    exprs.iter().filter(|(column, expr)| expr.as_column() != Some(column)).map(|(column, _)| column)
}
