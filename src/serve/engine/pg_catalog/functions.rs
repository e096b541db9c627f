//! Functions over oids and names, as psql and drivers call them.

mod privilege;

use super::{
    AnyIndex, FIRST_OID, KEY_OID, OWNER, OWNER_OID, all_indexes, columns, fixed, index, io_functions, oid, types,
};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors::external;
use attune_sql::SqlError;
use attune_sql::SqlState::{self, InvalidSchemaName, UndefinedFunction, UndefinedObject, UndefinedTable};
use attune_sql::catalog::{Catalog, Relation, RelationId};
use attune_sql::functions::Registry;
use attune_storage::{ObjectId, Table};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::TypeSignature::{Nullary, VariadicAny};
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
    ("pg_table_is_visible", DataType::Boolean, |_, _, a| if a.is_empty() { Answer::Null } else { Answer::Bool(true) }),
    ("pg_get_userbyid", DataType::Utf8, |_, _, a| match int(a, 0) {
        Some(OWNER_OID) => Answer::Text(OWNER.to_owned()),
        Some(oid) => Answer::Text(format!("unknown (OID={oid})")),
        None => Answer::Null,
    }),
    ("pg_get_indexdef", DataType::Utf8, |_, c, a| {
        find_index(c, a)
            .map(|i| index_definition(&i, int(a, 1).unwrap_or(0), text(a, 2).as_deref() == Some("true")))
            .into()
    }),
    ("pg_get_constraintdef", DataType::Utf8, |_, c, a| {
        find_index(c, a).map(|i| format!("PRIMARY KEY ({})", index::key(&i))).into()
    }),
    ("pg_get_viewdef", DataType::Utf8, |_, c, a| {
        relation(c, a).and_then(|r| r.query.clone()).map(|q| format!("{q};")).into()
    }),
    ("has_table_privilege", DataType::Boolean, privilege::has_table_privilege),
    ("pg_encoding_to_char", DataType::Utf8, |_, _, a| match int(a, 0) {
        Some(6) => Answer::Text("UTF8".to_owned()),
        Some(_) => Answer::Text(String::new()),
        None => Answer::Null,
    }),
    ("pg_char_to_encoding", DataType::Int64, |_, _, a| match text(a, 0).map(|name| name.to_lowercase()).as_deref() {
        Some("utf8" | "utf-8" | "unicode") => Answer::Int(6),
        Some(_) => Answer::Int(-1),
        None => Answer::Null,
    }),
    ("pg_is_other_temp_schema", DataType::Boolean, |_, _, _| Answer::Bool(false)),
    ("pg_database_size", DataType::Int64, |s, c, a| match text(a, 0) {
        Some(_) => {
            let sizes = c.relations().map(|relation| match size(s, c, &[Some(oid(relation.id).to_string())]) {
                Answer::Int(bytes) => bytes,
                _ => 0,
            });
            Answer::Int(sizes.sum())
        }
        None => Answer::Null,
    }),
    ("pg_indexes_size", DataType::Int64, |s, c, a| {
        let wanted = int(a, 0);
        let of_relation = c.indexes().filter(|index| Some(oid(index.relation)) == wanted);
        let sizes = of_relation.map(|index| match size(s, c, &[Some(oid(index.id).to_string())]) {
            Answer::Int(bytes) => bytes,
            _ => 0,
        });
        wanted.map_or(Answer::Null, |_| Answer::Int(sizes.sum()))
    }),
    ("pg_relation_is_publishable", DataType::Boolean, |_, _, _| Answer::Bool(false)),
    ("attune_regclass", DataType::Int64, |_, c, a| found(a, "relation", UndefinedTable, |name| named(c, name))),
    ("attune_regclass_name", DataType::Utf8, |_, c, a| shown(a, |oid| name_of(c, oid))),
    ("attune_regtype", DataType::Int64, |_, _, a| found(a, "type", UndefinedObject, types::oid_of)),
    ("attune_regtype_name", DataType::Utf8, |_, _, a| shown(a, |oid| types::formatted(oid, -1))),
    ("attune_regnamespace", DataType::Int64, |_, _, a| found(a, "schema", InvalidSchemaName, fixed::schema_oid)),
    ("attune_regnamespace_name", DataType::Utf8, |_, _, a| shown(a, fixed::schema_name)),
    ("attune_regrole", DataType::Int64, |_, _, a| {
        found(a, "role", UndefinedObject, |name| (name == OWNER).then_some(OWNER_OID))
    }),
    ("attune_regrole_name", DataType::Utf8, |_, _, a| shown(a, |oid| (oid == OWNER_OID).then(|| OWNER.to_owned()))),
    ("attune_regproc", DataType::Int64, |_, _, a| found(a, "function", UndefinedFunction, io_functions::oid_of)),
    ("attune_regproc_name", DataType::Utf8, |_, _, a| shown(a, io_functions::name_of)),
    ("getdatabaseencoding", DataType::Utf8, |_, _, _| Answer::Text("UTF8".to_owned())),
    // Of a literal it is a value of the session, and put in place before.
    ("current_setting", DataType::Utf8, |_, _, _| {
        Answer::Failed(SqlError::unsupported("current_setting() needs a literal name", "Write the name in quotes."))
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

/// Functions that tell of what there is none of: NULL.
const NOTHING: [&str; 22] = [
    "col_description",
    "obj_description",
    "shobj_description",
    "pg_get_function_arg_default",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_partition_constraintdef",
    "pg_get_partkeydef",
    "pg_get_publication_tables",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_statisticsobjdef",
    "pg_get_statisticsobjdef_columns",
    "pg_get_statisticsobjdef_expressions",
    "pg_get_triggerdef",
    "pg_relation_filenode",
    "pg_sequence_last_value",
    "pg_tablespace_location",
    "pg_tablespace_size",
];

/// Functions that are true of all there is: there is one schema, and everybody may do everything.
const TRUE: [&str; 22] = [
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_function_privilege",
    "has_language_privilege",
    "has_schema_privilege",
    "has_sequence_privilege",
    "has_tablespace_privilege",
    "has_type_privilege",
    "pg_collation_is_visible",
    "pg_conversion_is_visible",
    "pg_function_is_visible",
    "pg_has_role",
    "pg_opclass_is_visible",
    "pg_operator_is_visible",
    "pg_opfamily_is_visible",
    "pg_statistics_obj_is_visible",
    "pg_ts_config_is_visible",
    "pg_ts_dict_is_visible",
    "pg_ts_parser_is_visible",
    "pg_ts_template_is_visible",
    "pg_type_is_visible",
];

/// The functions of queries: the standard ones, and these.
pub(in crate::serve::engine) fn functions(coordinator: &Coordinator) -> Registry {
    let nothing: Body = |_, _, _| Answer::Null;
    let yes: Body = |_, _, _| Answer::Bool(true);
    let all = FUNCTIONS.iter().cloned();
    let all = all.chain(NOTHING.iter().map(|name| (*name, DataType::Utf8, nothing)));
    let all = all.chain(TRUE.iter().map(|name| (*name, DataType::Boolean, yes)));
    all.fold(Registry::standard().clone(), |registry, (name, returns, body)| {
        let signature = Signature::one_of(vec![VariadicAny, Nullary], Volatility::Stable);
        let coordinator = coordinator.clone();
        let function = CatalogFunction { name, returns, body, coordinator, signature };
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

/// The oid of what has a name; a number is an oid itself, and a name that nothing has is an error.
fn found(arguments: &[Option<String>], kind: &str, state: SqlState, find: impl Fn(&str) -> Option<i64>) -> Answer {
    let Some(name) = text(arguments, 0) else { return Answer::Null };
    match name.parse().ok().or_else(|| find(&name)) {
        Some(oid) => Answer::Int(oid),
        None if name == "-" => Answer::Int(0),
        None => Answer::Failed(SqlError::new(state, format!("{kind} \"{name}\" does not exist"))),
    }
}

/// The name of what has an oid; without one the number, and `-` for 0.
fn shown(arguments: &[Option<String>], name: impl Fn(i64) -> Option<String>) -> Answer {
    match int(arguments, 0) {
        None => Answer::Null,
        Some(0) => Answer::Text("-".to_owned()),
        Some(oid) => Answer::Text(name(oid).unwrap_or_else(|| oid.to_string())),
    }
}

fn relation<'a>(catalog: &'a Catalog, arguments: &[Option<String>]) -> Option<&'a Arc<Relation>> {
    let wanted = int(arguments, 0)?;
    catalog.relations().find(|r| oid(r.id) == wanted)
}

fn find_index(catalog: &Catalog, arguments: &[Option<String>]) -> Option<AnyIndex> {
    let wanted = int(arguments, 0)?;
    all_indexes(catalog).into_iter().find(|i| i.oid == wanted)
}

/// All of an index, or its column number `column` from 1. What is pretty has no schema.
fn index_definition(found: &AnyIndex, column: i64, pretty: bool) -> String {
    match usize::try_from(column).ok().and_then(|c| c.checked_sub(1)) {
        None => index::definition(found, if pretty { "" } else { "public." }),
        Some(place) => found.columns().get(place).map_or_else(String::new, |c| index::quoted(&c.name)),
    }
}

/// The oid of a relation or index by its name as SQL writes it: folded unless it is quoted, perhaps with a schema.
fn named(catalog: &Catalog, written: &str) -> Option<i64> {
    let (schema, name) = match index::unquoted(written).as_slice() {
        [name] => (None, name.clone()),
        [schema, name] => (Some(schema.clone()), name.clone()),
        _ => return None,
    };
    let own = match schema.as_deref() {
        None | Some("public") => catalog
            .find(&name)
            .map(|relation| oid(relation.id))
            .or_else(|| all_indexes(catalog).into_iter().find(|index| index.name == name).map(|index| index.oid)),
        _ => None,
    };
    own.or_else(|| match schema.as_deref() {
        None | Some("pg_catalog") => columns::oid(&name),
        Some("information_schema") => columns::oid(&format!("information_schema.{name}")),
        Some(_) => None,
    })
}

fn name_of(catalog: &Catalog, wanted: i64) -> Option<String> {
    let relation = catalog.relations().find(|r| oid(r.id) == wanted).map(|r| index::quoted(&r.name));
    relation
        .or_else(|| all_indexes(catalog).into_iter().find(|i| i.oid == wanted).map(|i| index::quoted(&i.name)))
        .or_else(|| columns::name(wanted).map(str::to_owned))
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
