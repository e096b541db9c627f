//! The cast to `varchar(n)`: a text, cut to so many characters.

use super::{map, only, strict_function};
use datafusion::arrow::array::{AsArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl};
use std::sync::Arc;

/// The function that cuts a text to `limit` characters. A plan keeps it as `left(text, limit)`, see [`varchar_limit`].
#[must_use]
pub fn varchar(limit: u32) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Varchar { limit }))
}

/// The limit of [`varchar`]; `None` for other functions.
#[must_use]
pub fn varchar_limit(function: &ScalarUDF) -> Option<u32> {
    function.inner().downcast_ref::<Varchar>().map(|varchar| varchar.limit)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Varchar {
    limit: u32,
}

impl ScalarUDFImpl for Varchar {
    strict_function!(1);

    fn name(&self) -> &str {
        "varchar"
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let limit = self.limit as usize;
        map(only(&arguments.args, self)?, |array| {
            let texts = super::cast_array(array, &DataType::Utf8)?;
            let cut = texts.as_string::<i32>().iter().map(|text| text.map(|text| first(text, limit)));
            Ok(Arc::new(cut.collect::<StringArray>()))
        })
    }
}

/// The first characters of a text.
fn first(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted() {
        assert_eq!(first("äöü", 2), "äö");
        assert_eq!(first("äö", 2), "äö");
        assert_eq!(varchar_limit(&varchar(3)), Some(3));
    }
}
