//! UNION, EXCEPT, INTERSECT, and VALUES.

use super::resolve::room_for;
use super::scope::{Env, Namespace, Scope};
use super::{Bind, Bound, Result};
use crate::algebra::{Column, ColumnId, Expr, Rel, SetOperator, Type};
use crate::bind::expr::Clause;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, SetExpr, SetQuantifier, Spanned};

impl Bind<'_> {
    /// A set operation. Those that follow one another nest to the left, as deep as the text is long: so the left side is walked
    /// in a loop.
    pub(super) fn set_operation(&self, body: &SetExpr, env: &Env<'_>) -> Result<Bound> {
        let mut steps = Vec::new();
        let mut left = body;
        while let SetExpr::SetOperation { op, set_quantifier, left: below, right } = left {
            steps.push((operator(*op)?, is_all(*set_quantifier)?, &**right));
            left = below;
        }
        let mut bound = self.body(left, env)?;
        for (op, all, right) in steps.into_iter().rev() {
            let next = self.body(right, env).map_err(|error| error.or_at(right.span()))?;
            bound = self.combine(op, all, bound, next).map_err(|error| error.or_at(right.span()))?;
        }
        Ok(bound)
    }

    fn combine(&self, op: SetOperator, all: bool, left: Bound, right: Bound) -> Result<Bound> {
        let name = match op {
            SetOperator::Union => "UNION",
            SetOperator::Except => "EXCEPT",
            SetOperator::Intersect => "INTERSECT",
        };
        if left.columns.len() != right.columns.len() {
            let message = format!("each {name} query must have the same number of columns");
            return Err(SqlError::new(SqlState::SyntaxError, message));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for index in 0..left.columns.len() {
            let of = |bound: &Bound| if bound.unknown[index] { Type::Unknown } else { bound.columns[index].1.ty };
            let unknown = [&left, &right].into_iter().filter(|bound| bound.unknown[index]);
            let literals = unknown.flat_map(|bound| values_of(&bound.rel, bound.columns[index].1.id));
            types.push(room_for(self.resolver.common_type(&[of(&left), of(&right)], name)?, literals));
        }
        let unknown: Vec<bool> = types.iter().map(|ty| *ty == Type::Unknown).collect();
        let types: Vec<Type> = types.into_iter().map(|ty| if ty == Type::Unknown { Type::TEXT } else { ty }).collect();
        let names: Vec<String> = left.columns.iter().map(|(name, _)| name.clone()).collect();
        if may_be_added(op, all, &left, &right, &types) {
            let mut bound = left;
            let (right, right_columns) = self.with_types(right, &types)?;
            if let Rel::SetOperation { inputs, inputs_columns, columns, .. } = &mut bound.rel {
                for ((column, (_, shown)), added) in columns.iter_mut().zip(&mut bound.columns).zip(&right_columns) {
                    column.nullable |= added.nullable;
                    shown.nullable |= added.nullable;
                }
                inputs.push(right);
                inputs_columns.push(right_columns);
            }
            return Ok(Bound { unknown, ..bound });
        }
        let (left, left_columns) = self.with_types(left, &types)?;
        let (right, right_columns) = self.with_types(right, &types)?;
        let columns: Vec<Column> = names
            .iter()
            .zip(left_columns.iter().zip(&right_columns))
            .map(|(name, (l, r))| self.column(name.as_str(), l.ty, l.nullable || r.nullable))
            .collect();
        let rel = Rel::SetOperation {
            op,
            all,
            inputs: vec![left, right],
            inputs_columns: vec![left_columns, right_columns],
            columns: columns.clone(),
        };
        Ok(Bound { rel, columns: names.into_iter().zip(columns).collect(), unknown })
    }

    /// The relation with its result's columns cast to these types.
    fn with_types(&self, bound: Bound, types: &[Type]) -> Result<(Rel, Vec<Column>)> {
        let mut exprs = Vec::with_capacity(types.len());
        let mut changed = false;
        for ((name, column), ty) in bound.columns.iter().zip(types) {
            let expr = self.resolver.cast(Expr::Column(column.clone()), *ty)?;
            changed |= expr.as_column().is_none();
            exprs.push((self.column_of(name, &expr), expr));
        }
        let columns = exprs.iter().map(|(column, _)| column.clone()).collect();
        let rel = if changed { bound.rel.project(distinct_columns(exprs)) } else { bound.rel };
        Ok((rel, columns))
    }

    /// VALUES.
    pub(super) fn values(&self, values: &ast::Values, env: &Env<'_>) -> Result<Bound> {
        let namespace = Namespace::default();
        let scope = Scope { namespace: &namespace, env };
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut rows: Vec<Vec<Expr>> = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            if row.content.len() != width {
                let message = "VALUES lists must all be the same length";
                let error = SqlError::new(SqlState::SyntaxError, message);
                let position = row.content.first().map(Spanned::span);
                return Err(position.map_or(error.clone(), |span| error.or_at(span)));
            }
            rows.push(row.content.iter().map(|e| self.expr(e, &scope, Clause::Values)).collect::<Result<_>>()?);
        }
        let mut columns = Vec::with_capacity(width);
        let mut unknown = Vec::with_capacity(width);
        for index in 0..width {
            let types: Vec<Type> = rows.iter().map(|row| row[index].ty()).collect();
            let unknown_values = rows.iter().map(|row| &row[index]).filter(|value| value.ty() == Type::Unknown);
            let common = room_for(self.resolver.common_type(&types, "VALUES")?, unknown_values);
            unknown.push(common == Type::Unknown);
            let mut nullable = false;
            for row in &mut rows {
                let value = std::mem::replace(&mut row[index], Expr::boolean(true));
                let value = match common {
                    Type::Unknown => self.settle(value)?,
                    ty => self.resolver.cast(value, ty)?,
                };
                nullable |= value.nullable();
                row[index] = value;
            }
            let ty = if common == Type::Unknown { Type::TEXT } else { common };
            let name = format!("column{}", index + 1);
            columns.push((name.clone(), self.column(name, ty, nullable)));
        }
        let rel = Rel::Values { columns: columns.iter().map(|(_, column)| column.clone()).collect(), rows };
        Ok(Bound { rel, columns, unknown })
    }

    /// `TABLE t` is `SELECT * FROM t`.
    pub(super) fn table_statement(&self, table: &ast::Table, env: &Env<'_>) -> Result<Bound> {
        let mut parts: Vec<ast::Ident> = Vec::new();
        parts.extend(table.schema_name.iter().map(|name| ast::Ident::new(name.clone())));
        parts.extend(table.table_name.iter().map(|name| ast::Ident::new(name.clone())));
        let (rel, table) = self.named(&ast::ObjectName::from(parts), None, env)?;
        let unknown = vec![false; table.columns.len()];
        Ok(Bound { rel, columns: table.columns, unknown })
    }
}

/// The values of a column that is made of literals.
fn values_of(rel: &Rel, column: ColumnId) -> Vec<&Expr> {
    match rel {
        Rel::Project { exprs, .. } => exprs.iter().filter(|(own, _)| own.id == column).map(|(_, expr)| expr).collect(),
        Rel::Values { columns, rows } => {
            let place = columns.iter().position(|own| own.id == column);
            place.map_or_else(Vec::new, |place| rows.iter().map(|row| &row[place]).collect())
        }
        Rel::Distinct { input } | Rel::Sort { input, .. } | Rel::Limit { input, .. } => values_of(input, column),
        Rel::SetOperation { inputs, inputs_columns, columns, .. } => {
            let Some(place) = columns.iter().position(|own| own.id == column) else { return Vec::new() };
            let sides = inputs.iter().zip(inputs_columns);
            sides.flat_map(|(input, own)| values_of(input, own[place].id)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a query may be added to one that is a UNION: `a UNION b UNION c` is one operation of three.
fn may_be_added(op: SetOperator, all: bool, left: &Bound, right: &Bound, types: &[Type]) -> bool {
    match &left.rel {
        Rel::SetOperation { op: SetOperator::Union, all: inner, columns, .. } => {
            op == SetOperator::Union
                && *inner == all
                && columns.len() == right.columns.len()
                && columns.iter().zip(types).all(|(column, ty)| column.ty == *ty)
                && columns.iter().zip(&left.columns).all(|(column, (_, shown))| column == shown)
        }
        _ => false,
    }
}

/// The columns of a projection, each once.
pub(super) fn distinct_columns(exprs: Vec<(Column, Expr)>) -> Vec<(Column, Expr)> {
    let mut kept: Vec<(Column, Expr)> = Vec::with_capacity(exprs.len());
    for (column, expr) in exprs {
        if !kept.iter().any(|(own, _)| *own == column) {
            kept.push((column, expr));
        }
    }
    kept
}

fn operator(op: ast::SetOperator) -> Result<SetOperator> {
    Ok(match op {
        ast::SetOperator::Union => SetOperator::Union,
        ast::SetOperator::Except | ast::SetOperator::Minus => SetOperator::Except,
        ast::SetOperator::Intersect => SetOperator::Intersect,
    })
}

fn is_all(quantifier: SetQuantifier) -> Result<bool> {
    match quantifier {
        SetQuantifier::All => Ok(true),
        SetQuantifier::Distinct | SetQuantifier::None => Ok(false),
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
            Err(SqlError::unsupported("BY NAME is not supported", "Write the columns in the same order."))
        }
    }
}
