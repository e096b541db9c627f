//! `to_char(timestamp | timestamptz | date, template)` with Postgres' templates.

use super::template::Template;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToChar {
    signature: Signature,
}

/// `to_char`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(ToChar { signature: Signature::user_defined(Volatility::Immutable) }))
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        "to_char"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, template] = arguments else {
            return refuse(SqlError::new(SqlState::UndefinedFunction, "to_char takes a time and a template"));
        };
        let zone = match value {
            DataType::Timestamp(_, zone) => zone.clone(),
            // Postgres takes a date for a timestamp with time zone.
            DataType::Date32 | DataType::Null => Some("+00:00".into()),
            DataType::Interval(_) | DataType::Duration(_) => {
                return refuse(SqlError::unsupported(
                    "to_char of an interval is not supported",
                    "Cast the interval to text, or use extract().",
                ));
            }
            number if number.is_numeric() => {
                return refuse(SqlError::unsupported(
                    "to_char of a number is not supported",
                    "Cast the number to text: round(x, 2)::text, lpad(x::text, 8, '0').",
                ));
            }
            _ => {
                return refuse(SqlError::new(SqlState::UndefinedFunction, "to_char takes a time and a template").with_hint(
                    "You might need to add explicit type casts.",
                ));
            }
        };
        if !matches!(template, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) {
            return refuse(SqlError::new(SqlState::UndefinedFunction, "the template of to_char is a text"));
        }
        Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, zone), DataType::Utf8])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, template] = arguments.args.as_slice() else {
            return datafusion::common::internal_err!("to_char takes two arguments");
        };
        let constant = arguments.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let moments = value.to_array(if constant { 1 } else { arguments.number_rows })?;
        let texts = match template {
            ColumnarValue::Scalar(template) => {
                let template = Arc::new(template.try_as_str().flatten().map(Template::parse));
                write(&moments, |_| Arc::clone(&template))
            }
            ColumnarValue::Array(templates) => {
                let templates = cast(templates, &DataType::Utf8)?;
                let templates = templates.as_string::<i32>();
                write(&moments, |row| Arc::new(templates.is_valid(row).then(|| Template::parse(templates.value(row)))))
            }
        };
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?),
            false => ColumnarValue::Array(texts),
        })
    }
}

/// The text of each moment; an empty template gives NULL, as in Postgres.
fn write(moments: &ArrayRef, template: impl Fn(usize) -> Arc<Option<Template>>) -> ArrayRef {
    let has_zone = matches!(moments.data_type(), DataType::Timestamp(_, Some(_)));
    let values = moments.as_primitive::<TimestampMicrosecondType>();
    let mut out = StringBuilder::with_capacity(moments.len(), 20 * moments.len());
    let mut buffer = String::new();
    for row in 0..values.len() {
        match &*template(row) {
            Some(template) if values.is_valid(row) && !template.is_empty() => {
                buffer.clear();
                template.write(&mut buffer, values.value(row), has_zone);
                out.append_value(&buffer);
            }
            _ => out.append_null(),
        }
    }
    Arc::new(out.finish())
}

fn refuse<T>(error: SqlError) -> Result<T> {
    Err(DataFusionError::External(Box::new(error)))
}
