//! Sources of relations: what DataFusion scans.

use super::RelationSources;
use crate::SqlError;
use crate::catalog::{Relation, RelationKind};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::logical_expr::{LogicalPlan, TableSource, TableType};
use std::borrow::Cow;
use std::sync::Arc;

/// Sources that carry a schema only: enough to plan a view or a lookup, not to run.
///
/// Its `TableSource`s downcast to [`RelationSource`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaSources;

impl RelationSources for SchemaSources {
    fn relation(&self, relation: &Arc<Relation>) -> Result<Arc<dyn TableSource>, SqlError> {
        Ok(Arc::new(RelationSource { relation: Arc::clone(relation) }))
    }

    fn system(&self, _schema: Option<&str>, _name: &str) -> Option<Arc<dyn TableSource>> {
        None
    }
}

/// A schema-only source of a catalog relation.
#[derive(Debug)]
pub struct RelationSource {
    /// The relation.
    pub relation: Arc<Relation>,
}

impl TableSource for RelationSource {
    fn schema(&self) -> SchemaRef {
        visible_schema(&self.relation)
    }

    fn table_type(&self) -> TableType {
        match self.relation.kind {
            RelationKind::View | RelationKind::MaterializedView { .. } => TableType::View,
            RelationKind::Stream { .. } | RelationKind::Table => TableType::Base,
        }
    }
}

/// The Arrow schema of a relation as SQL sees it: visible columns in their order. Since hidden columns come last, indexes into this schema
/// are indexes into `Relation::columns`.
#[must_use]
pub fn visible_schema(relation: &Relation) -> SchemaRef {
    let fields: Vec<Field> = relation
        .visible_columns()
        .map(|(_, column)| Field::new(&column.name, column.sql_type.to_arrow(), column.nullable))
        .collect();
    Arc::new(Schema::new(fields))
}

/// A plain view: the plan of its query, put where the view is named.
pub(crate) struct ViewSource {
    pub(crate) plan: LogicalPlan,
    pub(crate) schema: SchemaRef,
}

impl TableSource for ViewSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}
