//! TableScan: changes of a stream, table or materialized view.

use super::Lowering;
use super::columns::{fields, unit_field, unit_value};
use crate::expr::{Scope, from_datafusion};
use crate::plan::{Field, Op};
use crate::types::stored_type;
use attune_sql::binder::RelationSource;
use attune_sql::catalog::{Relation, RelationKind};
use attune_sql::{SqlError, SqlState};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr as DfExpr, TableScan};

impl Lowering<'_> {
    /// The columns that the query and the pushed filters need, filtered, then only those of the query. The scan's `fetch` is a
    /// hint to a Limit that is still above it.
    pub(super) fn scan(&mut self, scan: &TableScan) -> Result<usize, SqlError> {
        let relation = &relation(scan)?.relation;
        let full = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())
            .map_err(|e| SqlError::internal(e.to_string()))?;
        let wanted = match &scan.projection {
            Some(columns) => columns.clone(),
            None => (0..full.fields().len()).collect(),
        };
        let mut columns = wanted.clone();
        for filter in &scan.filters {
            read_columns(filter, &full, &mut columns)?;
        }
        if columns.is_empty() {
            columns.push(any_column(relation));
        }
        let mut node = self.push_scan(relation, &columns)?;
        if !scan.filters.is_empty() {
            // Where each column of the relation is in the scan. Those that are not read are not asked for.
            let places: Vec<usize> =
                (0..full.fields().len()).map(|c| columns.iter().position(|x| *x == c).unwrap_or(usize::MAX)).collect();
            let scope = Scope { schema: &full, columns: Some(&places) };
            let filters = scan.filters.iter().map(|f| from_datafusion(f, scope)).collect::<Result<Vec<_>, _>>()?;
            node = self.push_filter(node, filters)?;
        }
        if wanted.is_empty() {
            return Ok(self.push(Op::Project { exprs: vec![unit_value()] }, vec![node], vec![unit_field()]));
        }
        if wanted.len() == columns.len() {
            return Ok(node);
        }
        let fields = fields(&scan.projected_schema)?;
        Ok(self.select(node, 0..wanted.len(), fields))
    }

    fn push_scan(&mut self, relation: &Relation, columns: &[usize]) -> Result<usize, SqlError> {
        if self.catalog.get(relation.id).is_none() || relation.kind == RelationKind::View {
            let message = format!("\"{}\" is not a stream, table or materialized view", relation.name);
            return Err(SqlError::new(SqlState::WrongObjectType, message));
        }
        let schema = columns.iter().map(|c| {
            let missing = || SqlError::internal(format!("\"{}\" has no column {c}", relation.name));
            let column = relation.columns.get(*c).ok_or_else(missing)?;
            let column_type = stored_type(column.sql_type);
            Ok(Field { name: column.name.clone(), column_type, nullable: column.nullable })
        });
        let schema = schema.collect::<Result<_, SqlError>>()?;
        let op = Op::Scan { relation: relation.id.0, name: relation.name.clone(), columns: columns.to_vec() };
        Ok(self.push(op, vec![], schema))
    }
}

/// The relation that a scan reads.
pub(crate) fn relation(scan: &TableScan) -> Result<&RelationSource, SqlError> {
    scan.source.downcast_ref::<RelationSource>().ok_or_else(|| {
        SqlError::unsupported(
            format!("a materialized view cannot read \"{}\"", scan.table_name),
            "Read streams, tables and materialized views; system views change without a commit.",
        )
    })
}

/// Adds the relation's columns that a filter reads.
fn read_columns(filter: &DfExpr, full: &DFSchema, columns: &mut Vec<usize>) -> Result<(), SqlError> {
    let visited = filter.apply(|expr| {
        if let DfExpr::Column(column) = expr {
            let index = full.index_of_column(column)?;
            if !columns.contains(&index) {
                columns.push(index);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.map(|_| ()).map_err(|e| SqlError::internal(e.to_string()))
}

/// A column to scan where only the rows count: of the key if it has one.
fn any_column(relation: &Relation) -> usize {
    let visible = |c: &usize| relation.columns.get(*c).is_some_and(|c| !c.hidden);
    relation.key.iter().map(|part| part.column).find(visible).unwrap_or(0)
}
