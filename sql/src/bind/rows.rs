//! Rows of values: `(a, b) = (c, d)`, `(a, b) IN (SELECT ...)`, `ROW(a, b) IS NULL`.

use super::expr::Clause;
use super::scope::Scope;
use super::{Bind, Result};
use crate::algebra::Expr;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator};

impl Bind<'_> {
    /// The values of two rows, side by side.
    pub(super) fn pairs(
        &self,
        left: &[&ast::Expr],
        right: &[&ast::Expr],
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Vec<(Expr, Expr)>> {
        if left.len() != right.len() {
            let message = "unequal number of entries in row expressions";
            return Err(SqlError::new(SqlState::SyntaxError, message));
        }
        let pair =
            |(l, r): (&&ast::Expr, &&ast::Expr)| Ok((self.expr(l, scope, clause)?, self.expr(r, scope, clause)?));
        left.iter().zip(right).map(pair).collect()
    }

    /// `(a, b) = (c, d)`, `(a, b) < (c, d)`: the first values that differ decide.
    pub(super) fn rows(
        &self,
        left: &[&ast::Expr],
        op: &BinaryOperator,
        right: &[&ast::Expr],
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        self.compare_pairs(op, self.pairs(left, right, scope, clause)?)
    }

    /// `(a, b) = (SELECT c, d ...)`: of its only row.
    pub(super) fn row_of_query(
        &self,
        left: &[&ast::Expr],
        op: &BinaryOperator,
        query: &ast::Query,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let mut pairs = Vec::with_capacity(left.len());
        for (index, value) in left.iter().enumerate() {
            let value = self.expr(value, scope, clause)?;
            pairs.push((value, self.value_of_row(query, left.len(), index, scope, clause)?));
        }
        self.compare_pairs(op, pairs)
    }

    fn compare_pairs(&self, op: &BinaryOperator, pairs: Vec<(Expr, Expr)>) -> Result<Expr> {
        let strict = match op {
            BinaryOperator::Eq | BinaryOperator::NotEq => {
                let each = pairs.into_iter().map(|(l, r)| self.operator(op, l, r));
                let mut each = each.collect::<Result<Vec<_>>>()?;
                return Ok(match (each.len(), *op == BinaryOperator::NotEq) {
                    (1, _) => each.remove(0),
                    (_, true) => Expr::Or(each),
                    (_, false) => Expr::And(each),
                });
            }
            BinaryOperator::Lt | BinaryOperator::LtEq => BinaryOperator::Lt,
            BinaryOperator::Gt | BinaryOperator::GtEq => BinaryOperator::Gt,
            _ => {
                let what = format!("{op} between rows is not supported");
                return Err(SqlError::unsupported(what, "Compare the values one by one."));
            }
        };
        // From the last pair: `a < c OR (a = c AND rest)`.
        let mut rest: Option<Expr> = None;
        for (l, r) in pairs.into_iter().rev() {
            rest = Some(match rest {
                None => self.operator(op, l, r)?,
                Some(rest) => {
                    let equal = self.operator(&BinaryOperator::Eq, l.clone(), r.clone())?;
                    Expr::Or(vec![self.operator(&strict, l, r)?, Expr::And(vec![equal, rest])])
                }
            });
        }
        rest.ok_or_else(|| SqlError::new(SqlState::SyntaxError, "a row of no values cannot be compared"))
    }
}

/// The values of a row: `(a, b)`, `ROW(a, b)`.
pub(super) fn row(expr: &ast::Expr) -> Option<Vec<&ast::Expr>> {
    match expr {
        ast::Expr::Tuple(values) => Some(values.iter().collect()),
        ast::Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let ast::FunctionArguments::List(list) = &function.args else { return None };
            let mut values = Vec::with_capacity(list.args.len());
            for arg in &list.args {
                values.push(match arg {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => value,
                    _ => return None,
                });
            }
            Some(values)
        }
        _ => None,
    }
}
