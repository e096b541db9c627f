//! Functions over oids and names, as psql and drivers call them.

mod privilege;

use super::{AnyIndex, FIRST_OID, KEY_OID, OWNER, OWNER_OID, all_indexes, index, oid, types};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors::external;
use attune_sql::SqlError;
use attune_sql::catalog::{Catalog, Relation, RelationId};
use attune_sql::functions::Registry;
use attune_storage::{ObjectId, Table};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a function gives for one row; arguments are text, or NULL.
enum Answer {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Failed(SqlError),
}

impl From<Option<String>> for Answer {
    fn from(text: Option<String>) -> Answer {
        text.map_or(Answer::Null, Answer::Text)
    }
}

type Body = fn(&Coordinator, &Catalog, &[Option<String>]) -> Answer;

/// A function of the catalogs.
struct CatalogFunction {
    name: &'static str,
    returns: DataType,
    body: Body,
    coordinator: Coordinator,
    signature: Signature,
}

/// Name, type of the result, and what it computes.
const FUNCTIONS: &[(&str, DataType, Body)] = &[
    ("format_type", DataType::Utf8, |_, _, a| match (int(a, 0), int(a, 1)) {
        (Some(oid), typmod) => {
            Answer::Text(types::formatted(oid, typmod.unwrap_or(-1)).unwrap_or_else(|| "???".to_owned()))
        }
        _ => Answer::Null,
    }),
    ("pg_get_expr", DataType::Utf8, |_, _, a| text(a, 0).into()),
    ("attune_column_default", DataType::Utf8, |_, c, a| {
        let default = relation(c, a)
            .zip(int(a, 1))
            .and_then(|(r, n)| r.columns.get(usize::try_from(n).ok()?.checked_sub(1)?)?.default.clone());
        default.into()
    }),
    ("pg_table_is_visible", DataType::Boolean, |_, _, a| if a.is_empty() { Answer::Null } else { Answer::Bool(true) }),
    ("pg_type_is_visible", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("pg_function_is_visible", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("pg_get_userbyid", DataType::Utf8, |_, _, a| match int(a, 0) {
        Some(OWNER_OID) => Answer::Text(OWNER.to_owned()),
        Some(oid) => Answer::Text(format!("unknown (OID={oid})")),
        None => Answer::Null,
    }),
    ("pg_get_indexdef", DataType::Utf8, |_, c, a| {
        find_index(c, a).map(|i| index_definition(&i, int(a, 1).unwrap_or(0))).into()
    }),
    ("pg_get_constraintdef", DataType::Utf8, |_, c, a| {
        find_index(c, a).map(|i| format!("PRIMARY KEY ({})", index::key(&i))).into()
    }),
    ("pg_get_viewdef", DataType::Utf8, |_, c, a| {
        relation(c, a).and_then(|r| r.query.clone()).map(|q| format!("{q};")).into()
    }),
    ("pg_get_ruledef", DataType::Utf8, |_, _, _| Answer::Null),
    ("pg_get_serial_sequence", DataType::Utf8, |_, _, _| Answer::Null),
    ("obj_description", DataType::Utf8, |_, _, _| Answer::Null),
    ("col_description", DataType::Utf8, |_, _, _| Answer::Null),
    ("shobj_description", DataType::Utf8, |_, _, _| Answer::Null),
    ("has_table_privilege", DataType::Boolean, privilege::has_table_privilege),
    ("has_schema_privilege", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("has_database_privilege", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("has_column_privilege", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("has_any_column_privilege", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("has_function_privilege", DataType::Boolean, |_, _, _| Answer::Bool(true)),
    ("pg_encoding_to_char", DataType::Utf8, |_, _, a| match int(a, 0) {
        Some(6) => Answer::Text("UTF8".to_owned()),
        Some(_) => Answer::Text(String::new()),
        None => Answer::Null,
    }),
    ("pg_relation_is_publishable", DataType::Boolean, |_, _, _| Answer::Bool(false)),
    ("attune_regclass", DataType::Int64, |_, c, a| match (int(a, 0), text(a, 0)) {
        (Some(oid), _) => Answer::Int(oid),
        (None, Some(name)) => named(c, &name).map_or(Answer::Null, Answer::Int),
        _ => Answer::Null,
    }),
    ("attune_regclass_name", DataType::Utf8, |_, c, a| match int(a, 0) {
        Some(0) => Answer::Text("-".to_owned()),
        Some(oid) => Answer::Text(name_of(c, oid).unwrap_or_else(|| oid.to_string())),
        None => text(a, 0).into(),
    }),
    ("attune_regnamespace_name", DataType::Utf8, |_, _, a| match int(a, 0) {
        Some(super::PUBLIC_SCHEMA) => Answer::Text("public".to_owned()),
        Some(super::CATALOG_SCHEMA) => Answer::Text("pg_catalog".to_owned()),
        Some(other) => Answer::Text(other.to_string()),
        None => text(a, 0).into(),
    }),
    ("to_regclass", DataType::Int64, |_, c, a| {
        text(a, 0).and_then(|name| named(c, &name)).map_or(Answer::Null, Answer::Int)
    }),
    ("to_regtype", DataType::Int64, |_, _, a| {
        text(a, 0).and_then(|name| types::oid_of(&name)).map_or(Answer::Null, Answer::Int)
    }),
    ("pg_table_size", DataType::Int64, |s, c, a| size(s, c, a)),
    ("pg_relation_size", DataType::Int64, |s, c, a| size(s, c, a)),
    ("pg_total_relation_size", DataType::Int64, |s, c, a| size(s, c, a)),
    ("pg_size_pretty", DataType::Utf8, |_, _, a| int(a, 0).map(pretty).into()),
];

/// The functions of queries: the standard ones, and these.
pub(in crate::serve::engine) fn functions(coordinator: &Coordinator) -> Registry {
    FUNCTIONS.iter().fold(Registry::standard().clone(), |registry, (name, returns, body)| {
        let signature = Signature::variadic_any(Volatility::Stable);
        let coordinator = coordinator.clone();
        let function = CatalogFunction { name, returns: returns.clone(), body: *body, coordinator, signature };
        registry.with_scalar(Arc::new(ScalarUDF::new_from_impl(function)))
    })
}

/// Bytes of a relation or index; of a plain view 0, NULL for what there is not.
fn size(coordinator: &Coordinator, catalog: &Catalog, arguments: &[Option<String>]) -> Answer {
    let wanted = int(arguments, 0);
    let id = wanted.and_then(|w| u32::try_from(w - FIRST_OID).ok()).map(RelationId);
    let Some(id) = id else { return Answer::Null };
    let object = ObjectId(id.0);
    let bytes = match catalog.get(id) {
        Some(relation) if relation.only_grows() => coordinator.store().approximate_log_bytes(object),
        Some(_) => coordinator.store().approximate_bytes(Table::Rows(object)),
        None if catalog.indexes().any(|i| i.id == id) => coordinator.store().approximate_bytes(Table::Rows(object)),
        // A primary key has no bytes of its own: rows are stored in its order.
        None if wanted.is_some_and(|w| w >= KEY_OID) => Ok(0),
        None => return Answer::Null,
    };
    bytes.map_or(Answer::Null, |b| Answer::Int(i64::try_from(b).unwrap_or(i64::MAX)))
}

/// As Postgres shortens sizes: a unit is used up to 10,239 of it.
fn pretty(bytes: i64) -> String {
    let mut value = bytes;
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
        if value.unsigned_abs() < 10_240 {
            return format!("{value} {unit}");
        }
        value = (value + 512) / 1_024;
    }
    format!("{value} PB")
}

fn text(arguments: &[Option<String>], index: usize) -> Option<String> {
    arguments.get(index).cloned().flatten()
}

fn int(arguments: &[Option<String>], index: usize) -> Option<i64> {
    arguments.get(index)?.as_ref()?.parse().ok()
}

fn relation<'a>(catalog: &'a Catalog, arguments: &[Option<String>]) -> Option<&'a Arc<Relation>> {
    let wanted = int(arguments, 0)?;
    catalog.relations().find(|r| oid(r.id) == wanted)
}

fn find_index(catalog: &Catalog, arguments: &[Option<String>]) -> Option<AnyIndex> {
    let wanted = int(arguments, 0)?;
    all_indexes(catalog).into_iter().find(|i| i.oid == wanted)
}

/// All of an index, or its column number `column` from 1.
fn index_definition(found: &AnyIndex, column: i64) -> String {
    match usize::try_from(column).ok().and_then(|c| c.checked_sub(1)) {
        None => index::definition(found),
        Some(place) => found.columns().get(place).map_or_else(String::new, |c| index::quoted(&c.name)),
    }
}

fn named(catalog: &Catalog, name: &str) -> Option<i64> {
    let name = name.strip_prefix("public.").unwrap_or(name).trim_matches('"');
    match catalog.find(name) {
        Some(relation) => Some(oid(relation.id)),
        None => all_indexes(catalog).into_iter().find(|i| i.name == name).map(|i| i.oid),
    }
}

fn name_of(catalog: &Catalog, wanted: i64) -> Option<String> {
    let relation = catalog.relations().find(|r| oid(r.id) == wanted).map(|r| index::quoted(&r.name));
    relation.or_else(|| all_indexes(catalog).into_iter().find(|i| i.oid == wanted).map(|i| index::quoted(&i.name)))
}

impl fmt::Debug for CatalogFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CatalogFunction").field(&self.name).finish()
    }
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &CatalogFunction) -> bool {
        self.name == other.name
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let mut columns = Vec::with_capacity(args.args.len());
        for argument in args.args {
            columns.push(cast(&argument.into_array(rows)?, &DataType::Utf8)?);
        }
        let texts: Vec<&StringArray> = columns.iter().filter_map(|c| c.as_any().downcast_ref()).collect();
        let catalog = self.coordinator.catalog();
        let answer = |row: usize| {
            let values: Vec<_> = texts.iter().map(|c| c.is_valid(row).then(|| c.value(row).to_owned())).collect();
            (self.body)(&self.coordinator, &catalog, &values)
        };
        let answers = (0..rows).map(|row| match answer(row) {
            Answer::Failed(error) => Err(external(error)),
            answer => Ok(answer),
        });
        let answers = answers.collect::<Result<Vec<Answer>>>()?.into_iter();
        let array: ArrayRef = match self.returns {
            DataType::Boolean => Arc::new(
                answers.map(|a| if let Answer::Bool(v) = a { Some(v) } else { None }).collect::<BooleanArray>(),
            ),
            DataType::Int64 => {
                Arc::new(answers.map(|a| if let Answer::Int(v) = a { Some(v) } else { None }).collect::<Int64Array>())
            }
            _ => {
                Arc::new(answers.map(|a| if let Answer::Text(v) = a { Some(v) } else { None }).collect::<StringArray>())
            }
        };
        Ok(ColumnarValue::Array(array))
    }
}
