//! `to_char(timestamp | timestamptz | date, template)` with Postgres' templates.

use super::template::Template;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
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

    /// What cannot be formatted stays as it is: `return_type` says why, DataFusion would drop an error of this function.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, template] = arguments else { return plan_err!("to_char expects 2 arguments") };
        let moment = |zone: Option<Arc<str>>| DataType::Timestamp(TimeUnit::Microsecond, zone);
        let value = match value {
            DataType::Timestamp(_, zone) => moment(zone.clone()),
            // Postgres takes a date for a timestamp with time zone.
            DataType::Date32 | DataType::Null => moment(Some("+00:00".into())),
            other => other.clone(),
        };
        Ok(vec![value, if template.is_null() { DataType::Utf8 } else { template.clone() }])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::Timestamp(..) | DataType::Date32 | DataType::Null, template]
                if template.is_string() || template.is_null() =>
            {
                Ok(DataType::Utf8)
            }
            [value, _] => Err(DataFusionError::External(Box::new(refusal(value)))),
            _ => plan_err!("to_char expects 2 arguments"),
        }
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

fn refusal(value: &DataType) -> SqlError {
    match value {
        DataType::Interval(_) | DataType::Duration(_) => SqlError::unsupported(
            "to_char of an interval is not supported",
            "Cast the interval to text, or use extract().",
        ),
        number if number.is_numeric() => SqlError::unsupported(
            "to_char of a number is not supported",
            "Cast the number to text: round(x, 2)::text, lpad(x::text, 8, '0').",
        ),
        _ => SqlError::new(SqlState::UndefinedFunction, "to_char takes a time and a template")
            .with_hint("You might need to add explicit type casts."),
    }
}
