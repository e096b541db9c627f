//! The engine's words are for the log, and not for a client.
//!
//! Messages of DataFusion that nobody has foreseen pass on what they say. Those that speak of its types and plans help nobody, and
//! are replaced.

use crate::{SqlError, SqlState};

/// Words of DataFusion and Arrow that no message of Postgres has.
const WORDS: [&str; 27] = [
    "DataFusion",
    "datafusion",
    "Arrow",
    "arrow",
    "physical plan",
    "Physical plan",
    "logical plan",
    "Logical plan",
    "logical expression",
    "LogicalPlan",
    "Utf8",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Float16",
    "Float32",
    "Float64",
    "Decimal128",
    "Decimal256",
    "LargeList",
    "List(",
    "Array(",
    "Literal",
    "ScalarValue",
    "Scalar(",
    "field at idx",
];

/// The error without what it says of the engine.
pub(super) fn without_its_words(error: SqlError) -> SqlError {
    let told = [Some(&error.message), error.detail.as_ref()];
    let Some(text) = told.into_iter().flatten().find(|text| speaks_of_it(text)) else { return error };
    tracing::warn!(error = %text, "the engine refused a part of a statement");
    let state = match error.state {
        SqlState::InvalidParameterValue => SqlState::FeatureNotSupported,
        other => other,
    };
    SqlError::new(state, "a part of the statement is not supported in this form")
        .with_hint("docs/sql.md lists what statements can contain. The server's log tells which part.")
}

/// Whether it does, outside of what it quotes.
fn speaks_of_it(text: &str) -> bool {
    let unquoted: String = text.split('"').step_by(2).collect();
    WORDS.iter().any(|word| unquoted.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binder::{map_datafusion_error, map_run_error};
    use datafusion::common::DataFusionError;

    #[test]
    fn clients_do_not_read_them() {
        for error in [
            DataFusionError::Execution("Unsupported data type Array(StringArray[\"a\"]) for function".to_owned()),
            DataFusionError::NotImplemented("There is only support Literal types for field at idx: 1".to_owned()),
            DataFusionError::NotImplemented("Physical plan does not support logical expression x".to_owned()),
        ] {
            for mapped in [map_datafusion_error(&error), map_run_error(&error)] {
                assert_eq!(mapped.state, SqlState::FeatureNotSupported, "{error:?}");
                assert_eq!(mapped.message, "a part of the statement is not supported in this form");
            }
        }
    }

    #[test]
    fn quoted_texts_are_no_words_of_it() {
        let own = SqlError::new(SqlState::UndefinedColumn, "column \"Utf8\" does not exist");
        assert_eq!(without_its_words(own.clone()).message, own.message);
    }
}
