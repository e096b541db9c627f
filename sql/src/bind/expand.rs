//! Functions that give rows where a value stands: `SELECT id, unnest(tags)`.
//!
//! They run after aggregation and window functions, before DISTINCT, ORDER BY and LIMIT. Those of one level run side by side, the
//! shorter ones padded with NULL; one inside another's arguments runs before it. A row for which all of a level give nothing
//! disappears. So a level is an [`Rel::Unnest`], and the calls become its columns. A key of GROUP BY that has one is expanded below
//! the aggregation.

use super::expr::Clause;
use super::resolve::{Resolver, is_rows};
use super::scope::Scope;
use super::select::is_volatile;
use super::{Bind, Result};
use crate::algebra::{Column, Expr, Rel, Type};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, Spanned};

impl Clause {
    /// Refuses a function that gives rows where none can be.
    pub(super) fn check_rows(self) -> std::result::Result<(), SqlError> {
        let message = match self {
            Clause::Select | Clause::OrderBy | Clause::GroupBy => return Ok(()),
            Clause::Aggregate => "aggregate function calls cannot contain set-returning function calls".to_owned(),
            Clause::Window => "window function calls cannot contain set-returning function calls".to_owned(),
            Clause::JoinOn => not_allowed("JOIN conditions"),
            Clause::From => "set-returning functions must appear at top level of FROM".to_owned(),
            other => not_allowed(other.sql()),
        };
        Err(refused(message))
    }
}

fn not_allowed(place: &str) -> String {
    format!("set-returning functions are not allowed in {place}")
}

fn refused(message: String) -> SqlError {
    SqlError::new(SqlState::FeatureNotSupported, message)
        .with_hint("You might be able to move the set-returning function into a LATERAL FROM item.")
}

/// Refuses functions that give rows in the operands of `what`: which of them are computed is not known before.
pub(super) fn check_operands<'e>(
    operands: impl IntoIterator<Item = (&'e Expr, &'e ast::Expr)>,
    what: &str,
) -> std::result::Result<(), SqlError> {
    match operands.into_iter().find(|(operand, _)| operand.any(is_rows)) {
        Some((_, written)) => Err(refused(not_allowed(what)).or_at(written.span())),
        None => Ok(()),
    }
}

impl Bind<'_> {
    /// A call of a function that gives rows.
    pub(super) fn rows_call(&self, name: &str, args: &[&ast::Expr], scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        clause.check_rows()?;
        let args = args.iter().map(|arg| self.row_argument(name, arg, scope, clause)).collect::<Result<Vec<_>>>()?;
        let (array, element) = self.resolver.rows(name, args)?;
        Ok(Resolver::elements(array, element))
    }

    /// An argument of a function that gives rows. Subscripts of a vector of the catalogs begin at 0.
    pub(super) fn row_argument(&self, name: &str, arg: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        match name {
            "generate_subscripts" => self.typed_expr(arg, scope, clause),
            _ => self.expr(arg, scope, clause),
        }
    }

    /// The relation with the rows that the calls in `exprs` give; these read its columns afterwards.
    pub(super) fn expanded(&self, rel: Rel, exprs: &mut [&mut Expr]) -> Result<Rel> {
        self.expanded_in_order(rel, exprs, None)
    }

    /// The same; `numbers` gets the columns that say in which order a row's own rows come.
    pub(super) fn expanded_in_order(
        &self,
        mut rel: Rel,
        exprs: &mut [&mut Expr],
        mut numbers: Option<&mut Vec<Column>>,
    ) -> Result<Rel> {
        loop {
            let mut arrays: Vec<(Column, Expr)> = Vec::new();
            for expr in &mut *exprs {
                self.take_innermost(expr, &mut arrays)?;
            }
            if arrays.is_empty() {
                return Ok(rel);
            }
            let ordinality = numbers.as_ref().map(|_| self.column("ordinality", Type::BIGINT, false));
            if let Some(numbers) = &mut numbers {
                numbers.extend(ordinality.clone());
            }
            rel = Rel::Unnest { input: Box::new(rel), arrays, ordinality };
        }
    }

    /// Puts columns in the place of the calls that have none in their arguments.
    fn take_innermost(&self, expr: &mut Expr, arrays: &mut Vec<(Column, Expr)>) -> Result<()> {
        if !expr.any(is_rows) {
            return Ok(());
        }
        let innermost = is_rows(expr) && !expr.children().into_iter().any(|arg| arg.any(is_rows));
        match expr {
            Expr::Call { args, ty, .. } if innermost => {
                let (Some(array), ty) = (args.pop(), *ty) else {
                    return Err(SqlError::internal("a function of rows without an array"));
                };
                let known = arrays.iter().find(|(_, own)| *own == array && !is_volatile(own));
                let column = known.map(|(column, _)| column.clone()).unwrap_or_else(|| {
                    let column = self.column("unnest", ty, true);
                    arrays.push((column.clone(), array));
                    column
                });
                *expr = Expr::Column(column);
                Ok(())
            }
            other => {
                for child in other.children_mut() {
                    self.deeper(|| self.take_innermost(child, arrays))?;
                }
                Ok(())
            }
        }
    }
}
