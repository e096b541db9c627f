//! `generate_series(start, stop [, step])` in FROM: DataFusion's, with Postgres' column name.

use super::TableFunction;
use crate::binder::{ViewSource, map_datafusion_error};
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::functions_table::generate_series;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableSource, cast, col, lit};
use std::sync::{Arc, LazyLock};

/// The name of the function and of its column.
pub(crate) const NAME: &str = "generate_series";

/// DataFusion wants a session to call a table function in; this one knows nothing.
static SESSION: LazyLock<SessionState> = LazyLock::new(|| SessionStateBuilder::new().build());

#[derive(Debug)]
pub(super) struct GenerateSeries;

impl TableFunction for GenerateSeries {
    fn source(&self, arguments: &[Expr]) -> Result<Arc<dyn TableSource>, SqlError> {
        // DataFusion's is of bigint; of integers it is one of integers.
        let of_integers = arguments.iter().all(is_integer);
        let arguments = arguments.iter().map(integer).collect::<Result<Vec<Expr>, SqlError>>()?;
        if matches!(arguments.get(2), Some(Expr::Literal(ScalarValue::Int64(Some(0)), _))) {
            return Err(SqlError::new(SqlState::InvalidParameterValue, "step size cannot equal zero"));
        }
        let series = generate_series().create_table_provider_with_args(TableFunctionArgs::new(&arguments, &*SESSION));
        let provider = series.map_err(|e| map_datafusion_error(&e))?;
        let mut field = provider.schema().field(0).clone().with_name(NAME);
        let mut value = col("value");
        if of_integers {
            field = field.with_data_type(DataType::Int32);
            value = cast(value, DataType::Int32);
        }
        let plan = LogicalPlanBuilder::scan(NAME, provider_as_source(provider), None)
            .and_then(|scan| scan.project([value.alias(NAME)]))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| map_datafusion_error(&e))?;
        Ok(Arc::new(ViewSource { plan, schema: Arc::new(Schema::new(vec![field])) }))
    }
}

fn is_integer(argument: &Expr) -> bool {
    match argument {
        Expr::Negative(inner) => is_integer(inner),
        Expr::Literal(value, _) => matches!(value.data_type(), DataType::Int16 | DataType::Int32),
        _ => false,
    }
}

/// An integer argument as DataFusion wants it; others as they are (timestamps, or refused there).
fn integer(argument: &Expr) -> Result<Expr, SqlError> {
    let value = match argument {
        Expr::Negative(inner) => match &**inner {
            Expr::Literal(value, _) => value.arithmetic_negate().map_err(|e| map_datafusion_error(&e))?,
            _ => return Err(not_constant()),
        },
        Expr::Literal(value, _) => value.clone(),
        _ => return Err(not_constant()),
    };
    match value.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            value.cast_to(&DataType::Int64).map(lit).map_err(|e| map_datafusion_error(&e))
        }
        DataType::Null => Ok(lit(ScalarValue::Null)),
        _ => Ok(lit(value)),
    }
}

fn not_constant() -> SqlError {
    SqlError::new(SqlState::FeatureNotSupported, "the arguments of generate_series must be constants")
        .with_hint("Write numbers; expressions and columns cannot be arguments yet.")
}
