//! What GROUP BY names: keys, and sets of them (GROUPING SETS, ROLLUP, CUBE).
//!
//! Each item of GROUP BY is one set or several; the sets of the whole are all combinations of one of each. A set may be there more
//! than once, and then its groups are too.

use super::select::Item;
use super::{Bind, Result};
use crate::algebra::{Callee, Expr};
use crate::bind::expr::Clause;
use crate::bind::scope::Scope;
use crate::functions;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Spanned};
use std::sync::Arc;

/// Most sets of one GROUP BY: each is an aggregation of its own.
const MAX_SETS: usize = 256;
/// Most items of a CUBE, as in Postgres.
const MAX_CUBE: usize = 12;
/// Most arguments of `grouping()`, whose result has a bit for each.
const MAX_GROUPING: usize = 31;

/// The keys of GROUP BY, each once, and which of them each set has.
#[derive(Clone)]
pub(super) struct Groups {
    pub(super) keys: Vec<Expr>,
    pub(super) sets: Vec<Vec<usize>>,
}

/// Sets of keys by their number.
type Sets = Vec<Vec<usize>>;

impl Groups {
    /// One group of all rows.
    pub(super) fn of_all() -> Groups {
        Groups { keys: Vec::new(), sets: vec![Vec::new()] }
    }

    fn key(&mut self, expr: Expr) -> usize {
        match self.keys.iter().position(|own| own.is_same(&expr)) {
            Some(known) => known,
            None => {
                self.keys.push(expr);
                self.keys.len() - 1
            }
        }
    }
}

impl Bind<'_> {
    /// What is grouped by; `None` without GROUP BY.
    pub(super) fn group_by(&self, group_by: &GroupByExpr, items: &[Item], scope: &Scope<'_>) -> Result<Option<Groups>> {
        let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
            return Err(SqlError::unsupported("GROUP BY ALL is not supported", "Write the columns out."));
        };
        if !modifiers.is_empty() {
            let what = "GROUP BY ALL and modifiers are not supported";
            return Err(SqlError::unsupported(what, "Write the columns out."));
        }
        if exprs.is_empty() {
            return Ok(None);
        }
        let mut groups = Groups::of_all();
        for expr in exprs {
            let sets = self.sets(expr, &mut groups, items, scope)?;
            groups.sets = combined(&groups.sets, &sets).map_err(|error| error.or_at(expr.span()))?;
        }
        Ok(Some(groups))
    }

    /// The sets that an item of GROUP BY is.
    fn sets(&self, expr: &ast::Expr, groups: &mut Groups, items: &[Item], scope: &Scope<'_>) -> Result<Sets> {
        match expr {
            ast::Expr::GroupingSets(sets) => {
                let mut all = Sets::new();
                for set in sets {
                    match set.as_slice() {
                        // Also what has sets of its own.
                        [one] => all.extend(self.sets(one, groups, items, scope)?),
                        keys => all.push(self.keys(keys, groups, items, scope)?),
                    }
                }
                check_number(all.len())?;
                Ok(all)
            }
            ast::Expr::Function(function) if parts(function).is_some() => {
                let parts = parts(function).unwrap_or_default();
                let parts = parts.into_iter().map(|part| match part {
                    ast::Expr::Tuple(keys) => self.keys(keys, groups, items, scope),
                    key => self.keys(std::slice::from_ref(key), groups, items, scope),
                });
                let parts = parts.collect::<Result<Vec<_>>>()?;
                if is_named(function, "cube") { cube(&parts) } else { rollup(&parts) }
            }
            // GROUP BY (a, b), and () for all rows.
            ast::Expr::Tuple(keys) => Ok(vec![self.keys(keys, groups, items, scope)?]),
            key => Ok(vec![self.keys(std::slice::from_ref(key), groups, items, scope)?]),
        }
    }

    /// The keys of one set.
    fn keys(&self, keys: &[ast::Expr], groups: &mut Groups, items: &[Item], scope: &Scope<'_>) -> Result<Vec<usize>> {
        let mut set = Vec::with_capacity(keys.len());
        for key in keys {
            set.push(groups.key(self.group_target(key, items, scope)?));
        }
        Ok(set)
    }

    /// `grouping(a, b)`: a column once it is known what is grouped by.
    pub(super) fn grouping_call(&self, args: &[&ast::Expr], scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        clause.check_grouping()?;
        if args.is_empty() {
            return Err(SqlError::new(SqlState::SyntaxError, "syntax error at or near \")\""));
        }
        if args.len() > MAX_GROUPING {
            let message = "GROUPING must have fewer than 32 arguments";
            return Err(SqlError::new(SqlState::TooManyArguments, message));
        }
        let args = args.iter().map(|arg| self.settle(self.expr(arg, scope, clause)?)).collect::<Result<Vec<_>>>()?;
        let callee = Callee::Function(Arc::clone(functions::grouping()));
        Ok(Expr::Call { callee, args, ty: crate::algebra::Type::INTEGER })
    }
}

impl Clause {
    /// Refuses `grouping()` where it cannot be.
    fn check_grouping(self) -> Result<()> {
        let message = match self {
            Clause::Select | Clause::Having | Clause::OrderBy | Clause::Window => return Ok(()),
            Clause::Aggregate => "aggregate function calls cannot be nested".to_owned(),
            Clause::JoinOn => "grouping operations are not allowed in JOIN conditions".to_owned(),
            Clause::From => "grouping operations are not allowed in functions in FROM".to_owned(),
            other => format!("grouping operations are not allowed in {}", other.sql()),
        };
        Err(SqlError::new(SqlState::GroupingError, message))
    }
}

/// The keys that `grouping()` asks for, if it is a call of it.
pub(super) fn grouping_args(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Call { callee: Callee::Function(function), args, .. } if Arc::ptr_eq(function, functions::grouping()) => {
            Some(args)
        }
        _ => None,
    }
}

/// The parts of a ROLLUP or CUBE, which is read as a call.
fn parts(function: &ast::Function) -> Option<Vec<&ast::Expr>> {
    if !(is_named(function, "rollup") || is_named(function, "cube")) {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let parts = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(part)) => Some(part),
        _ => None,
    });
    parts.collect()
}

fn is_named(function: &ast::Function, name: &str) -> bool {
    function.name.to_string().eq_ignore_ascii_case(name)
}

/// All parts, all but the last, and so on to none.
fn rollup(parts: &[Vec<usize>]) -> Result<Sets> {
    check_number(parts.len() + 1)?;
    Ok((0..=parts.len()).rev().map(|count| distinct(parts[..count].iter().flatten())).collect())
}

/// Every choice of parts.
fn cube(parts: &[Vec<usize>]) -> Result<Sets> {
    if parts.len() > MAX_CUBE {
        let message = format!("CUBE is limited to {MAX_CUBE} elements");
        return Err(SqlError::new(SqlState::TooManyColumns, message));
    }
    check_number(1 << parts.len())?;
    let of = |choice: usize| {
        let chosen = parts.iter().enumerate().filter(|(place, _)| choice & (1 << place) != 0);
        distinct(chosen.flat_map(|(_, part)| part))
    };
    Ok((0..1 << parts.len()).rev().map(of).collect())
}

/// One set of each side, in every combination.
fn combined(left: &Sets, right: &Sets) -> std::result::Result<Sets, SqlError> {
    if left.len().saturating_mul(right.len()) > MAX_SETS {
        return Err(too_many());
    }
    Ok(left.iter().flat_map(|l| right.iter().map(move |r| distinct(l.iter().chain(r)))).collect())
}

fn distinct<'k>(keys: impl Iterator<Item = &'k usize>) -> Vec<usize> {
    let mut set = Vec::new();
    for key in keys {
        if !set.contains(key) {
            set.push(*key);
        }
    }
    set
}

fn check_number(sets: usize) -> Result<()> {
    if sets > MAX_SETS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> SqlError {
    SqlError::new(SqlState::StatementTooComplex, format!("too many grouping sets present (maximum {MAX_SETS})"))
        .with_hint("Write the sets that are needed, or several queries with UNION ALL.")
}
