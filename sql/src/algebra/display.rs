//! Trees as text, for tests and for people who debug.

use super::{
    AggregateCall, Callee, Column, Expr, Join, Rel, SetOperator, SortKey, SubqueryKind, Truth, WindowFunction,
};
use std::fmt;

/// The tree of a relation, one node a line, inputs indented.
#[must_use]
pub fn explain(rel: &Rel) -> String {
    let mut text = String::new();
    write_rel(&mut text, rel, 0);
    text
}

fn write_rel(out: &mut String, rel: &Rel, depth: usize) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(&line(rel));
    out.push('\n');
    for expr in rel.exprs() {
        expr.visit(&mut |e| {
            if let Expr::Subquery(subquery) = e {
                write_rel(out, &subquery.rel, depth + 2);
            }
        });
    }
    for input in rel.inputs() {
        write_rel(out, input, depth + 1);
    }
}

fn line(rel: &Rel) -> String {
    match rel {
        Rel::Unit => "Unit".to_owned(),
        Rel::Scan(scan) => format!("Scan {}: {}", scan.name, list(scan.columns.iter().map(|(c, _)| c))),
        Rel::Values { columns, rows } => {
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", list(row))).collect();
            format!("Values {} -> {}", rows.join(", "), list(columns))
        }
        Rel::Filter { predicate, .. } => format!("Filter {predicate}"),
        Rel::Project { exprs, .. } => format!("Project {}", named(exprs)),
        Rel::Join(Join { kind, on, .. }) => format!("{kind:?} join on {on}"),
        Rel::Unnest { arrays, .. } => format!("Unnest {}", named(arrays)),
        Rel::Aggregate { group, aggregates, .. } => {
            let calls: Vec<String> = aggregates.iter().map(|(c, call)| format!("{} -> {c}", Shown(call))).collect();
            format!("Aggregate by [{}]: {}", named(group), calls.join(", "))
        }
        Rel::Window { calls, .. } => {
            let calls = calls.iter().map(|(c, call)| {
                let name = match &call.function {
                    WindowFunction::Aggregate(function) => function.name().to_owned(),
                    WindowFunction::Window(function) => function.name().to_owned(),
                };
                let order: Vec<String> = call.order.iter().map(ToString::to_string).collect();
                format!("{name}({}) over ({}; {}) -> {c}", list(&call.args), list(&call.partition), order.join(", "))
            });
            format!("Window {}", calls.collect::<Vec<_>>().join(", "))
        }
        Rel::Distinct { .. } => "Distinct".to_owned(),
        Rel::DistinctOn { on, order, .. } => format!("Distinct on [{}] order [{}]", list(on), list(order)),
        Rel::SetOperation { op, all, columns, .. } => {
            let name = match op {
                SetOperator::Union => "Union",
                SetOperator::Except => "Except",
                SetOperator::Intersect => "Intersect",
            };
            format!("{name}{} -> {}", if *all { " all" } else { "" }, list(columns))
        }
        Rel::Sort { by, .. } => format!("Sort {}", list(by)),
        Rel::Limit { skip, fetch, .. } => {
            let shown = |expr: &Option<Expr>| expr.as_ref().map_or("-".to_owned(), ToString::to_string);
            format!("Limit skip {} fetch {}", shown(skip), shown(fetch))
        }
    }
}

fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn named(exprs: &[(Column, Expr)]) -> String {
    let one = |(column, expr): &(Column, Expr)| match expr.as_column() {
        Some(same) if same == column => column.to_string(),
        _ => format!("{expr} -> {column}"),
    };
    exprs.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.id.0)
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.descending { " DESC" } else { "" };
        let nulls = match (self.descending, self.nulls_first) {
            (false, true) => " NULLS FIRST",
            (true, false) => " NULLS LAST",
            _ => "",
        };
        write!(f, "{}{direction}{nulls}", self.expr)
    }
}

struct Shown<'a>(&'a AggregateCall);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.0;
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        write!(f, "{}({distinct}{})", call.function.name(), list(&call.args))?;
        if let Some(filter) = &call.filter {
            write!(f, " FILTER ({filter})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: &bool| if *negated { "NOT " } else { "" };
        match self {
            Expr::Column(column) => write!(f, "{column}"),
            Expr::Constant { value, ty } => write!(f, "{value}::{ty}"),
            Expr::Parameter { index, ty } => write!(f, "${}::{ty}", index + 1),
            Expr::Call { callee: Callee::Operator(op), args, .. } => match args.as_slice() {
                [left, right] => write!(f, "({left} {op} {right})"),
                args => write!(f, "{op}({})", list(args)),
            },
            Expr::Call { callee: Callee::Negate, args, .. } => write!(f, "-({})", list(args)),
            Expr::Call { callee: Callee::Function(function), args, .. } => {
                write!(f, "{}({})", function.name(), list(args))
            }
            Expr::Compare { op, left, right } => write!(f, "({left} {} {right})", op.sql()),
            Expr::And(all) => write!(f, "({})", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" AND ")),
            Expr::Or(any) => write!(f, "({})", any.iter().map(ToString::to_string).collect::<Vec<_>>().join(" OR ")),
            Expr::Not(expr) => write!(f, "NOT {expr}"),
            Expr::Is { expr, test, negated } => {
                let test = match test {
                    Truth::Null => "NULL",
                    Truth::True => "TRUE",
                    Truth::False => "FALSE",
                };
                write!(f, "({expr} IS {}{test})", not(negated))
            }
            Expr::Case { operand, branches, otherwise, .. } => {
                f.write_str("CASE")?;
                if let Some(operand) = operand {
                    write!(f, " {operand}")?;
                }
                for (when, then) in branches {
                    write!(f, " WHEN {when} THEN {then}")?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Expr::Cast { expr, to } => write!(f, "{expr}::{to}"),
            Expr::InList { expr, list: items, negated } => write!(f, "({expr} {}IN ({}))", not(negated), list(items)),
            Expr::Like { expr, pattern, negated, case_insensitive } => {
                let like = if *case_insensitive { "ILIKE" } else { "LIKE" };
                write!(f, "({expr} {}{like} {pattern})", not(negated))
            }
            Expr::Subquery(subquery) => match &subquery.kind {
                SubqueryKind::Scalar(column) => write!(f, "SCALAR({column})"),
                SubqueryKind::Exists => f.write_str("EXISTS(..)"),
                SubqueryKind::Array(column) => write!(f, "ARRAY({column})"),
                SubqueryKind::Quantified { left, op, all, columns } => {
                    let quantifier = if *all { "ALL" } else { "ANY" };
                    write!(f, "({}) {} {quantifier}({})", list(left), op.sql(), list(columns))
                }
            },
            Expr::Aggregate(call) => write!(f, "{}", Shown(call)),
            Expr::Window(call) => write!(f, "window({})", list(&call.args)),
        }
    }
}
