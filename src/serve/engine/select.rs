//! Tier 3: queries that are not lookups.

use super::read::{Identity, StatementReads};
use super::{Engine, Outcome, OutputColumn, ParameterType, Prepared, PreparedBody, Transaction, result};
use super::{Settings, pg_catalog};
use attune_planner::{Lookup, LookupObject, PlannedQuery};
use attune_sql::algebra::Type;
use attune_sql::binder::{Binder, SchemaSources};
use attune_sql::catalog::{Catalog, RelationId};
use attune_sql::statement::Parsed;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A bound query, kept over executions.
pub(crate) struct Select {
    /// The query, parameters in it.
    pub(super) query: PlannedQuery,
    /// What it reads.
    pub(super) relations: BTreeSet<RelationId>,
}

impl Engine {
    /// Binds a query against readable relations.
    pub(super) fn bind(
        &self,
        catalog: &Catalog,
        query: &ast::Query,
        declared: &[Option<Type>],
        settings: &Settings,
        identity: Identity,
    ) -> Result<PlannedQuery, SqlError> {
        let query = pg_catalog::with_session_values(query, settings)?;
        let sources = self.sources(catalog, identity);
        PlannedQuery::bind(&Binder { catalog, sources: &sources }, &query, declared)
    }

    /// Prepares a query (or the query of COPY TO).
    pub(super) fn prepare_query(
        &self,
        parsed: Parsed,
        query: &ast::Query,
        declared: &[Option<Type>],
        settings: &Settings,
    ) -> Result<Prepared, SqlError> {
        let catalog = self.coordinator.catalog();
        let bound = self.bind(&catalog, query, declared, settings, Identity::Hidden)?;
        let columns = output_columns(&bound)?;
        let relations = bound.scanned().clone();
        let direct = Direct::of(&catalog, query, &bound, &relations);
        Ok(Prepared {
            parsed,
            parameters: parameter_types(&bound.parameters)?,
            columns: Some(columns),
            lookup: direct.lookup,
            ranking: direct.ranking,
            catalog_version: catalog.version(),
            body: PreparedBody::Select(Select { query: bound, relations }),
        })
    }

    /// What a statement reads from, inside its transaction block if there is one.
    ///
    /// A view changes at COMMIT; inside the block it would not show what the block has written, so reading one that
    /// depends on a written relation is refused, as is reading a written stream.
    pub(super) fn reads(
        &self,
        relations: &BTreeSet<RelationId>,
        transaction: &Transaction,
    ) -> Result<Arc<StatementReads>, SqlError> {
        let mut reads = StatementReads::now(&self.coordinator);
        if let Some(pending) = transaction.pending()
            && !pending.is_empty()
        {
            let catalog = self.coordinator.catalog();
            for id in relations {
                check_not_behind(&catalog, *id, pending)?;
            }
            reads.overlays = pending.overlays(relations);
        }
        Ok(Arc::new(reads))
    }

    /// Fails when what a lookup has read was dropped after it was compiled: a DROP shows in the catalog before rows are
    /// deleted, so if it does not show after the read, they were there.
    pub(in crate::serve) fn check_read(&self, prepared: &Prepared) -> Result<(), SqlError> {
        if self.coordinator.catalog_version() == prepared.catalog_version {
            return Ok(());
        }
        let Some(lookup) = &prepared.lookup else { return Ok(()) };
        let catalog = self.coordinator.catalog();
        if catalog.get(RelationId(lookup.relation)).is_none() {
            let message = format!("relation \"{}\" does not exist", lookup.name);
            return Err(SqlError::new(SqlState::UndefinedTable, message));
        }
        match lookup.object {
            LookupObject::Index(id) if !catalog.indexes().any(|index| index.id == RelationId(id)) => {
                let message = "the index that the statement read was dropped at the same time";
                Err(SqlError::new(SqlState::SerializationFailure, message).with_hint("Run it again."))
            }
            _ => Ok(()),
        }
    }

    /// Commits what an implicit transaction has written, if the statement reads what changes only by that.
    pub(super) async fn settle_before(
        &self,
        prepared: &Prepared,
        transaction: &mut Transaction,
    ) -> Result<(), SqlError> {
        let select = match &prepared.body {
            PreparedBody::Select(select) => select,
            PreparedBody::Change(change) => change.query(),
            PreparedBody::Insert(insert) => match insert.query() {
                Some(select) => select,
                None => return Ok(()),
            },
            PreparedBody::Statement => return Ok(()),
        };
        let Transaction::Implicit { pending, .. } = &*transaction else { return Ok(()) };
        let catalog = self.coordinator.catalog();
        if pending.is_empty() || select.relations.iter().all(|id| check_not_behind(&catalog, *id, pending).is_ok()) {
            return Ok(());
        }
        self.settle(transaction).await
    }

    /// Runs a query.
    pub(super) fn select(
        &self,
        select: &Select,
        columns: &[OutputColumn],
        parameters: Vec<ScalarValue>,
        transaction: &Transaction,
    ) -> Result<Outcome, SqlError> {
        let reads = self.reads(&select.relations, transaction)?;
        let plan = select.query.executable(parameters, now_micros())?;
        let stream = self.queries.stream(plan, reads, result::schema(columns))?;
        Ok(Outcome::Rows { columns: columns.to_vec(), stream, tag: "SELECT".to_owned() })
    }
}

/// The time of a statement that begins now, in microseconds since 1970.
pub(super) fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or_default()
}

/// Columns of a bound query as the client sees them.
pub(super) fn output_columns(bound: &PlannedQuery) -> Result<Vec<OutputColumn>, SqlError> {
    let types = bound.types()?;
    Ok(bound.names.iter().cloned().zip(types).map(|(name, sql_type)| OutputColumn { name, sql_type }).collect())
}

/// Types of parameters from their Arrow types.
pub(super) fn parameter_types(types: &[DataType]) -> Result<Vec<ParameterType>, SqlError> {
    let one = |(number, data_type): (usize, &DataType)| {
        let (element, array) = match data_type {
            DataType::List(field) | DataType::LargeList(field) => (field.data_type(), true),
            other => (other, false),
        };
        match SqlType::from_arrow(element) {
            Some(sql_type) => Ok(ParameterType { sql_type, array }),
            None => Err(SqlError::unsupported(
                format!("parameter ${} would have a type that Attune does not have ({data_type})", number + 1),
                "Cast the parameter to the type you mean: $1::bigint.",
            )),
        }
    };
    types.iter().enumerate().map(one).collect()
}

/// How a query may be answered without DataFusion running it.
#[derive(Default)]
struct Direct {
    lookup: Option<Arc<Lookup>>,
    ranking: Option<Arc<LogicalPlan>>,
}

impl Direct {
    /// The lookup a query is, or else its plan, if that may be a ranking's.
    fn of(catalog: &Catalog, query: &ast::Query, bound: &PlannedQuery, relations: &BTreeSet<RelationId>) -> Direct {
        // Planning costs as much as running a small query: only what can be one of them is tried.
        if relations.is_empty() || !reads_rows_by_key(query) {
            return Direct::default();
        }
        let Some(plan) = bound.plan_over(catalog, &SchemaSources) else { return Direct::default() };
        match attune_planner::lookup(&plan, &bound.names, catalog) {
            Some(lookup) => Direct { lookup: Some(Arc::new(lookup)), ranking: None },
            None => Direct { lookup: None, ranking: Some(Arc::new(plan)) },
        }
    }
}

/// Whether a query is a plain SELECT from relations: no grouping, no subquery in FROM.
fn reads_rows_by_key(query: &ast::Query) -> bool {
    let plain = |factor: &ast::TableFactor| matches!(factor, ast::TableFactor::Table { .. });
    match query.body.as_ref() {
        ast::SetExpr::Select(select) => {
            let grouped = !matches!(&select.group_by, ast::GroupByExpr::Expressions(by, _) if by.is_empty());
            let alone = matches!(select.from.as_slice(), [table] if table.joins.is_empty());
            let tables = select.from.iter().all(|t| plain(&t.relation) && t.joins.iter().all(|j| plain(&j.relation)));
            query.with.is_none()
                && (alone || (tables && !select.from.is_empty() && select.selection.is_some()))
                && !grouped
        }
        _ => false,
    }
}

fn check_not_behind(catalog: &Catalog, id: RelationId, pending: &super::Pending) -> Result<(), SqlError> {
    let Some(relation) = catalog.get(id) else { return Ok(()) };
    if relation.is_table() {
        return Ok(());
    }
    let mut open = vec![id];
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if pending.has_written(next.0) {
            let kind = relation.kind_name();
            let message = format!("cannot read {kind} \"{}\" after writing to what it shows", relation.name);
            return Err(SqlError::new(SqlState::FeatureNotSupported, message)
                .with_detail("Streams and materialized views change at COMMIT, all at once.")
                .with_hint("COMMIT first, then read it."));
        }
        if seen.insert(next) {
            open.extend(catalog.get(next).into_iter().flat_map(|r| r.depends_on.iter().copied()));
        }
    }
    Ok(())
}
