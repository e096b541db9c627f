//! A table or materialized view as a DataFusion table.

use super::StatementReads;
use super::access::Access;
use super::exec::ScanExec;
use super::stored_chunks::{Part, StoredScan};
use super::stream::visible_schema;
use async_trait::async_trait;
use attune_sql::catalog::Relation;
use attune_storage::TableLayout;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// Name of the column that holds the encoded key of a row, for UPDATE and DELETE.
pub(crate) const KEY_COLUMN: &str = "_attune_key";
/// Name of the column that holds the stored bytes of a row, for UPDATE and DELETE.
pub(crate) const ROW_COLUMN: &str = "_attune_row";

/// The provider of a table or materialized view.
#[derive(Debug)]
pub(crate) struct StoredTable {
    /// The relation.
    pub(crate) relation: Arc<Relation>,
    layout: Arc<TableLayout>,
    schema: SchemaRef,
    names: Arc<[String]>,
    visible: usize,
}

impl StoredTable {
    /// A provider of the columns a user sees; with `identity`, of [`KEY_COLUMN`] and [`ROW_COLUMN`] after them.
    pub(crate) fn new(relation: Arc<Relation>, layout: TableLayout, identity: bool) -> StoredTable {
        let visible = visible_schema(&relation);
        let names = relation.columns.iter().map(|c| c.name.clone()).collect();
        let columns = visible.fields().len();
        let schema = match identity {
            false => visible,
            true => {
                let mut fields: Vec<_> = visible.fields().iter().cloned().collect();
                for name in [KEY_COLUMN, ROW_COLUMN] {
                    fields.push(Arc::new(Field::new(name, DataType::Binary, false)));
                }
                Arc::new(Schema::new(fields))
            }
        };
        StoredTable { relation, layout: Arc::new(layout), schema, names, visible: columns }
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The scan may read more than the filters let through; see `access`.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&projection)?);
        let parts: Vec<_> = projection
            .iter()
            .map(|&column| match column.checked_sub(self.visible) {
                None => Part::Column(column),
                Some(0) => Part::Key,
                Some(_) => Part::Row,
            })
            .collect();
        let identity = parts.iter().any(|p| !matches!(p, Part::Column(_)));
        let reads = StatementReads::of(state.config())?;
        reads.check(&self.relation)?;
        // Entries of an index do not show what a transaction block has written.
        let written = reads.overlays.contains_key(&self.relation.id.0);
        let usable = |index| !identity && !written && reads.has_index(index);
        let access = Access::choose(&self.layout, &self.names, filters, &projection, &usable);
        let indexes = self.layout.indexes.iter().enumerate();
        let scan = StoredScan {
            name: self.relation.name.clone(),
            columns: self.names.clone(),
            layout: self.layout.clone(),
            access,
            usable: indexes.filter(|(_, index)| usable(index.object)).map(|(number, _)| number).collect(),
            parts,
            schema: schema.clone(),
            limit,
        };
        Ok(Arc::new(ScanExec::new(Arc::new(scan), schema)))
    }
}
