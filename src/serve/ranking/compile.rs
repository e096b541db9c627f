//! From an optimised logical plan to the steps of a ranking.

use super::Base;
use super::expression::Expression;
use super::join::KeyJoin;
use super::step::Step;
use crate::serve::engine::{Engine, ParameterType};
use crate::serve::lookup::{CompiledLookup, Count};
use attune_planner::{Lookup, row_count, table_layout};
use attune_sql::binder::RelationSource;
use attune_sql::catalog::{Catalog, Relation, RelationKind, ViewStatus};
use attune_sql::types::SqlType;
use attune_storage::codec::KeyCodec;
use attune_storage::{KeyColumn, Store, TableLayout};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::{DFSchema, JoinType, NullEquality};
use datafusion::execution::SessionState;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Filter, Join, Limit, LogicalPlan, Projection, Sort};
use std::cell::Cell;
use std::sync::Arc;

/// Conditions on the looked up relation that are tried as part of a key.
const MOST_CONDITIONS: usize = 8;

/// Compiles against one catalog version.
pub(super) struct Compiler<'a> {
    catalog: &'a Catalog,
    store: &'a Store,
    parameters: &'a [ParameterType],
    state: SessionState,
    has_parameters: Cell<bool>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        store: &'a Store,
        parameters: &'a [ParameterType],
        engine: &Engine,
    ) -> Compiler<'a> {
        Compiler { catalog, store, parameters, state: engine.expression_state(), has_parameters: Cell::new(false) }
    }

    /// Where the rows of a plan come from; what is done with them is added to `steps`.
    pub(super) fn rows(&self, plan: &LogicalPlan, steps: &mut Vec<Step>) -> Option<Base> {
        match plan {
            LogicalPlan::TableScan(_) => self.base(plan),
            LogicalPlan::SubqueryAlias(alias) => self.rows(&alias.input, steps),
            LogicalPlan::Filter(filter) if matches!(*filter.input, LogicalPlan::TableScan(_)) => {
                self.filtered_base(filter, steps)
            }
            LogicalPlan::Filter(filter) => {
                let base = self.rows(&filter.input, steps)?;
                steps.push(self.filter(&filter.predicate, filter.input.schema())?);
                Some(base)
            }
            LogicalPlan::Projection(projection) => {
                let base = self.rows(&projection.input, steps)?;
                steps.push(self.project(projection)?);
                Some(base)
            }
            LogicalPlan::Join(join) => self.join(join, steps),
            LogicalPlan::Sort(sort) => {
                let base = self.rows(&sort.input, steps)?;
                steps.push(self.sort(sort)?);
                Some(base)
            }
            LogicalPlan::Limit(limit) => {
                let base = self.rows(&limit.input, steps)?;
                steps.push(self.limit(limit)?);
                Some(base)
            }
            _ => None,
        }
    }

    /// The rows of a plan that is a lookup.
    fn base(&self, plan: &LogicalPlan) -> Option<Base> {
        let lookup = self.lookup(plan)?;
        let schema = nullable(plan.schema());
        let types = schema.fields().iter().map(|field| SqlType::from_arrow(field.data_type()));
        let types = types.collect::<Option<Vec<_>>>()?;
        let compiled = CompiledLookup::of(&lookup, &types, self.parameters, self.catalog, self.store)?;
        Some(Base { lookup, compiled, schema })
    }

    fn lookup(&self, plan: &LogicalPlan) -> Option<Lookup> {
        let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        attune_planner::lookup(plan, &names, self.catalog)
    }

    /// As many of the conditions as can be a lookup are one; the others become a step.
    fn filtered_base(&self, filter: &Filter, steps: &mut Vec<Step>) -> Option<Base> {
        let mut open: Vec<&Expr> = split_conjunction(&filter.predicate);
        let mut keys: Vec<&Expr> = Vec::new();
        let with = |keys: &[&Expr]| {
            let predicate = conjunction(keys.iter().map(|e| (*e).clone()))?;
            Filter::try_new(predicate, filter.input.clone()).ok().map(LogicalPlan::Filter)
        };
        if open.len() > MOST_CONDITIONS {
            return None;
        }
        // Each that is added may make another one useful: the next column of the key.
        while let Some(at) = open.iter().position(|condition| {
            let more = [keys.as_slice(), &[*condition]].concat();
            with(&more).is_some_and(|plan| self.lookup(&plan).is_some())
        }) {
            keys.push(open.remove(at));
        }
        let base = self.base(&with(&keys)?)?;
        if let Some(rest) = conjunction(open.into_iter().cloned()) {
            steps.push(self.filter(&rest, filter.input.schema())?);
        }
        Some(base)
    }

    fn filter(&self, predicate: &Expr, schema: &DFSchema) -> Option<Step> {
        Some(Step::Filter { predicate: self.expr(predicate, schema)?, text: predicate.to_string() })
    }

    fn project(&self, projection: &Projection) -> Option<Step> {
        let schema = projection.input.schema();
        let values = projection.expr.iter().map(|expr| self.expr(expr, schema)).collect::<Option<_>>()?;
        let text: Vec<String> = projection.expr.iter().map(ToString::to_string).collect();
        Some(Step::Project { values, schema: nullable(&projection.schema), text: text.join(", ") })
    }

    fn sort(&self, sort: &Sort) -> Option<Step> {
        let schema = sort.input.schema();
        let by = sort.expr.iter().map(|by| {
            let options = SortOptions { descending: !by.asc, nulls_first: by.nulls_first };
            Some((self.expr(&by.expr, schema)?, options))
        });
        let text: Vec<String> = sort.expr.iter().map(ToString::to_string).collect();
        Some(Step::Sort { by: by.collect::<Option<_>>()?, most: sort.fetch, text: text.join(", ") })
    }

    fn limit(&self, limit: &Limit) -> Option<Step> {
        let compile = |expr: Option<&Expr>| Count::compile(expr.map_or(Some(None), row_count)?, self.parameters);
        let (offset, fetch) = (limit.skip.as_deref(), limit.fetch.as_deref());
        let shown = |word: &str, expr: Option<&Expr>| expr.map(|expr| format!("{word}: {expr}"));
        let text: Vec<String> = [shown("Limit", fetch), shown("Offset", offset)].into_iter().flatten().collect();
        Some(Step::Limit { offset: compile(offset)?, limit: compile(fetch)?, text: text.join(", ") })
    }

    fn expr(&self, expr: &Expr, schema: &DFSchema) -> Option<Expression> {
        let compiled = Expression::compile(expr, schema, &self.state)?;
        self.has_parameters.set(self.has_parameters.get() || compiled.has_parameters());
        Some(compiled)
    }

    /// Whether an expression that was compiled has parameters.
    pub(super) fn has_parameters(&self) -> bool {
        self.has_parameters.get()
    }

    fn join(&self, join: &Join, steps: &mut Vec<Step>) -> Option<Base> {
        let sides: &[bool] = match join.join_type {
            JoinType::Inner => &[false, true],
            JoinType::Left => &[false],
            JoinType::Right => &[true],
            _ => return None,
        };
        if join.null_equality != NullEquality::NullEqualsNothing {
            return None;
        }
        sides.iter().find_map(|found_first| {
            let mut tried = Vec::new();
            let outer = if *found_first { &join.right } else { &join.left };
            let base = self.rows(outer, &mut tried)?;
            tried.extend(self.key_join(join, *found_first)?);
            steps.extend(tried);
            Some(base)
        })
    }

    /// The join with the stored relation that is its left (`found_first`) or right side, and conditions after it.
    fn key_join(&self, join: &Join, found_first: bool) -> Option<Vec<Step>> {
        let (stored, outer) = if found_first { (&join.left, &join.right) } else { (&join.right, &join.left) };
        let stored_side = self.stored(stored)?;
        let layout = &stored_side.layout;
        let mut pairs: Vec<(usize, &Expr)> = Vec::new();
        let mut rest: Vec<Expr> = Vec::new();
        for (left, right) in &join.on {
            let (own, value) = if found_first { (left, right) } else { (right, left) };
            let column = self.column(own, stored).and_then(|c| stored_side.relation_column(c));
            match column.filter(|c| layout.key.iter().any(|k| k.column == *c) && pairs.iter().all(|(p, _)| p != c)) {
                Some(column) if value.get_type(outer.schema()).ok()? == layout.columns[column].to_arrow() => {
                    pairs.push((column, value));
                }
                _ => rest.push(left.clone().eq(right.clone())),
            }
        }
        rest.extend(join.filter.clone());
        let keep_all = join.join_type != JoinType::Inner;
        if pairs.is_empty() || pairs.len() != layout.key.len() || (keep_all && !rest.is_empty()) {
            return None;
        }
        let value_of = |k: &KeyColumn| pairs.iter().find(|(c, _)| *c == k.column).map(|(_, value)| *value);
        let exprs = layout.key.iter().map(value_of).collect::<Option<Vec<_>>>()?;
        let values = exprs.iter().map(|e| self.expr(e, outer.schema())).collect::<Option<_>>()?;
        let text = stored_side.describe(&exprs);
        let key_join = stored_side.into_join(values, text, keep_all, found_first, nullable(&join.schema));
        let mut steps = vec![Step::Join(Box::new(key_join))];
        if let Some(rest) = conjunction(rest) {
            steps.push(self.filter(&rest, &join.schema)?);
        }
        Some(steps)
    }

    fn column(&self, expr: &Expr, plan: &LogicalPlan) -> Option<usize> {
        match expr {
            Expr::Column(column) => plan.schema().maybe_index_of_column(column),
            _ => None,
        }
    }

    /// The stored relation with a unique key that a plan reads as it is, or with a condition.
    fn stored(&self, plan: &LogicalPlan) -> Option<Stored> {
        match plan {
            LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
                let source = scan.source.downcast_ref::<RelationSource>()?;
                let relation = self.catalog.get(source.relation.id)?.clone();
                match relation.kind {
                    RelationKind::Table | RelationKind::MaterializedView { status: ViewStatus::Live } => {}
                    _ => return None,
                }
                let layout = table_layout(&relation, &[]).ok().filter(|layout| !layout.keyless)?;
                let schema = nullable(plan.schema());
                let every = (0..schema.fields().len()).collect::<Vec<_>>();
                let columns = scan.projection.clone().unwrap_or_else(|| every.clone());
                Some(Stored { relation, layout, columns, schema, filter: None, output: every })
            }
            LogicalPlan::SubqueryAlias(alias) => self.stored(&alias.input),
            LogicalPlan::Filter(filter) => {
                let stored = self.stored(&filter.input)?;
                let as_read = stored.filter.is_none() && stored.output.iter().copied().eq(0..stored.columns.len());
                let condition = self.expr(&filter.predicate, filter.input.schema()).filter(|_| as_read)?;
                Some(Stored { filter: Some(condition), ..stored })
            }
            LogicalPlan::Projection(projection) => {
                let stored = self.stored(&projection.input)?;
                let output = projection.expr.iter().map(|expr| {
                    let column = self.column(unaliased(expr), &projection.input)?;
                    stored.output.get(column).copied()
                });
                Some(Stored { output: output.collect::<Option<_>>()?, ..stored })
            }
            _ => None,
        }
    }
}

/// A stored relation that rows are joined with.
struct Stored {
    relation: Arc<Relation>,
    layout: TableLayout,
    /// Columns of the relation that are read, and their schema.
    columns: Vec<usize>,
    schema: SchemaRef,
    filter: Option<Expression>,
    /// Which of `columns` come out.
    output: Vec<usize>,
}

impl Stored {
    fn relation_column(&self, output: usize) -> Option<usize> {
        self.columns.get(*self.output.get(output)?).copied()
    }

    /// `Join: features by item_id = c.item_id`
    fn describe(&self, values: &[&Expr]) -> String {
        let name = |k: &KeyColumn| self.relation.columns.get(k.column).map_or("?", |c| c.name.as_str());
        let pairs = self.layout.key.iter().zip(values).map(|(k, value)| format!("{} = {value}", name(k)));
        let filtered = if self.filter.is_some() { ", filtered" } else { "" };
        format!("Join: {} by {}{filtered}", self.relation.name, pairs.collect::<Vec<_>>().join(" AND "))
    }

    fn into_join(
        self,
        values: Vec<Expression>,
        text: String,
        keep_all: bool,
        found_first: bool,
        joined: SchemaRef,
    ) -> KeyJoin {
        let layout = &self.layout;
        let place = |(place, k): (usize, &KeyColumn)| (layout.columns[k.column], KeyColumn { column: place, ..*k });
        KeyJoin {
            object: layout.object,
            values,
            key: KeyCodec::new(layout.key.iter().enumerate().map(place).collect(), layout.distribution),
            row: layout.row_codec(),
            columns: self.columns,
            schema: self.schema,
            filter: self.filter,
            output: self.output,
            keep_all,
            found_first,
            joined,
            text,
        }
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

/// The schema, NULLs allowed: outer joins add them, and expressions may say less than they give.
fn nullable(schema: &DFSchema) -> SchemaRef {
    let fields = schema.fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
