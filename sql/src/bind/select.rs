//! SELECT: FROM, WHERE, GROUP BY, HAVING, window functions, functions that give rows, the select list, DISTINCT and ORDER BY, in this
//! order.

use super::expr::Clause;
use super::group::has_aggregate;
use super::grouping::Groups;
use super::order::{Key, Target};
use super::resolve::is_rows;
use super::scope::{Env, Scope};
use super::set::distinct_columns;
use super::{Bind, Bound, Result};
use crate::algebra::{Column, Expr, Rel, SortKey, Type};
use crate::binder::output_names::{NO_NAME, expr_name};
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, NamedWindowDefinition, NamedWindowExpr, SelectItem, SelectItemQualifiedWildcardKind, Spanned,
};

/// An item of the select list.
pub(super) struct Item {
    /// Its name as Postgres gives it.
    pub(super) name: String,
    pub(super) expr: Expr,
    /// An unknown literal, taken for text.
    unknown: bool,
}

impl Bind<'_> {
    /// Binds a SELECT with the ORDER BY of the query it is the body of.
    pub(super) fn select(&self, select: &ast::Select, order: &[ast::OrderByExpr], env: &Env<'_>) -> Result<Bound> {
        let (mut rel, mut namespace) = self.from(&select.from, env)?;
        namespace.windows = windows(&select.named_window)?;
        let scope = Scope { namespace: &namespace, env };
        if let Some(condition) = &select.selection {
            rel = rel.filter(self.condition(condition, &scope, Clause::Where)?);
        }
        if select.distinct.is_some() && select.projection.is_empty() {
            let error = SqlError::new(SqlState::SyntaxError, "SELECT DISTINCT needs a select list");
            return Err(error.or_at(select.select_token.0.span));
        }
        let mut items = self.items(&select.projection, &scope)?;
        let groups = self.group_by(&select.group_by, &items, &scope)?;
        let mut having = match &select.having {
            Some(having) => Some(self.condition(having, &scope, Clause::Having)?),
            None => None,
        };
        let mut on = match &select.distinct {
            Some(Distinct::On(on)) => {
                let one = |expr: &ast::Expr| self.output_target(expr, &items, &scope, "DISTINCT ON");
                Some(on.iter().map(one).collect::<Result<Vec<_>>>()?)
            }
            _ => None,
        };
        let mut keys = self.order_keys(order, &items, &scope)?;
        if let Some(on) = &on {
            check_rows_beside(on, &keys, &items)?;
        }
        let aggregated = !namespace.lifted.borrow().is_empty()
            || items.iter().any(|item| has_aggregate(&item.expr))
            || keys.iter().any(|key| matches!(&key.target, Target::Expr(expr) if has_aggregate(expr)));
        let mut exprs = all_exprs(&mut items, &mut having, &mut keys, on.as_mut());
        let of_all = aggregated || select.having.is_some();
        if let Some(groups) = groups.or_else(|| of_all.then(Groups::of_all)) {
            rel = self.grouped(rel, groups, &mut exprs, &namespace)?;
        }
        drop(exprs);
        if let Some(having) = having.take() {
            rel = rel.filter(having);
        }
        let mut none = None;
        let mut exprs = all_exprs(&mut items, &mut none, &mut keys, on.as_mut());
        rel = self.windowed(rel, &mut exprs)?;
        // Rows that one row gives stay in their order where ORDER BY says nothing else.
        let mut numbers = Vec::new();
        let numbered = select.distinct.is_none() && !order.is_empty();
        rel = self.expanded_in_order(rel, &mut exprs, numbered.then_some(&mut numbers))?;
        drop(exprs);
        let distinct = matches!(select.distinct, Some(Distinct::Distinct));
        keys.extend(numbers.into_iter().map(|number| Key {
            target: Target::Expr(Expr::Column(number)),
            descending: false,
            nulls_first: false,
        }));
        self.output(rel, items, keys, on, distinct, order)
    }

    /// The select list, DISTINCT, ORDER BY.
    fn output(
        &self,
        rel: Rel,
        items: Vec<Item>,
        keys: Vec<Key>,
        on: Option<Vec<Target>>,
        distinct: bool,
        order: &[ast::OrderByExpr],
    ) -> Result<Bound> {
        let given = rel.ids();
        // A column of the surrounding query becomes one of this query's.
        let own = |name: &str, expr: &Expr| match expr {
            Expr::Column(column) if given.contains(&column.id) => column.clone(),
            other => self.column(name, other.ty(), other.nullable()),
        };
        let mut exprs: Vec<(Column, Expr)> = Vec::with_capacity(items.len() + keys.len());
        for item in &items {
            let known = exprs.iter().find(|(_, own)| *own == item.expr && !is_volatile(own));
            let column = known.map_or_else(|| own(&item.name, &item.expr), |(column, _)| column.clone());
            exprs.push((column, item.expr.clone()));
        }
        let columns: Vec<(String, Column)> =
            items.iter().zip(&exprs).map(|(item, (column, _))| (item.name.clone(), column.clone())).collect();
        let unknown = items.iter().map(|item| item.unknown).collect();
        let mut target = |target: Target| -> Expr {
            let expr = match target {
                Target::Item(index) => return Expr::Column(columns[index].1.clone()),
                Target::Expr(expr) => expr,
            };
            let known = exprs.iter().find(|(_, own)| own.is_same(&expr) && !is_volatile(own));
            let column = known.map(|(column, _)| column.clone()).unwrap_or_else(|| {
                let column = own("order", &expr);
                exprs.push((column.clone(), expr));
                column
            });
            Expr::Column(column)
        };
        let mut by = Vec::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            if let (true, Target::Expr(_), Some(written)) = (distinct, &key.target, order.get(at)) {
                let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                return Err(SqlError::new(SqlState::InvalidColumnReference, message).or_at(written.expr.span()));
            }
            let expr = target(key.target);
            by.push(SortKey { expr, descending: key.descending, nulls_first: key.nulls_first });
        }
        let on: Option<Vec<Expr>> = on.map(|on| on.into_iter().map(&mut target).collect());
        let mut rel = rel.project(distinct_columns(exprs));
        if distinct {
            rel = Rel::Distinct { input: Box::new(rel) };
        }
        if let Some(on) = on {
            rel = self.distinct_on(rel, on, &by, order)?;
        }
        if !by.is_empty() {
            rel = Rel::Sort { input: Box::new(rel), by };
        }
        Ok(Bound { rel, columns, unknown })
    }

    /// DISTINCT ON: the first row of each group in the order of the query, which must begin with what is grouped by.
    fn distinct_on(&self, rel: Rel, on: Vec<Expr>, by: &[SortKey], order: &[ast::OrderByExpr]) -> Result<Rel> {
        let mut seen = Vec::new();
        for (key, written) in by.iter().zip(order) {
            let is_on = on.contains(&key.expr);
            if !is_on && seen.len() < count_distinct(&on) {
                let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                return Err(SqlError::new(SqlState::InvalidColumnReference, message).or_at(written.expr.span()));
            }
            if is_on && !seen.contains(&key.expr) {
                seen.push(key.expr.clone());
            }
        }
        let order = by.iter().filter(|key| !on.contains(&key.expr)).cloned().collect();
        Ok(Rel::DistinctOn { input: Box::new(rel), on, order })
    }

    fn items(&self, projection: &[SelectItem], scope: &Scope<'_>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(projection.len());
        let column = |(name, column): &(String, Column)| Item {
            name: name.clone(),
            expr: Expr::Column(column.clone()),
            unknown: false,
        };
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = expr_name(expr).map_or_else(|| NO_NAME.to_owned(), |(name, _)| name);
                    items.push(self.item(name, expr, scope)?);
                }
                SelectItem::ExprWithAlias { expr, alias } => items.push(self.item(fold(alias), expr, scope)?),
                SelectItem::Wildcard(options) => {
                    check_wildcard(options)?;
                    if scope.namespace.tables.is_empty() {
                        let message = "SELECT * with no tables specified is not valid";
                        return Err(SqlError::new(SqlState::SyntaxError, message).or_at(item.span()));
                    }
                    items.extend(scope.namespace.columns.iter().map(column));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    check_wildcard(options)?;
                    let table = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
                    let found = scope.table(&table);
                    let found = found.ok_or_else(|| scope.missing_table(&table).or_at(name.span()))?;
                    items.extend(found.columns.iter().map(column));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                    let what = "the fields of a value are not supported";
                    let instead = "There are no values of several fields; name the columns.";
                    return Err(SqlError::unsupported(what, instead).or_at(expr.span()));
                }
                SelectItem::ExprWithAliases { expr, .. } => {
                    let error = SqlError::new(SqlState::SyntaxError, "an item of the select list has one name");
                    return Err(error.with_hint("Write AS name.").or_at(expr.span()));
                }
            }
        }
        Ok(items)
    }

    fn item(&self, name: String, expr: &ast::Expr, scope: &Scope<'_>) -> Result<Item> {
        let bound = self.typed_expr(expr, scope, Clause::Select)?;
        let unknown = bound.ty() == Type::Unknown;
        Ok(Item { name, expr: self.settle(bound)?, unknown })
    }
}

/// All expressions over the rows of FROM that come after grouping.
fn all_exprs<'e>(
    items: &'e mut [Item],
    having: &'e mut Option<Expr>,
    keys: &'e mut [Key],
    on: Option<&'e mut Vec<Target>>,
) -> Vec<&'e mut Expr> {
    let targets = keys.iter_mut().map(|key| &mut key.target).chain(on.into_iter().flatten());
    let exprs = targets.filter_map(|target| match target {
        Target::Expr(expr) => Some(expr),
        Target::Item(_) => None,
    });
    items.iter_mut().map(|item| &mut item.expr).chain(having).chain(exprs).collect()
}

/// Refuses functions that give rows beside DISTINCT ON, unless one of them is a key: else they run for the rows that are left.
fn check_rows_beside(on: &[Target], keys: &[Key], items: &[Item]) -> Result<()> {
    let gives_rows = |target: &Target| match target {
        Target::Item(index) => items[*index].expr.any(is_rows),
        Target::Expr(expr) => expr.any(is_rows),
    };
    if on.iter().chain(keys.iter().map(|key| &key.target)).any(gives_rows) || !items.iter().any(|i| i.expr.any(is_rows))
    {
        return Ok(());
    }
    let what = "a function that gives rows beside DISTINCT ON is not supported";
    Err(SqlError::unsupported(what, "Call it in a query around this one."))
}

/// The definitions of WINDOW.
fn windows(defined: &[NamedWindowDefinition]) -> Result<Vec<(String, ast::WindowSpec)>> {
    let mut found: Vec<(String, ast::WindowSpec)> = Vec::with_capacity(defined.len());
    for NamedWindowDefinition(name, window) in defined {
        let own = fold(name);
        if found.iter().any(|(other, _)| *other == own) {
            let message = format!("window \"{own}\" is already defined");
            return Err(SqlError::new(SqlState::WindowingError, message).or_at(name.span));
        }
        let spec = match window {
            NamedWindowExpr::WindowSpec(spec) => spec.clone(),
            NamedWindowExpr::NamedWindow(other) => ast::WindowSpec {
                window_name: Some(other.clone()),
                partition_by: Vec::new(),
                order_by: Vec::new(),
                window_frame: None,
            },
        };
        // A window may begin with one that was defined before it, so none with itself.
        let known = spec.window_name.as_ref().is_none_or(|base| found.iter().any(|(other, _)| *other == fold(base)));
        if !known {
            let base = spec.window_name.as_ref().map(fold).unwrap_or_default();
            let message = format!("window \"{base}\" does not exist");
            return Err(SqlError::new(SqlState::UndefinedObject, message).or_at(name.span));
        }
        found.push((own, spec));
    }
    Ok(found)
}

fn check_wildcard(options: &ast::WildcardAdditionalOptions) -> Result<()> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none();
    if plain {
        return Ok(());
    }
    Err(SqlError::unsupported("* with EXCLUDE, EXCEPT, REPLACE or RENAME is not supported", "Name the columns."))
}

/// Whether two computations of it may give different values.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    use crate::algebra::Callee;
    use datafusion::logical_expr::Volatility;
    expr.any(|e| match e {
        Expr::Call { callee: Callee::Function(function), .. } => {
            function.signature().volatility == Volatility::Volatile
        }
        _ => false,
    })
}

fn count_distinct(on: &[Expr]) -> usize {
    on.iter().enumerate().filter(|(index, expr)| !on[..*index].contains(expr)).count()
}
