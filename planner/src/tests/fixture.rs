//! The relations that the tests query, and their `check` functions.

use crate::{DataflowPlan, Lookup, PlannedQuery, explain, lookup, lower, table_layout};
use attune_sql::binder::{Binder, SchemaSources};
use attune_sql::catalog::{Catalog, Column, Index, KeyPart, Relation, RelationId, RelationKind, ViewStatus};
use attune_sql::statement::parse_query;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, types};
use datafusion::logical_expr::LogicalPlan;
use expect_test::Expect;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A key part; `-` before a name in [`Builder`] means DESC.
fn part(columns: &[Column], name: &str) -> KeyPart {
    let (descending, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
    let column = columns.iter().position(|c| c.name == name).expect("a column of the relation");
    KeyPart { column, descending, nulls_first: descending }
}

/// `name type` per column; `!` behind the type means NOT NULL.
fn columns(text: &str) -> Vec<Column> {
    let column = |text: &str| {
        let (name, rest) = text.trim().split_once(' ').expect("a name and a type");
        let sql_type = match rest.trim_end_matches('!') {
            "bigint" => SqlType::BigInt,
            "int" => SqlType::Integer,
            "smallint" => SqlType::SmallInt,
            "double" => SqlType::Double,
            "real" => SqlType::Real,
            "text" => SqlType::Text,
            "bool" => SqlType::Boolean,
            "timestamp" => SqlType::Timestamp,
            "date" => SqlType::Date,
            "numeric" => SqlType::Numeric { precision: 10, scale: 2 },
            other => panic!("no type {other} in the tests"),
        };
        Column { name: name.to_owned(), sql_type, nullable: !rest.ends_with('!'), hidden: false, default: None }
    };
    text.split(',').map(column).collect()
}

/// Adds relations to a catalog.
pub(super) struct Builder {
    pub(super) catalog: Catalog,
}

impl Builder {
    fn relation(&mut self, name: &str, kind: RelationKind, columns: Vec<Column>, key: &[&str]) -> RelationId {
        let id = RelationId(self.catalog.next_id());
        let key = key.iter().map(|name| part(&columns, name)).collect();
        let relation = Relation {
            id,
            name: name.to_owned(),
            kind,
            columns,
            key,
            single_row: false,
            in_log: false,
            query: None,
            depends_on: BTreeSet::new(),
            state_objects: (id.0 + 1, 9),
        };
        self.catalog = self.catalog.with_relation(relation, 10).expect("a new relation");
        id
    }

    /// A view as CREATE MATERIALIZED VIEW would make it.
    pub(super) fn view(&mut self, name: &str, sql: &str) {
        let plan = lower(&optimised(sql, &self.catalog).expect("binds"), &self.catalog).expect("lowers");
        let fields = &plan.nodes.last().expect("a root").schema;
        let columns: Vec<Column> = fields
            .iter()
            .map(|field| Column {
                name: field.name.clone(),
                sql_type: types::SqlType::from_arrow(&field.column_type.to_arrow()).expect("a type of SQL"),
                nullable: field.nullable,
                hidden: false,
                default: None,
            })
            .collect();
        let key: Vec<String> = plan.key.iter().map(|column| columns[*column].name.clone()).collect();
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let kind = RelationKind::MaterializedView { status: ViewStatus::Live };
        let id = self.relation(name, kind, columns, &key);
        if plan.single_row || plan.in_log {
            let relation = self.catalog.get(id).expect("just added");
            let relation = Relation { single_row: plan.single_row, in_log: plan.in_log, ..(**relation).clone() };
            self.catalog = self.catalog.with_replaced(relation).expect("is there");
        }
    }

    fn index(&mut self, name: &str, relation: &str, key: &[&str], include: &[&str]) {
        let relation = Arc::clone(self.catalog.relation(relation).expect("exists"));
        let id = RelationId(self.catalog.next_id());
        let key = key.iter().map(|name| part(&relation.columns, name)).collect();
        let include = include.iter().map(|name| part(&relation.columns, name).column).collect();
        let index = Index { id, name: name.to_owned(), relation: relation.id, key, include, ready: true };
        self.catalog = self.catalog.with_index(index).expect("a new index");
    }
}

/// The relations, and a few more.
pub(super) fn catalog() -> Catalog {
    let mut b = Builder { catalog: Catalog::default() };
    let stream = || RelationKind::Stream { retention_seconds: None };
    let purchases =
        "household_id bigint, basket_id bigint, product_id bigint, quantity int, price double, ts timestamp";
    b.relation("purchases", stream(), columns(purchases), &[]);
    let products = "product_id bigint!, department text, category text, name text";
    b.relation("products", RelationKind::Table, columns(products), &["product_id"]);
    let orders = "user_id bigint!, order_id int!, amount numeric, paid bool, day date, note text";
    b.relation("orders", RelationKind::Table, columns(orders), &["user_id", "order_id"]);
    let mut hidden = columns("k text, x real, row_id bigint!");
    hidden[2].hidden = true;
    b.relation("bag", RelationKind::Table, hidden, &["row_id"]);
    b.view("spend", SPEND);
    b.view("affinity", AFFINITY);
    b.view("top_categories", TOP_CATEGORIES);
    b.view("totals", "SELECT count(*) AS n, sum(price) AS total FROM purchases");
    b.view("prices", "SELECT product_id, price FROM purchases");
    b.index("affinity_n", "affinity", &["household_id", "-n"], &["category"]);
    b.index("products_category", "products", &["category", "name"], &[]);
    b.index("orders_amount", "orders", &["user_id", "amount"], &[]);
    b.view("levels", "SELECT x, k, count(*) AS n FROM bag GROUP BY x, k");
    b.catalog
}

pub(super) const SPEND: &str = "SELECT household_id, count(*) AS n, sum(price) AS total, max(ts) AS last_seen \
    FROM purchases GROUP BY household_id";
pub(super) const AFFINITY: &str = "SELECT household_id, category, sum(quantity) AS n \
    FROM purchases JOIN products USING (product_id) GROUP BY 1, 2";
pub(super) const TOP_CATEGORIES: &str = "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY household_id \
    ORDER BY n DESC, category) AS rank FROM affinity) t WHERE rank <= 10";

pub(super) fn optimised(sql: &str, catalog: &Catalog) -> Result<LogicalPlan, SqlError> {
    let binder = Binder { catalog, sources: &SchemaSources };
    PlannedQuery::bind(&binder, &*parse_query(sql)?, &[])?.plan()
}

pub(super) fn plan(sql: &str) -> Result<DataflowPlan, SqlError> {
    let catalog = catalog();
    lower(&optimised(sql, &catalog)?, &catalog)
}

/// EXPLAIN of the view, and its output's columns and key; or the error.
pub(super) fn check(sql: &str, expected: Expect) {
    let text = match plan(sql) {
        Ok(plan) => {
            consistent(&plan);
            explain(&plan).into_iter().map(|line| line + "\n").collect()
        }
        Err(e) => format!("{e}\n"),
    };
    expected.assert_eq(&text);
}

/// What every plan must keep.
fn consistent(plan: &DataflowPlan) {
    let mut slots = 0;
    for (index, node) in plan.nodes.iter().enumerate() {
        assert!(node.inputs.iter().all(|input| *input < index), "inputs come first");
        assert_eq!(node.inputs.len(), node.exchange.len(), "an exchange mark per input");
        assert!(!node.schema.is_empty(), "a column at least");
        for slot in &node.state {
            assert_eq!(*slot, slots, "slots are consecutive");
            slots += 1;
        }
    }
    assert_eq!(
        plan.state_slots,
        slots + u32::from(plan.counts_rows()),
        "one more slot counts the rows of a keyless view that rows may leave"
    );
}

/// The names of the root's key columns and whether rows are keyless or single.
pub(super) fn key(sql: &str) -> String {
    let plan = match plan(sql) {
        Ok(plan) => plan,
        Err(e) => return e.to_string(),
    };
    let fields = &plan.nodes.last().expect("a root").schema;
    let key = plan.key.iter().map(|column| fields[*column].name.as_str()).collect::<Vec<_>>().join(", ");
    match (plan.is_keyless(), plan.single_row) {
        (true, _) if plan.in_log => "in its log".to_owned(),
        (true, _) => "keyless".to_owned(),
        (_, true) => "single row".to_owned(),
        _ => format!("({key})"),
    }
}

pub(super) fn lookup_of(sql: &str) -> Option<Lookup> {
    let catalog = catalog();
    let plan = optimised(sql, &catalog).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let names: Vec<String> = plan.schema().fields().iter().map(|f| f.name().clone()).collect();
    lookup(&plan, &names, &catalog)
}

/// Every relation of the fixture has a layout where it is stored.
pub(super) fn layouts(catalog: &Catalog) -> usize {
    let stored = catalog.relations().filter(|r| !r.is_stream());
    let layouts = stored.map(|r| {
        let indexes: Vec<_> = catalog.indexes_of(r.id).cloned().collect();
        table_layout(r, &indexes).expect("has a layout")
    });
    layouts.count()
}
