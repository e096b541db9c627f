//! Functions of our own over whole columns: a name, the types, and what is computed.

use crate::SqlError;
use crate::operators::{of_no_rows, scalar_again};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The types of arguments, and that of the result, for arguments of these types; `None` if there is no such function.
pub(super) type Types = fn(&[DataType]) -> Option<(Vec<DataType>, DataType)>;
/// The result for arguments of the declared types.
pub(super) type Compute = fn(&Arguments<'_>) -> std::result::Result<ArrayRef, SqlError>;

/// The arguments of a call.
pub(super) struct Arguments<'a> {
    values: &'a [ColumnarValue],
    rows: usize,
    /// The type of the result.
    pub(super) returns: &'a DataType,
    /// The settings it runs with.
    pub(super) config: &'a ConfigOptions,
}

impl Arguments<'_> {
    /// The number of rows of the result.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// An argument as a column, constants repeated.
    pub(super) fn array(&self, index: usize) -> std::result::Result<ArrayRef, SqlError> {
        let value = self.values.get(index).ok_or_else(|| SqlError::internal("an argument is missing"))?;
        value.to_array(self.rows).map_err(|e| crate::binder::map_datafusion_error(&e))
    }

    /// An argument of a primitive type.
    pub(super) fn primitive<T: ArrowPrimitiveType>(
        &self,
        index: usize,
    ) -> std::result::Result<PrimitiveArray<T>, SqlError> {
        let array = self.array(index)?;
        let values = array.as_primitive_opt::<T>();
        values.cloned().ok_or_else(|| SqlError::internal(format!("an argument of type {}", array.data_type())))
    }

    /// An argument of type text.
    pub(super) fn text(&self, index: usize) -> std::result::Result<StringArray, SqlError> {
        let array = self.array(index)?;
        let values = array.as_string_opt::<i32>();
        values.cloned().ok_or_else(|| SqlError::internal(format!("an argument of type {}", array.data_type())))
    }

    /// The value of an argument that is the same text in all rows.
    pub(super) fn constant(&self, index: usize) -> Option<&str> {
        match self.values.get(index) {
            Some(ColumnarValue::Scalar(value)) => value.try_as_str().flatten(),
            _ => None,
        }
    }

    /// The list that an argument is in all rows, in an array of one.
    pub(super) fn constant_list(&self, index: usize) -> Option<&ListArray> {
        match self.values.get(index) {
            Some(ColumnarValue::Scalar(ScalarValue::List(list))) => Some(list),
            _ => None,
        }
    }
}

/// The function.
#[derive(Debug)]
pub(super) struct Own {
    name: &'static str,
    aliases: Vec<String>,
    types: Types,
    compute: Compute,
    signature: Signature,
}

impl Own {
    /// A function that depends on its arguments only.
    pub(super) fn function(name: &'static str, types: Types, compute: Compute) -> Arc<ScalarUDF> {
        Own::with_alias(name, None, types, compute)
    }

    /// The same with another name.
    pub(super) fn with_alias(
        name: &'static str,
        alias: Option<&str>,
        types: Types,
        compute: Compute,
    ) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        let aliases = alias.map(str::to_owned).into_iter().collect();
        Arc::new(ScalarUDF::new_from_impl(Own { name, aliases, types, compute, signature }))
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Own) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}

impl std::hash::Hash for Own {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Own {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match (self.types)(arguments) {
            Some((types, _)) => Ok(types),
            None => plan_err!("{} does not take arguments of these types", self.name),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match (self.types)(arguments) {
            Some((_, returns)) => Ok(returns),
            None => plan_err!("{} does not take arguments of these types", self.name),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let (returns, config) = (arguments.return_type(), &*arguments.config_options);
        let call = Arguments { values: &arguments.args, rows, returns, config };
        let result = (self.compute)(&call).map_err(|error| DataFusionError::External(Box::new(error)))?;
        scalar_again(result, constant)
    }
}

/// Whether an argument may be taken for one of a type: it has it, or is NULL.
pub(super) fn is(argument: &DataType, wanted: &DataType) -> bool {
    argument == wanted || argument.is_null()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Registry;
    use crate::binder::map_datafusion_error;
    use crate::types::SqlType;
    use crate::types::text::{read_array, read_value, write_value};
    use datafusion::arrow::array::Array;
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::ScalarValue;
    use datafusion::common::config::ConfigOptions;
    use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs};
    use std::sync::Arc;

    /// The text of what a function of the registry gives for constants; NULL is `NULL`, an error its code and message.
    pub(in super::super) fn call(name: &str, arguments: &[(&str, SqlType)]) -> String {
        let values = arguments.iter().map(|(text, sql_type)| match *text {
            "NULL" => ScalarValue::try_new_null(&sql_type.to_arrow()).unwrap(),
            text => read_value(text, *sql_type).unwrap(),
        });
        call_values(name, values.collect())
    }

    /// An array of constants.
    pub(in super::super) fn list(text: &str, element: SqlType) -> ScalarValue {
        read_array(text, element).unwrap()
    }

    /// As [`call`], of values.
    pub(in super::super) fn call_values(name: &str, values: Vec<ScalarValue>) -> String {
        let function = Registry::standard().scalar(name).unwrap_or_else(|| panic!("{name}"));
        let fields: Vec<_> = values.iter().map(|value| Arc::new(Field::new("a", value.data_type(), true))).collect();
        let scalars: Vec<_> = values.iter().map(Some).collect();
        let field =
            function.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars });
        let return_field = match field {
            Ok(field) => field,
            Err(error) => return map_datafusion_error(&error).to_string(),
        };
        let call = ScalarFunctionArgs {
            args: values.into_iter().map(ColumnarValue::Scalar).collect(),
            arg_fields: fields,
            number_rows: 1,
            return_field: Arc::clone(&return_field),
            config_options: Arc::new(ConfigOptions::default()),
        };
        let array = match function.invoke_with_args(call) {
            Ok(value) => value.to_array(1).unwrap(),
            Err(error) => {
                let error = map_datafusion_error(&error);
                return format!("{}: {}", error.state.code(), error.message);
            }
        };
        assert_eq!(array.data_type(), return_field.data_type(), "{name}");
        if array.is_null(0) {
            return "NULL".to_owned();
        }
        let mut out = String::new();
        write_value(&mut out, array.as_ref(), 0).unwrap();
        out
    }
}
