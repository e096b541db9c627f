//! A side of a join that can be read by key: which entries, and which expressions of the other side are their keys.

use crate::serve::engine::read::access::{Access, Keys};
use crate::serve::engine::read::exec::ScanExec;
use crate::serve::engine::read::stored_chunks::{Part, StoredScan};
use crate::serve::engine::read::stream::LogScan;
use crate::serve::engine::unordered::Unordered;
use attune_storage::codec::KeyCodec;
use attune_storage::{KeyColumn, KeyRange, ObjectId};
use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::JoinSide;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The inner side of a lookup join.
#[derive(Debug)]
pub(super) struct KeyedSide {
    /// Which child of the join it is.
    pub(super) side: JoinSide,
    scan: StoredScan,
    object: ObjectId,
    /// Number of the index in the layout.
    index: Option<usize>,
    /// Key columns that are given, by their number in the relation.
    columns: Vec<usize>,
    /// Codec of those columns: a whole key, or a prefix.
    codec: KeyCodec,
    /// The columns are the whole of a unique key.
    unique: bool,
    /// The value of each key column, over the rows of the other side.
    values: Vec<Arc<dyn PhysicalExpr>>,
}

/// A column of the relation that must equal an expression over the other side.
struct Equality {
    column: usize,
    value: Arc<dyn PhysicalExpr>,
}

impl KeyedSide {
    /// That side of the join, if it is a scan of a whole stored relation with conditions and projections at most, and the
    /// join's columns are those of its key, of an index that has all that is read, or the first of either.
    pub(super) fn of(join: &HashJoinExec, side: JoinSide) -> Option<KeyedSide> {
        let (inner, outer) = match side {
            JoinSide::Left => (join.left(), join.right()),
            _ => (join.right(), join.left()),
        };
        let scan = whole_scan(inner)?.clone();
        let outer_schema = outer.schema();
        let mut equalities: Vec<Equality> = Vec::new();
        for (left, right) in join.on() {
            let (own, value) = if side == JoinSide::Left { (left, right) } else { (right, left) };
            let Some(own) = own.downcast_ref::<Column>() else { continue };
            let Some(column) = origin(inner, own.index()) else { continue };
            let wanted = scan.layout.columns.get(column)?.to_arrow();
            if value.data_type(&outer_schema).ok()? == wanted && !equalities.iter().any(|e| e.column == column) {
                equalities.push(Equality { column, value: value.clone() });
            }
        }
        KeyedSide::best(side, scan, &equalities)
    }

    fn best(side: JoinSide, scan: StoredScan, equalities: &[Equality]) -> Option<KeyedSide> {
        let layout = scan.layout.clone();
        let covered = |key: &[KeyColumn], distribution: usize| {
            let count = key.iter().take_while(|k| equalities.iter().any(|e| e.column == k.column)).count();
            (count >= distribution.max(1)).then_some(count)
        };
        let mut best = covered(&layout.key, layout.distribution).map(|count| (count, None));
        for &number in &scan.usable {
            let index = layout.indexes.get(number)?;
            let holds_all = scan.parts.iter().all(|p| matches!(p, Part::Column(c) if index.stored.contains(c)));
            if holds_all
                && let Some(count) = covered(&index.key, index.distribution)
                && best.is_none_or(|(best, _)| count > best)
            {
                best = Some((count, Some(number)));
            }
        }
        let (count, index) = best?;
        let (object, key, distribution) = match index {
            None => (layout.object, &layout.key, layout.distribution),
            Some(number) => {
                let index = layout.indexes.get(number)?;
                (index.object, &index.key, index.distribution)
            }
        };
        let key = &key[..count];
        let place = |(place, k): (usize, &KeyColumn)| (layout.columns[k.column], KeyColumn { column: place, ..*k });
        let codec = KeyCodec::new(key.iter().enumerate().map(place).collect(), distribution);
        let value = |k: &KeyColumn| equalities.iter().find(|e| e.column == k.column).map(|e| e.value.clone());
        let values = key.iter().map(value).collect::<Option<Vec<_>>>()?;
        let unique = index.is_none() && !layout.keyless && count == layout.key.len();
        let columns = key.iter().map(|k| k.column).collect();
        Some(KeyedSide { side, scan, object, index, columns, codec, unique, values })
    }

    /// Whether a row of the other side matches at most one row of this.
    pub(super) fn is_unique(&self) -> bool {
        self.unique
    }

    /// `features by (item_id) = (item_id@0)`
    pub(super) fn describe(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|c| self.scan.column_name(*c)).collect();
        let values: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        let index = self.index.map_or("", |_| ", in an index");
        format!("{} by ({}) = ({}){index}", self.scan.name, names.join(", "), values.join(", "))
    }

    /// The keys that rows of the other side have. A NULL equals nothing.
    pub(super) fn keys(&self, outer: &[RecordBatch]) -> Result<BTreeSet<Vec<u8>>> {
        let mut keys = BTreeSet::new();
        for batch in outer {
            let arrays = self.values.iter().map(|value| value.evaluate(batch)?.into_array(batch.num_rows()));
            let arrays = arrays.collect::<Result<Vec<_>>>()?;
            let fields = arrays.iter().map(|array| Field::new("key", array.data_type().clone(), true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let nulls: Vec<_> = arrays.iter().filter_map(|array| array.logical_nulls()).collect();
            let encoded = self.codec.encode_batch(&RecordBatch::try_new(schema, arrays)?).map_err(external)?;
            for (row, key) in encoded.iter().enumerate() {
                if nulls.iter().all(|nulls| nulls.is_valid(row)) && !keys.contains(key) {
                    keys.insert(key.to_vec());
                }
            }
        }
        Ok(keys)
    }

    /// The side reading only the rows with these keys.
    pub(super) fn narrowed(
        &self,
        side: Arc<dyn ExecutionPlan>,
        keys: BTreeSet<Vec<u8>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let keys = match self.unique {
            true => Keys::Points(keys.into_iter().collect()),
            // Keys of the same columns are no prefixes of one another, so these are disjoint.
            false => Keys::Ranges(keys.iter().map(|key| KeyRange::prefix(key)).collect()),
        };
        let access = Access { object: self.object, index: self.index, keys };
        let scan = StoredScan { access, ..self.scan.clone() };
        let scan: Arc<dyn ExecutionPlan> = Arc::new(ScanExec::new(Arc::new(scan.clone()), scan.schema));
        let narrowed = side.transform_down(|node| {
            Ok(if node.is::<ScanExec>() { Transformed::yes(scan.clone()) } else { Transformed::no(node) })
        });
        narrowed.data()
    }
}

/// Whether a plan gives the rows of a whole relation: as many as there are, so not worth a lookup each.
pub(super) fn is_whole_relation(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.is::<ProjectionExec>() || plan.is::<CooperativeExec>() {
        return plan.children().into_iter().all(is_whole_relation);
    }
    let Some(scan) = plan.downcast_ref::<ScanExec>() else { return false };
    scan.source::<LogScan>().is_some() || scan.source::<StoredScan>().is_some_and(StoredScan::is_whole)
}

/// The scan under conditions and projections, if it reads the whole relation.
fn whole_scan(plan: &Arc<dyn ExecutionPlan>) -> Option<&StoredScan> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        return scan.source::<StoredScan>().filter(|scan| scan.is_whole());
    }
    whole_scan(passes_rows(plan)?)
}

/// The relation's column that a column of the side is.
fn origin(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Option<usize> {
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        return match scan.source::<StoredScan>()?.parts.get(column)? {
            Part::Column(column) => Some(*column),
            Part::Key | Part::Row => None,
        };
    }
    let column = if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        filter.projection().as_ref().map_or(Some(column), |projection| projection.get(column).copied())?
    } else if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        projection.expr().get(column)?.expr.downcast_ref::<Column>()?.index()
    } else {
        column
    };
    origin(passes_rows(plan)?, column)
}

/// The input of an operator that treats each row by itself.
fn passes_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    let by_row = plan.is::<FilterExec>()
        || plan.is::<ProjectionExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<Unordered>();
    match plan.children()[..] {
        [input] if by_row && plan.fetch().is_none() => Some(input),
        _ => None,
    }
}

fn external(error: attune_storage::StorageError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
