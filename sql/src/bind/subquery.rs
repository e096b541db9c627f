//! Subqueries as expressions.

use super::expr::{Clause, comparison};
use super::scope::{Env, Scope};
use super::{Bind, Bound, Result};
use crate::algebra::{Column, CompareOp, Expr, Rel, Subquery, SubqueryKind, Type};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Spanned};

impl Bind<'_> {
    /// A query that sees the columns of this place.
    fn inner(&self, query: &ast::Query, scope: &Scope<'_>, place: Clause) -> Result<Bound> {
        let env = Env { outer: Some(scope), place, ctes: scope.env.ctes.clone() };
        Ok(self.plain_columns(self.query(query, &env, true)?))
    }

    pub(super) fn exists(&self, query: &ast::Query, negated: bool, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bound = self.inner(query, scope, clause)?;
        let exists = Expr::Subquery(Box::new(Subquery { kind: SubqueryKind::Exists, rel: bound.rel }));
        Ok(if negated { Expr::Not(Box::new(exists)) } else { exists })
    }

    pub(super) fn scalar_subquery(&self, query: &ast::Query, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bound = self.inner(query, scope, clause)?;
        let column = only(&bound).map_err(|error| error.or_at(query.span()))?;
        Ok(Expr::Subquery(Box::new(Subquery { kind: SubqueryKind::Scalar(column), rel: bound.rel })))
    }

    /// One of the values of the only row of a query.
    pub(super) fn value_of_row(
        &self,
        query: &ast::Query,
        width: usize,
        index: usize,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let bound = self.inner(query, scope, clause)?;
        if bound.columns.len() != width {
            return Err(wrong_width(width, bound.columns.len()).or_at(query.span()));
        }
        let column = bound.columns[index].1.clone();
        Ok(Expr::Subquery(Box::new(Subquery { kind: SubqueryKind::Scalar(column), rel: bound.rel })))
    }

    pub(super) fn array_subquery(&self, query: &ast::Query, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bound = self.inner(query, scope, clause)?;
        let column = only(&bound).map_err(|error| error.or_at(query.span()))?;
        Ok(Expr::Subquery(Box::new(Subquery { kind: SubqueryKind::Array(column), rel: bound.rel })))
    }

    /// `expr IN (query)`.
    pub(super) fn in_subquery(
        &self,
        expr: &ast::Expr,
        query: &ast::Query,
        negated: bool,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let left = match expr {
            ast::Expr::Tuple(items) => items.iter().map(|e| self.expr(e, scope, clause)).collect::<Result<Vec<_>>>()?,
            other => vec![self.expr(other, scope, clause)?],
        };
        let any = self.any_row(left, CompareOp::Eq, false, query, scope, clause)?;
        Ok(if negated { Expr::Not(Box::new(any)) } else { any })
    }

    /// `left op ANY (right)`, `ALL`: of a query, or of an array.
    pub(super) fn quantified(
        &self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        all: bool,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let query = match right {
            ast::Expr::Subquery(query) => Some(query),
            ast::Expr::Nested(inner) => match &**inner {
                ast::Expr::Subquery(query) => Some(query),
                _ => None,
            },
            _ => None,
        };
        if let Some(query) = query {
            let Some(compare) = comparison(op) else {
                return self.any_match(left, op, query, all, scope, clause);
            };
            let left = match left {
                ast::Expr::Tuple(items) => {
                    items.iter().map(|e| self.expr(e, scope, clause)).collect::<Result<Vec<_>>>()?
                }
                other => vec![self.expr(other, scope, clause)?],
            };
            return self.any_row(left, compare, all, query, scope, clause);
        }
        let left = self.expr(left, scope, clause)?;
        let left = if comparison(op).is_some() { left } else { self.settle(left)? };
        if let ast::Expr::Array(array) = right
            && !array.elem.is_empty()
        {
            let elements = array.elem.iter().map(|e| self.expr(e, scope, clause)).collect::<Result<Vec<_>>>()?;
            // The array has a type before it is compared.
            let (elements, _) = self.resolver.to_common(elements, "ARRAY")?;
            return self.any_element(left, op, elements, all);
        }
        let mut array = self.expr(right, scope, clause)?;
        let element = match left.ty() {
            Type::Unknown => Type::TEXT.sql(),
            ty => ty.sql(),
        };
        if let (Expr::Constant { value: ScalarValue::Utf8(Some(_)), ty: Type::Unknown }, Some(element)) =
            (&array, element)
        {
            // A value that is too long for the column is another value.
            let element = if matches!(element, SqlType::Varchar { .. }) { SqlType::Text } else { element };
            array = self.resolver.cast(array, Type::Array(element))?;
        }
        if let (Expr::Constant { value: ScalarValue::List(list), .. }, Type::Array(element)) = (&array, array.ty())
            && let Some(elements) = constants(list, Type::Sql(element))
        {
            return self.any_element(left, op, elements, all);
        }
        self.resolver.any_array(&sign(op), left, array, all)
    }

    /// `left LIKE ANY (query)` and other conditions that are no comparison: asked of each row in the query, where the truth is
    /// compared. A value that must not move there, because it is computed from groups, is asked of the array of the rows.
    fn any_match(
        &self,
        left: &ast::Expr,
        op: &BinaryOperator,
        query: &ast::Query,
        all: bool,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let left = self.settle(self.expr(left, scope, clause)?)?;
        let bound = self.inner(query, scope, clause)?;
        let [(_, column)] = bound.columns.as_slice() else {
            return Err(wrong_width(1, bound.columns.len()).or_at(query.span()));
        };
        let column = column.clone();
        let ungrouped = matches!(clause, Clause::Where | Clause::JoinOn | Clause::Filter);
        if !ungrouped && !matches!(left, Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. }) {
            let array = Expr::Subquery(Box::new(Subquery { kind: SubqueryKind::Array(column), rel: bound.rel }));
            return self.resolver.any_array(&sign(op), left, array, all);
        }
        let truth = self.operator(op, left, Expr::Column(column))?;
        let column = self.column("matches", Type::BOOLEAN, truth.nullable());
        let rel = bound.rel.project(vec![(column.clone(), truth)]);
        let left = vec![Expr::boolean(true)];
        let kind = SubqueryKind::Quantified { left, op: CompareOp::Eq, all, columns: vec![column] };
        Ok(Expr::Subquery(Box::new(Subquery { kind, rel })))
    }

    /// `left op ANY (ARRAY[a, b])` is `left op a OR left op b`, ALL is the same with AND: NULLs come out the same.
    fn any_element(&self, left: Expr, op: &BinaryOperator, elements: Vec<Expr>, all: bool) -> Result<Expr> {
        if elements.is_empty() {
            // The value stays, as what it has in it counts: an aggregate makes the query a grouped one.
            let (always, value) = (Expr::boolean(all), Expr::is_null(left));
            return Ok(if all { Expr::Or(vec![always, value]) } else { Expr::And(vec![always, value]) });
        }
        if *op == BinaryOperator::Eq && !all {
            return self.resolver.in_list(left, elements, false);
        }
        let compared = elements.into_iter().map(|element| self.operator(op, left.clone(), element));
        let mut compared = compared.collect::<Result<Vec<_>>>()?;
        Ok(match (compared.len(), all) {
            (1, _) => compared.remove(0),
            (_, true) => Expr::And(compared),
            (_, false) => Expr::Or(compared),
        })
    }

    /// Rows of a query compared with values: both sides get one type each.
    fn any_row(
        &self,
        left: Vec<Expr>,
        mut op: CompareOp,
        all: bool,
        query: &ast::Query,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let bound = self.inner(query, scope, clause)?;
        if left.len() != bound.columns.len() {
            return Err(wrong_width(left.len(), bound.columns.len()).or_at(query.span()));
        }
        if left.len() > 1 && !matches!(op, CompareOp::Eq | CompareOp::NotEq) {
            let what = format!("comparing rows with {} is not supported", op.sql());
            return Err(SqlError::unsupported(what, "Compare the values one by one."));
        }
        let (mut values, mut exprs) = (Vec::with_capacity(left.len()), Vec::with_capacity(left.len()));
        let sign = op.sql();
        for (value, (name, column)) in left.into_iter().zip(&bound.columns) {
            let compared = self.resolver.binary(sign, value, Expr::Column(column.clone()))?;
            let (left, right) = match compared {
                Expr::Compare { left, right, .. } => (left, right),
                // Known to be no plain comparison (a numeric that the other side's type does not have): its truth is compared.
                truth => {
                    let (is, of) = if op == CompareOp::NotEq { (op, false) } else { (CompareOp::Eq, true) };
                    op = is;
                    (Box::new(Expr::boolean(of)), Box::new(truth))
                }
            };
            // A column of its own: the same one may be named twice, or be one of the surrounding query.
            exprs.push((self.column(name.as_str(), right.ty(), right.nullable()), *right));
            values.push(*left);
        }
        let columns: Vec<Column> = exprs.iter().map(|(column, _)| column.clone()).collect();
        let rel: Rel = bound.rel.project(exprs);
        let kind = SubqueryKind::Quantified { left: values, op, all, columns };
        Ok(Expr::Subquery(Box::new(Subquery { kind, rel })))
    }
}

/// An operator as SQL writes it before ANY.
fn sign(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::NotEq => "<>".to_owned(),
        other => other.to_string(),
    }
}

/// The elements of a constant array that is not NULL.
fn constants(list: &datafusion::arrow::array::ListArray, ty: Type) -> Option<Vec<Expr>> {
    use datafusion::arrow::array::Array;
    if list.len() != 1 || list.is_null(0) {
        return None;
    }
    let elements = list.value(0);
    let one = |index| ScalarValue::try_from_array(&elements, index).ok().map(|value| Expr::constant(value, ty));
    (0..elements.len()).map(one).collect()
}

fn wrong_width(values: usize, columns: usize) -> SqlError {
    let message = match values < columns {
        true => "subquery has too many columns",
        false => "subquery has too few columns",
    };
    SqlError::new(SqlState::SyntaxError, message)
}

/// The only column of a subquery that is a value.
fn only(bound: &Bound) -> std::result::Result<Column, SqlError> {
    match bound.columns.as_slice() {
        [(_, column)] => Ok(column.clone()),
        _ => Err(SqlError::new(SqlState::SyntaxError, "subquery must return only one column")),
    }
}
