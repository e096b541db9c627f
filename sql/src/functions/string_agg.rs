//! `string_agg(text, delimiter)` as in Postgres: each row has its delimiter, which stands before its text unless that is the first.
//!
//! DataFusion's, which windows have, knows constant delimiters only. This one leaves DISTINCT and ORDER BY to
//! [`ordered`](super::ordered()).

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// `string_agg`.
#[must_use]
pub fn string_agg() -> Arc<AggregateUDF> {
    let signature = Signature::exact(vec![DataType::Utf8, DataType::Utf8], Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(StringAgg { signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StringAgg {
    signature: Signature,
}

impl AggregateUDFImpl for StringAgg {
    fn name(&self) -> &str {
        "string_agg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Joined { first: None, text: String::new() }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str| Arc::new(Field::new(format_state_name(arguments.name, name), DataType::Utf8, true));
        Ok(vec![field("text"), field("first")])
    }
}

/// Texts, each after its delimiter.
#[derive(Debug)]
struct Joined {
    /// The first delimiter, which is left out in the end; `None` without a row.
    first: Option<String>,
    text: String,
}

fn texts(array: &ArrayRef) -> Result<&StringArray> {
    match array.as_string_opt::<i32>() {
        Some(texts) => Ok(texts),
        None => internal_err!("string_agg of {}", array.data_type()),
    }
}

impl Joined {
    fn result(&self) -> Option<&str> {
        self.first.as_ref().map(|first| &self.text[first.len()..])
    }
}

impl Accumulator for Joined {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [values, delimiters] = take_function_args("string_agg", arguments)?;
        for (value, delimiter) in texts(values)?.iter().zip(texts(delimiters)?) {
            let Some(value) = value else { continue };
            let delimiter = delimiter.unwrap_or_default();
            self.first.get_or_insert_with(|| delimiter.to_owned());
            self.text.push_str(delimiter);
            self.text.push_str(value);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8(self.result().map(str::to_owned)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let text = self.first.as_ref().map(|_| std::mem::take(&mut self.text));
        Ok(vec![ScalarValue::Utf8(text), ScalarValue::Utf8(self.first.take())])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, firsts] = take_function_args("string_agg", states)?;
        for (value, first) in texts(values)?.iter().zip(texts(firsts)?) {
            if let (Some(value), Some(first)) = (value, first) {
                self.first.get_or_insert_with(|| first.to_owned());
                self.text.push_str(value);
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.text.capacity() + self.first.as_ref().map_or(0, String::capacity)
    }
}
