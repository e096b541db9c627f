//! The optimiser: an explicit list of DataFusion's rules.
//!
//! Deterministic: no clock (`now()` stays), no statistics, fresh alias counters per call. Left out of DataFusion's own list:
//! - `ReplaceDistinctWithAggregate`: it turns DISTINCT ON into an ordered first_value; the planner takes it as top-1 per key,
//!   and a plain DISTINCT stays one.
//! - `SingleDistinctToGroupBy`: the planner has DISTINCT aggregates of its own, which survive retraction.
//! - `FilterNullJoinKeys` (off by default), `UnionsToFilter`, `ExtractLeafExpressions` and `PushDownLeafProjections`, which
//!   serve the reading of files.

use crate::binder::config::CONFIG;
use crate::binder::errors::map_datafusion_error;
use crate::SqlError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::decorrelate_lateral_join::DecorrelateLateralJoin;
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::eliminate_duplicated_expr::EliminateDuplicatedExpr;
use datafusion::optimizer::eliminate_filter::EliminateFilter;
use datafusion::optimizer::eliminate_group_by_constant::EliminateGroupByConstant;
use datafusion::optimizer::eliminate_join::EliminateJoin;
use datafusion::optimizer::eliminate_limit::EliminateLimit;
use datafusion::optimizer::eliminate_outer_join::EliminateOuterJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::optimize_unions::OptimizeUnions;
use datafusion::optimizer::propagate_empty_relation::PropagateEmptyRelation;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::optimizer::rewrite_set_comparison::RewriteSetComparison;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerContext, OptimizerRule};
use std::sync::{Arc, LazyLock};

static OPTIMIZER: LazyLock<Optimizer> = LazyLock::new(|| Optimizer::with_rules(rules()));

/// The rules in DataFusion's order.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![
        Arc::new(RewriteSetComparison::new()),
        Arc::new(OptimizeUnions::new()),
        Arc::new(SimplifyExpressions::new()),
        Arc::new(EliminateJoin::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(DecorrelateLateralJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateDuplicatedExpr::new()),
        Arc::new(EliminateFilter::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(EliminateLimit::new()),
        Arc::new(PropagateEmptyRelation::new()),
        Arc::new(EliminateOuterJoin::new()),
        Arc::new(PushDownLimit::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(EliminateGroupByConstant::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ]
}

/// Optimises a bound plan.
pub(super) fn optimise(plan: LogicalPlan) -> Result<LogicalPlan, SqlError> {
    let context = OptimizerContext::new_with_config_options(Arc::clone(&CONFIG)).without_query_execution_start_time();
    OPTIMIZER.optimize(plan, &context, |_, _| {}).map_err(|e| map_datafusion_error(&e))
}
