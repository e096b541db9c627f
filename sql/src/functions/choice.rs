//! `greatest` and `least`: intervals are compared by their length. The rest is DataFusion's, which leaves NULLs out as Postgres
//! does.

use crate::operators::{lengths, scalar_again};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, FieldRef};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// The function with intervals of its own, if it is one of these.
pub(super) fn choice(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let greatest = match function.name() {
        "greatest" => true,
        "least" => false,
        _ => return None,
    };
    Some(Arc::new(ScalarUDF::new_from_impl(Choice { inner: Arc::clone(function), greatest })))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Choice {
    inner: Arc<ScalarUDF>,
    greatest: bool,
}

impl ScalarUDFImpl for Choice {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !matches!(arguments.return_type(), DataType::Interval(_)) {
            return self.inner.invoke_with_args(arguments);
        }
        let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let arrays: Vec<ArrayRef> = arguments.args.iter().map(|value| value.to_array(rows)).collect::<Result<_>>()?;
        let Some((first, rest)) = arrays.split_first() else { return internal_err!("{} of nothing", self.name()) };
        let mut best = Arc::clone(first);
        for array in rest {
            best = zip(&self.is_better(array, &best), array, &best)?;
        }
        scalar_again(best, constant)
    }
}

impl Choice {
    /// For each row, whether the value takes the place of the best so far.
    fn is_better(&self, array: &ArrayRef, best: &ArrayRef) -> BooleanArray {
        let (values, best) = (lengths(array), lengths(best));
        let (values, best) = (values.as_primitive::<Decimal128Type>(), best.as_primitive::<Decimal128Type>());
        let better = (0..values.len()).map(|row| match (values.is_valid(row), best.is_valid(row)) {
            (false, _) => false,
            (true, false) => true,
            (true, true) if self.greatest => values.value(row) > best.value(row),
            (true, true) => values.value(row) < best.value(row),
        });
        BooleanArray::from(better.collect::<Vec<bool>>())
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{Double, Interval};

    #[test]
    fn intervals_are_compared_by_length() {
        let intervals = [("25 hours", Interval), ("NULL", Interval), ("1 day", Interval)];
        assert_eq!(call("greatest", &intervals), "25:00:00");
        assert_eq!(call("least", &intervals), "1 day");
        assert_eq!(call("greatest", &[("NULL", Interval), ("NULL", Interval)]), "NULL");
        assert_eq!(call("greatest", &[("1", Double), ("NaN", Double), ("NULL", Double)]), "NaN");
    }
}
