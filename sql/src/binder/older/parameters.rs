//! Parameters `$1`, `$2`, ...: their types, and their values.

use crate::binder::errors::map_datafusion_error;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result as DfResult, ScalarValue};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, TryCast};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Highest parameter number, as in Postgres' protocol (a 16-bit count).
const MAX_PARAMETERS: usize = 65_535;

/// A parameter's type as DataFusion wants it.
pub(super) fn field(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new("", data_type.clone(), true))
}

/// Types of the parameters of a plan, `$1` first; `None` where nothing tells, and for lists, which have no [`SqlType`].
///
/// # Errors
/// 42P02 for parameters that are not `$` and a number.
pub fn parameter_types(plan: &LogicalPlan) -> Result<Vec<Option<SqlType>>, SqlError> {
    Ok(parameter_arrow_types(plan)?.iter().map(|t| t.as_ref().and_then(SqlType::from_arrow)).collect())
}

/// Arrow types of the parameters of a plan, `$1` first; `None` where nothing tells.
///
/// # Errors
/// 42P02 for parameters that are not `$` and a number, 42804 for one that is used as two types.
pub fn parameter_arrow_types(plan: &LogicalPlan) -> Result<Vec<Option<DataType>>, SqlError> {
    let mut found: BTreeMap<String, Option<DataType>> = BTreeMap::new();
    collect(plan, &mut found).map_err(|e| map_datafusion_error(&e))?;
    let mut types = Vec::new();
    for (id, data_type) in found {
        let index = index(&id)?;
        if types.len() <= index {
            types.resize(index + 1, None);
        }
        types[index] = data_type;
    }
    Ok(types)
}

/// Puts values in place of parameters. Values of another type than the plan expects are cast.
///
/// # Errors
/// 42P02 if a value is missing; 22P02 and its like if a value cannot be cast.
pub fn bind_parameters(plan: LogicalPlan, values: Vec<ScalarValue>) -> Result<LogicalPlan, SqlError> {
    let types = parameter_arrow_types(&plan)?;
    if types.is_empty() {
        return Ok(plan);
    }
    let mut cast = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        cast.push(match types.get(index) {
            Some(Some(wanted)) if *wanted != value.data_type() => {
                value.cast_to(wanted).map_err(|e| map_datafusion_error(&e))?
            }
            _ => value,
        });
    }
    plan.with_param_values(cast).map_err(|e| map_datafusion_error(&e))
}

/// The types of all parameters: as declared, else as their use tells, else text.
pub(super) fn infer(plan: &LogicalPlan, declared: &[Option<DataType>]) -> Result<Vec<DataType>, SqlError> {
    let mut found = parameter_arrow_types(plan)?;
    if found.len() < declared.len() {
        found.resize(declared.len(), None);
    }
    let declared = declared.iter().cloned().chain(std::iter::repeat(None));
    Ok(found.into_iter().zip(declared).map(|(found, declared)| declared.or(found).unwrap_or(DataType::Utf8)).collect())
}

/// Whether planning has to be done again with what `infer` found.
pub(super) fn differ(inferred: &[DataType], declared: &[Option<DataType>]) -> bool {
    inferred.len() != declared.len() || inferred.iter().zip(declared).any(|(i, d)| d.as_ref() != Some(i))
}

fn index(id: &str) -> Result<usize, SqlError> {
    match id.trim_start_matches('$').parse::<usize>() {
        Ok(number) if (1..=MAX_PARAMETERS).contains(&number) => Ok(number - 1),
        _ => Err(SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter {id}"))
            .with_hint("Parameters are $1, $2, ...")),
    }
}

/// Every parameter of the plan and its subqueries, with the type DataFusion or `context_type` found.
fn collect(plan: &LogicalPlan, found: &mut BTreeMap<String, Option<DataType>>) -> DfResult<()> {
    plan.apply_with_subqueries(|node| {
        let schemas = input_schema(node)?;
        let limit = matches!(node, LogicalPlan::Limit(_));
        node.apply_expressions(|expr| {
            if limit && let Expr::Placeholder(placeholder) = expr {
                note(found, placeholder, Some(DataType::Int64));
            }
            expr.apply(|e| {
                of_children(e, &schemas, found);
                Ok(TreeNodeRecursion::Continue)
            })?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn input_schema(node: &LogicalPlan) -> DfResult<DFSchema> {
    let mut schema = DFSchema::empty();
    for input in node.inputs() {
        schema.merge(input.schema());
    }
    if node.inputs().is_empty() {
        schema.merge(node.schema());
    }
    Ok(schema)
}

/// Types that an expression tells of the parameters directly below it.
fn of_children(expr: &Expr, schema: &DFSchema, found: &mut BTreeMap<String, Option<DataType>>) {
    match expr {
        Expr::Placeholder(placeholder) => note(found, placeholder, None),
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            if let Expr::Placeholder(placeholder) = expr.as_ref() {
                note(found, placeholder, Some(field.data_type().clone()));
            }
        }
        // x = ANY($1) is planned as array_has($1, x).
        Expr::ScalarFunction(call) if call.func.name() == "array_has" => {
            if let [Expr::Placeholder(placeholder), value] = call.args.as_slice()
                && let Ok(element) = value.get_type(schema)
            {
                note(found, placeholder, Some(DataType::new_list(element, true)));
            }
        }
        // Functions such as coalesce have arguments of one type.
        Expr::ScalarFunction(call) if matches!(call.func.name(), "coalesce" | "nullif" | "greatest" | "least") => {
            let known = call.args.iter().filter(|a| !matches!(a, Expr::Placeholder(_)));
            if let Some(data_type) = known.filter_map(|a| a.get_type(schema).ok()).find(|t| !t.is_null()) {
                for arg in &call.args {
                    if let Expr::Placeholder(placeholder) = arg {
                        note(found, placeholder, Some(data_type.clone()));
                    }
                }
            }
        }
        _ => {}
    }
}

/// Keeps the first type that is known.
fn note(found: &mut BTreeMap<String, Option<DataType>>, placeholder: &Placeholder, told: Option<DataType>) {
    let told = placeholder.field.as_ref().map(|f| f.data_type().clone()).or(told).filter(|t| !t.is_null());
    let entry = found.entry(placeholder.id.clone()).or_default();
    if entry.is_none() {
        *entry = told;
    }
}
