//! Aggregate: GROUP BY with count, sum, avg, min and max.

use super::Lowering;
use super::columns::{check_exact, check_numeric, fields};
use crate::expr::{Expr, Scope, from_datafusion, sql};
use crate::plan::{Aggregate, AggregateFunction, Field, Op};
use crate::properties::is_unique;
use attune_sql::SqlError;
use attune_storage::ColumnType;
use datafusion::logical_expr::expr::AggregateFunction as DfAggregate;
use datafusion::logical_expr::{Aggregate as DfAggregateNode, Expr as DfExpr};

/// The aggregate that gives the value of its only row.
const SINGLE_VALUE: &str = "single_value";

/// The input of an aggregate: its columns, until an expression is needed; then a projection of what is needed only.
struct Inputs {
    exprs: Vec<Expr>,
    fields: Vec<Field>,
}

impl Inputs {
    fn add(&mut self, expr: Expr, name: String, column_type: ColumnType) -> usize {
        if let Some(known) = self.exprs.iter().position(|e| *e == expr) {
            return known;
        }
        self.exprs.push(expr);
        self.fields.push(Field { name, column_type, nullable: true });
        self.exprs.len() - 1
    }
}

impl Lowering<'_> {
    pub(super) fn aggregate(&mut self, node: &DfAggregateNode) -> Result<usize, SqlError> {
        let input = self.lower(&node.input)?;
        let scope = Scope::of(node.input.schema());
        let mut schema = fields(&node.schema)?;
        let mut inputs = Inputs { exprs: Vec::new(), fields: Vec::new() };
        let mut group = Vec::with_capacity(node.group_expr.len());
        for expr in &node.group_expr {
            group.push(self.input_column(&mut inputs, expr, scope, input)?);
        }
        if node.aggr_expr.iter().any(|expr| call(expr).is_ok_and(|call| call.func.name() == SINGLE_VALUE)) {
            return self.single_values(node, input, inputs, group, schema);
        }
        let mut aggregates = Vec::with_capacity(node.aggr_expr.len());
        for (expr, field) in node.aggr_expr.iter().zip(schema.get(group.len()..).unwrap_or_default()) {
            aggregates.push(self.one_aggregate(&mut inputs, expr, scope, input, field)?);
        }
        // DataFusion names columns after the query's text; those of the input read better.
        for (field, column) in schema.iter_mut().zip(&group) {
            field.name.clone_from(&inputs.fields[*column].name);
        }
        for (field, aggregate) in schema.iter_mut().skip(group.len()).zip(&aggregates) {
            field.name = crate::explain::call(aggregate, &inputs.fields);
        }
        if aggregates.is_empty() {
            return self.groups_only(input, inputs, group, schema);
        }
        let (input, group, aggregates) = self.aggregate_input(input, inputs, group, aggregates);
        Ok(self.push(Op::Aggregate { group, aggregates }, vec![input], schema))
    }

    /// The values of subqueries that must have one row: where the input has a key that is grouped by, they have, and each group is
    /// its row.
    fn single_values(
        &mut self,
        node: &DfAggregateNode,
        input: usize,
        mut inputs: Inputs,
        group: Vec<usize>,
        schema: Vec<Field>,
    ) -> Result<usize, SqlError> {
        let column = |place: &usize| match inputs.exprs[*place] {
            Expr::Column(column) => Some(column),
            _ => None,
        };
        let grouped: Vec<usize> = group.iter().filter_map(column).collect();
        if !is_unique(&self.nodes[input], &grouped, &self.nodes) {
            return Err(SqlError::unsupported(
                "a subquery used as a value may return more than one row, which a materialized view cannot report",
                "Make it one row: use an aggregate such as max(...), or LIMIT 1, or compare with the full primary key.",
            ));
        }
        // Without groups, no row stands for a row of NULLs: what reads it is the outer join that gives them.
        let scope = Scope::of(node.input.schema());
        let mut columns = group;
        for expr in &node.aggr_expr {
            let call = call(expr)?;
            let ([argument], SINGLE_VALUE) = (call.params.args.as_slice(), call.func.name()) else {
                return Err(SqlError::internal("a value of a subquery beside another aggregate"));
            };
            columns.push(self.input_column(&mut inputs, argument, scope, input)?);
        }
        let exprs = columns.iter().map(|column| inputs.exprs[*column].clone()).collect();
        Ok(self.push(Op::Project { exprs }, vec![input], schema))
    }

    /// GROUP BY without aggregates: each group is a distinct row.
    fn groups_only(
        &mut self,
        input: usize,
        inputs: Inputs,
        group: Vec<usize>,
        schema: Vec<Field>,
    ) -> Result<usize, SqlError> {
        if group.is_empty() {
            return Err(SqlError::internal("an aggregate without groups and functions"));
        }
        let exprs = group.iter().map(|g| inputs.exprs[*g].clone()).collect();
        let node = self.push(Op::Project { exprs }, vec![input], schema);
        Ok(self.push_distinct(node))
    }

    /// If everything the aggregate reads is a column, it reads the input itself; otherwise a projection is put between.
    fn aggregate_input(
        &mut self,
        input: usize,
        inputs: Inputs,
        group: Vec<usize>,
        mut aggregates: Vec<Aggregate>,
    ) -> (usize, Vec<usize>, Vec<Aggregate>) {
        let columns: Option<Vec<usize>> = inputs
            .exprs
            .iter()
            .map(|e| match e {
                Expr::Column(c) => Some(*c),
                _ => None,
            })
            .collect();
        let Some(columns) = columns else {
            let node = self.push(Op::Project { exprs: inputs.exprs }, vec![input], inputs.fields);
            return (node, group, aggregates);
        };
        for aggregate in &mut aggregates {
            aggregate.argument = aggregate.argument.map(|c| columns[c]);
            aggregate.filter = aggregate.filter.map(|c| columns[c]);
        }
        (input, group.into_iter().map(|c| columns[c]).collect(), aggregates)
    }

    fn input_column(
        &self,
        inputs: &mut Inputs,
        expr: &DfExpr,
        scope: Scope<'_>,
        input: usize,
    ) -> Result<usize, SqlError> {
        let (converted, column_type) = self.typed(from_datafusion(expr, scope)?, self.schema(input))?;
        let name = sql(&converted, self.schema(input));
        Ok(inputs.add(converted, name, column_type))
    }

    fn one_aggregate(
        &self,
        inputs: &mut Inputs,
        expr: &DfExpr,
        scope: Scope<'_>,
        input: usize,
        field: &Field,
    ) -> Result<Aggregate, SqlError> {
        let call = call(expr)?;
        let name = match call.func.name() {
            "var" => "variance",
            name => name,
        };
        let function = function(name)?;
        let filter = match &call.params.filter {
            Some(filter) => Some(self.input_column(inputs, filter, scope, input)?),
            None => None,
        };
        let argument = match call.params.args.as_slice() {
            [] => None,
            // count(*) comes as count(1).
            [DfExpr::Literal(value, _)]
                if function == AggregateFunction::Count && !value.is_null() && !call.params.distinct =>
            {
                None
            }
            [argument] => Some(self.input_column(inputs, argument, scope, input)?),
            _ => {
                return Err(SqlError::unsupported(
                    format!("{name} of several columns cannot be kept in a materialized view"),
                    "Count the rows of a subquery: SELECT count(*) FROM (SELECT DISTINCT a, b FROM ...).",
                ));
            }
        };
        if argument.is_none() && function != AggregateFunction::Count {
            return Err(SqlError::internal(format!("{name} without an argument")));
        }
        if let Some(argument) = argument {
            let column = inputs.fields[argument].column_type;
            match function {
                AggregateFunction::Sum | AggregateFunction::Avg => check_numeric(name, column)?,
                AggregateFunction::Count | AggregateFunction::Min | AggregateFunction::Max => {}
                _ => check_exact(name, column)?,
            }
        }
        Ok(Aggregate { function, argument, distinct: call.params.distinct, filter, returns: field.column_type })
    }
}

fn call(expr: &DfExpr) -> Result<&DfAggregate, SqlError> {
    match expr {
        DfExpr::Alias(alias) => call(&alias.expr),
        DfExpr::AggregateFunction(call) => Ok(call),
        other => Err(SqlError::internal(format!("{other} is not an aggregate"))),
    }
}

fn function(name: &str) -> Result<AggregateFunction, SqlError> {
    Ok(match name {
        "count" => AggregateFunction::Count,
        "sum" => AggregateFunction::Sum,
        "avg" => AggregateFunction::Avg,
        "min" => AggregateFunction::Min,
        "max" => AggregateFunction::Max,
        "var_pop" => AggregateFunction::VarPop,
        "variance" => AggregateFunction::VarSamp,
        "stddev_pop" => AggregateFunction::StddevPop,
        "stddev" => AggregateFunction::StddevSamp,
        other => {
            return Err(SqlError::unsupported(
                format!("the aggregate {other} cannot be kept in a materialized view yet"),
                "Use count, sum, avg, min, max, or variance and stddev of exact numbers, with DISTINCT and FILTER as needed, or compute it in the query that reads \
                 the view.",
            ));
        }
    })
}
