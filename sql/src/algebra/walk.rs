//! Walking and rewriting trees.

use super::{Column, ColumnId, Expr, Rel, SubqueryKind};
use std::collections::{BTreeMap, BTreeSet};

impl Expr {
    /// The direct operands; of a subquery what is compared with it, not what is in it.
    #[must_use]
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. } => Vec::new(),
            Expr::Call { args, .. } | Expr::And(args) | Expr::Or(args) => args.iter().collect(),
            Expr::Compare { left, right, .. } => vec![left, right],
            Expr::Not(expr) | Expr::Is { expr, .. } | Expr::Cast { expr, .. } => vec![expr],
            Expr::Case { operand, branches, otherwise, .. } => {
                let pairs = branches.iter().flat_map(|(when, then)| [when, then]);
                operand.as_deref().into_iter().chain(pairs).chain(otherwise.as_deref()).collect()
            }
            Expr::InList { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            Expr::Like { expr, pattern, .. } => vec![expr, pattern],
            Expr::Subquery(subquery) => match &subquery.kind {
                SubqueryKind::Quantified { left, .. } => left.iter().collect(),
                _ => Vec::new(),
            },
            Expr::Aggregate(call) => {
                let order = call.order.iter().map(|key| &key.expr);
                call.args.iter().chain(&call.filter).chain(order).collect()
            }
            Expr::Window(call) => {
                let order = call.order.iter().map(|key| &key.expr);
                call.args.iter().chain(&call.filter).chain(&call.partition).chain(order).collect()
            }
        }
    }

    /// The direct operands, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. } => Vec::new(),
            Expr::Call { args, .. } | Expr::And(args) | Expr::Or(args) => args.iter_mut().collect(),
            Expr::Compare { left, right, .. } => vec![left, right],
            Expr::Not(expr) | Expr::Is { expr, .. } | Expr::Cast { expr, .. } => vec![expr],
            Expr::Case { operand, branches, otherwise, .. } => {
                let pairs = branches.iter_mut().flat_map(|(when, then)| [when, then]);
                operand.as_deref_mut().into_iter().chain(pairs).chain(otherwise.as_deref_mut()).collect()
            }
            Expr::InList { expr, list, .. } => std::iter::once(&mut **expr).chain(list).collect(),
            Expr::Like { expr, pattern, .. } => vec![expr, pattern],
            Expr::Subquery(subquery) => match &mut subquery.kind {
                SubqueryKind::Quantified { left, .. } => left.iter_mut().collect(),
                _ => Vec::new(),
            },
            Expr::Aggregate(call) => {
                let order = call.order.iter_mut().map(|key| &mut key.expr);
                call.args.iter_mut().chain(&mut call.filter).chain(order).collect()
            }
            Expr::Window(call) => {
                let order = call.order.iter_mut().map(|key| &mut key.expr);
                call.args.iter_mut().chain(&mut call.filter).chain(&mut call.partition).chain(order).collect()
            }
        }
    }

    /// Calls `f` with this expression and all in it, outermost first; not what is in subqueries.
    pub fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Expr)) {
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            f(expr);
            open.extend(expr.children().into_iter().rev());
        }
    }

    /// Whether any part of it, outside of subqueries, is such.
    #[must_use]
    pub fn any(&self, f: impl Fn(&Expr) -> bool) -> bool {
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            if f(expr) {
                return true;
            }
            open.extend(expr.children());
        }
        false
    }

    /// The expression with `f` applied to each part, operands first; not to what is in subqueries.
    #[must_use]
    pub fn rewrite(mut self, f: &mut impl FnMut(Expr) -> Expr) -> Expr {
        for child in self.children_mut() {
            let old = std::mem::replace(child, Expr::boolean(true));
            *child = old.rewrite(f);
        }
        f(self)
    }

    /// The columns it reads, those that its subqueries take from outside included.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<ColumnId> {
        let mut found = BTreeSet::new();
        self.collect_columns(&mut found);
        found
    }

    fn collect_columns(&self, found: &mut BTreeSet<ColumnId>) {
        self.visit(&mut |expr| match expr {
            Expr::Column(column) => {
                found.insert(column.id);
            }
            Expr::Subquery(subquery) => found.extend(subquery.rel.free()),
            _ => {}
        });
    }

    /// The expression with columns replaced by expressions, in subqueries too.
    #[must_use]
    pub fn substitute(self, with: &BTreeMap<ColumnId, Expr>) -> Expr {
        if with.is_empty() {
            return self;
        }
        self.rewrite(&mut |expr| match expr {
            Expr::Column(column) => match with.get(&column.id) {
                Some(other) => other.clone(),
                None => Expr::Column(column),
            },
            Expr::Subquery(mut subquery) => {
                let rel = std::mem::replace(&mut subquery.rel, Rel::Unit);
                subquery.rel = rel.substitute(with);
                Expr::Subquery(subquery)
            }
            other => other,
        })
    }
}

impl Rel {
    /// Direct inputs.
    #[must_use]
    pub fn inputs(&self) -> Vec<&Rel> {
        match self {
            Rel::Unit | Rel::Scan(_) | Rel::Values { .. } => Vec::new(),
            Rel::Filter { input, .. }
            | Rel::Project { input, .. }
            | Rel::Unnest { input, .. }
            | Rel::Aggregate { input, .. }
            | Rel::Window { input, .. }
            | Rel::Distinct { input }
            | Rel::DistinctOn { input, .. }
            | Rel::Sort { input, .. }
            | Rel::Limit { input, .. } => vec![input],
            Rel::Join(join) => vec![&join.left, &join.right],
            Rel::SetOperation { inputs, .. } => inputs.iter().collect(),
        }
    }

    /// Direct inputs, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Rel> {
        match self {
            Rel::Unit | Rel::Scan(_) | Rel::Values { .. } => Vec::new(),
            Rel::Filter { input, .. }
            | Rel::Project { input, .. }
            | Rel::Unnest { input, .. }
            | Rel::Aggregate { input, .. }
            | Rel::Window { input, .. }
            | Rel::Distinct { input }
            | Rel::DistinctOn { input, .. }
            | Rel::Sort { input, .. }
            | Rel::Limit { input, .. } => vec![input],
            Rel::Join(join) => vec![&mut join.left, &mut join.right],
            Rel::SetOperation { inputs, .. } => inputs.iter_mut().collect(),
        }
    }

    /// The expressions of this node itself.
    #[must_use]
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Rel::Unit | Rel::Scan(_) | Rel::Distinct { .. } | Rel::SetOperation { .. } => Vec::new(),
            Rel::Values { rows, .. } => rows.iter().flatten().collect(),
            Rel::Filter { predicate, .. } => vec![predicate],
            Rel::Project { exprs, .. } | Rel::Unnest { arrays: exprs, .. } => exprs.iter().map(|(_, e)| e).collect(),
            Rel::Join(join) => vec![&join.on],
            Rel::Aggregate { group, aggregates, .. } => {
                let calls = aggregates.iter().flat_map(|(_, call)| {
                    call.args.iter().chain(&call.filter).chain(call.order.iter().map(|key| &key.expr))
                });
                group.iter().map(|(_, e)| e).chain(calls).collect()
            }
            Rel::Window { calls, .. } => calls
                .iter()
                .flat_map(|(_, call)| {
                    let order = call.order.iter().map(|key| &key.expr);
                    call.args.iter().chain(&call.filter).chain(&call.partition).chain(order)
                })
                .collect(),
            Rel::DistinctOn { on, order, .. } => on.iter().chain(order.iter().map(|key| &key.expr)).collect(),
            Rel::Sort { by, .. } => by.iter().map(|key| &key.expr).collect(),
            Rel::Limit { skip, fetch, .. } => skip.iter().chain(fetch).collect(),
        }
    }

    /// The expressions of this node itself, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Rel::Unit | Rel::Scan(_) | Rel::Distinct { .. } | Rel::SetOperation { .. } => Vec::new(),
            Rel::Values { rows, .. } => rows.iter_mut().flatten().collect(),
            Rel::Filter { predicate, .. } => vec![predicate],
            Rel::Project { exprs, .. } | Rel::Unnest { arrays: exprs, .. } => {
                exprs.iter_mut().map(|(_, e)| e).collect()
            }
            Rel::Join(join) => vec![&mut join.on],
            Rel::Aggregate { group, aggregates, .. } => {
                let calls = aggregates.iter_mut().flat_map(|(_, call)| {
                    call.args.iter_mut().chain(&mut call.filter).chain(call.order.iter_mut().map(|key| &mut key.expr))
                });
                group.iter_mut().map(|(_, e)| e).chain(calls).collect()
            }
            Rel::Window { calls, .. } => calls
                .iter_mut()
                .flat_map(|(_, call)| {
                    let order = call.order.iter_mut().map(|key| &mut key.expr);
                    call.args.iter_mut().chain(&mut call.filter).chain(&mut call.partition).chain(order)
                })
                .collect(),
            Rel::DistinctOn { on, order, .. } => {
                on.iter_mut().chain(order.iter_mut().map(|key| &mut key.expr)).collect()
            }
            Rel::Sort { by, .. } => by.iter_mut().map(|key| &mut key.expr).collect(),
            Rel::Limit { skip, fetch, .. } => skip.iter_mut().chain(fetch).collect(),
        }
    }

    /// The columns that it reads and nothing in it gives: those of a surrounding query.
    #[must_use]
    pub fn free(&self) -> BTreeSet<ColumnId> {
        let mut read = BTreeSet::new();
        let mut given = BTreeSet::new();
        self.collect(&mut read, &mut given);
        read.retain(|id| !given.contains(id));
        read
    }

    /// Ids are unique in a statement, so what any relation in the tree gives is not free.
    fn collect(&self, read: &mut BTreeSet<ColumnId>, given: &mut BTreeSet<ColumnId>) {
        for expr in self.exprs() {
            expr.collect_columns(read);
        }
        if let Rel::SetOperation { inputs_columns, .. } = self {
            read.extend(inputs_columns.iter().flatten().map(|column| column.id));
        }
        let own: Vec<&Column> = match self {
            Rel::Scan(scan) => scan.columns.iter().map(|(column, _)| column).collect(),
            Rel::Values { columns, .. } | Rel::SetOperation { columns, .. } => columns.iter().collect(),
            Rel::Aggregate { group, aggregates, .. } => {
                group.iter().map(|(c, _)| c).chain(aggregates.iter().map(|(c, _)| c)).collect()
            }
            Rel::Window { calls, .. } => calls.iter().map(|(column, _)| column).collect(),
            Rel::Unnest { arrays, ordinality, .. } => arrays.iter().map(|(c, _)| c).chain(ordinality).collect(),
            // A column that is passed on is given by what passes it, or is one of the surrounding query.
            Rel::Project { exprs, .. } => {
                exprs.iter().filter(|(c, e)| e.as_column() != Some(c)).map(|(c, _)| c).collect()
            }
            _ => Vec::new(),
        };
        given.extend(own.into_iter().map(|column| column.id));
        for input in self.inputs() {
            input.collect(read, given);
        }
    }

    /// The relation with columns replaced by expressions wherever they are read, in subqueries too.
    #[must_use]
    pub fn substitute(mut self, with: &BTreeMap<ColumnId, Expr>) -> Rel {
        for expr in self.exprs_mut() {
            let old = std::mem::replace(expr, Expr::boolean(true));
            *expr = old.substitute(with);
        }
        for input in self.inputs_mut() {
            let old = std::mem::replace(input, Rel::Unit);
            *input = old.substitute(with);
        }
        self
    }

    /// Calls `f` with each expression of the tree, those of subqueries included.
    pub fn visit_exprs<'a>(&'a self, f: &mut impl FnMut(&'a Expr)) {
        let mut open = vec![self];
        while let Some(rel) = open.pop() {
            for expr in rel.exprs() {
                expr.visit(&mut |e| {
                    f(e);
                    if let Expr::Subquery(subquery) = e {
                        open.push(&subquery.rel);
                    }
                });
            }
            open.extend(rel.inputs());
        }
    }

    /// Calls `f` with this relation and all in it, those in subqueries included.
    pub fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Rel)) {
        let mut open = vec![self];
        while let Some(rel) = open.pop() {
            f(rel);
            for expr in rel.exprs() {
                expr.visit(&mut |e| {
                    if let Expr::Subquery(subquery) = e {
                        open.push(&subquery.rel);
                    }
                });
            }
            open.extend(rel.inputs());
        }
    }

    /// The relation with `f` applied to each expression of each node, in subqueries too; inputs first.
    #[must_use]
    pub fn map_exprs(mut self, f: &mut dyn FnMut(Expr) -> Expr) -> Rel {
        for input in self.inputs_mut() {
            let old = std::mem::replace(input, Rel::Unit);
            *input = old.map_exprs(f);
        }
        for expr in self.exprs_mut() {
            let mut old = std::mem::replace(expr, Expr::boolean(true));
            old = old.in_subqueries(f);
            *expr = f(old);
        }
        self
    }
}

impl Expr {
    /// The expression with `f` applied to all expressions of the relations of its subqueries.
    fn in_subqueries(self, f: &mut dyn FnMut(Expr) -> Expr) -> Expr {
        if !self.any(|e| matches!(e, Expr::Subquery(_))) {
            return self;
        }
        let mut found = Vec::new();
        let mut outer = self.rewrite(&mut |expr| match expr {
            Expr::Subquery(mut subquery) => {
                found.push(std::mem::replace(&mut subquery.rel, Rel::Unit));
                Expr::Subquery(subquery)
            }
            other => other,
        });
        let mut mapped = Vec::with_capacity(found.len());
        for rel in found {
            mapped.push(rel.map_exprs(f));
        }
        let mut next = mapped.into_iter();
        outer = outer.rewrite(&mut |expr| match expr {
            Expr::Subquery(mut subquery) => {
                subquery.rel = next.next().unwrap_or(Rel::Unit);
                Expr::Subquery(subquery)
            }
            other => other,
        });
        outer
    }
}
