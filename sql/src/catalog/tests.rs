//! Tests of the catalog, and the catalog of the issue's example that other tests use.

use super::*;
use crate::types::SqlType;
use expect_test::expect;

fn column(name: &str, sql_type: SqlType) -> Column {
    Column { name: name.to_owned(), sql_type, nullable: true, hidden: false, default: None }
}

pub(crate) fn add(catalog: Catalog, name: &str, kind: RelationKind, columns: Vec<Column>, on: &[&str]) -> Catalog {
    let depends_on = on.iter().map(|n| catalog.relation(n).expect("exists").id).collect();
    let relation = Relation {
        id: RelationId(catalog.next_id()),
        name: name.to_owned(),
        kind,
        columns,
        key: Vec::new(),
        single_row: false,
        in_log: false,
        query: None,
        depends_on,
        state_objects: (0, 0),
    };
    catalog.with_relation(relation, 1).expect("can be added")
}

/// `purchases`, `products` and the view chain spend -> big_spenders, affinity -> top_categories (columns of the first three only).
pub(crate) fn example() -> Catalog {
    use SqlType::{BigInt, Double, Integer, Text, Timestamp};
    let live = || RelationKind::MaterializedView { status: ViewStatus::Live };
    let catalog = add(
        Catalog::default(),
        "purchases",
        RelationKind::Stream { retention_seconds: None },
        vec![
            column("household_id", BigInt),
            column("basket_id", BigInt),
            column("product_id", BigInt),
            column("quantity", Integer),
            column("price", Double),
            column("ts", Timestamp),
        ],
        &[],
    );
    let mut products =
        vec![column("product_id", BigInt), column("department", Text), column("category", Text), column("name", Text)];
    products[0].nullable = false;
    products.push(Column { hidden: true, ..column("_attune_row_id", BigInt) });
    let catalog = add(catalog, "products", RelationKind::Table, products, &[]);
    let spend = vec![column("household_id", BigInt), column("n", BigInt), column("total", Double)];
    let catalog = add(catalog, "spend", live(), spend, &["purchases"]);
    let affinity = vec![column("household_id", BigInt), column("category", Text), column("n", BigInt)];
    let catalog = add(catalog, "affinity", live(), affinity, &["purchases", "products"]);
    let catalog = add(catalog, "top_categories", live(), vec![column("household_id", BigInt)], &["affinity"]);
    let mut catalog = add(catalog, "big_spenders", RelationKind::View, vec![column("who", BigInt)], &["spend"]);
    let id = catalog.relation("big_spenders").expect("exists").id;
    let mut view = Relation::clone(catalog.get(id).expect("exists"));
    view.query = Some("SELECT household_id FROM spend WHERE total > 100".to_owned());
    catalog = catalog.with_replaced(view).expect("exists");
    catalog
}

fn ids(catalog: &Catalog, names: &[&str]) -> Vec<RelationId> {
    names.iter().map(|n| catalog.relation(n).expect("exists").id).collect()
}

fn show(result: Result<Vec<RelationId>, SqlError>, catalog: &Catalog) -> String {
    match result {
        Ok(ids) => ids.iter().map(|id| catalog.get(*id).expect("exists").name.clone()).collect::<Vec<_>>().join(", "),
        Err(e) => format!("{e}\ndetail: {}", e.detail.clone().unwrap_or_default()),
    }
}

#[test]
fn drop_takes_dependents_first() {
    let catalog = example();
    let cascade = |names: &[&str]| show(catalog.drop_order(&ids(&catalog, names), true), &catalog);
    expect!["big_spenders, top_categories, affinity, spend, purchases"].assert_eq(&cascade(&["purchases"]));
    expect!["top_categories, affinity, products"].assert_eq(&cascade(&["products"]));
    expect!["top_categories, affinity"].assert_eq(&cascade(&["affinity", "top_categories", "affinity"]));
}

#[test]
fn drop_without_cascade_names_the_dependents() {
    let catalog = example();
    let restrict = |names: &[&str]| show(catalog.drop_order(&ids(&catalog, names), false), &catalog);
    expect![[r#"
        cannot drop desired objects because other objects depend on them (2BP01); hint: Use DROP ... CASCADE to drop the dependent objects too.
        detail: materialized view spend depends on stream purchases
        materialized view affinity depends on stream purchases
        materialized view affinity depends on table products
        materialized view top_categories depends on materialized view affinity
        view big_spenders depends on materialized view spend"#]].assert_eq(&restrict(&["purchases", "products"]));
    expect!["big_spenders, spend"].assert_eq(&restrict(&["spend", "big_spenders"]));
}

#[test]
fn names_are_unique_limited_and_suggested() {
    let catalog = example();
    let error = catalog.relation("purchase").expect_err("is no relation");
    expect![[r#"relation "purchase" does not exist (42P01); hint: Did you mean "purchases"?"#]]
        .assert_eq(&error.to_string());
    let mut again = Relation::clone(catalog.relation("spend").expect("exists"));
    again.id = RelationId(catalog.next_id());
    expect![[r#"relation "spend" already exists (42P07)"#]]
        .assert_eq(&catalog.with_relation(again.clone(), 1).expect_err("is taken").to_string());
    again.name = "x".repeat(64);
    assert_eq!(catalog.with_relation(again.clone(), 1).expect_err("is long").state, SqlState::NameTooLong);
    again.name = "attune_views".to_owned();
    assert_eq!(catalog.with_relation(again, 1).expect_err("is reserved").state, SqlState::ReservedName);
}

#[test]
fn indexes_go_with_their_relation() {
    let catalog = example();
    let affinity = catalog.relation("affinity").expect("exists").id;
    let key = vec![KeyPart { column: 0, descending: false, nulls_first: false }];
    let name = catalog.index_name("affinity", &["household_id".to_owned()]);
    assert_eq!(name, "affinity_household_id_idx");
    let index =
        Index { id: RelationId(catalog.next_id()), name, relation: affinity, key, include: vec![1], ready: true };
    let with = catalog.with_index(index).expect("can be added");
    assert_eq!(with.version(), catalog.version() + 1);
    assert_eq!(with.index_name("affinity", &["household_id".to_owned()]), "affinity_household_id_idx1");
    assert_eq!(with.indexes_of(affinity).count(), 1);
    assert_eq!(with.relation("affinity_household_id_idx").expect_err("is an index").state, SqlState::WrongObjectType);
    let without = with.without(&[affinity]);
    assert!(without.find("affinity").is_none() && without.find_index("affinity_household_id_idx").is_none());
    assert_eq!(without.indexes().count(), 0);
}

#[test]
fn records_come_back_and_damage_is_found() {
    let catalog = example();
    let relations: Vec<Relation> = catalog.relations().map(|r| Relation::clone(r)).collect();
    let again =
        Catalog::from_records(catalog.version(), catalog.next_id(), relations.clone(), vec![]).expect("is whole");
    assert_eq!(again.relations().collect::<Vec<_>>(), catalog.relations().collect::<Vec<_>>());
    let without_first = relations[1..].to_vec();
    let error = Catalog::from_records(1, 100, without_first, vec![]).expect_err("spend depends on purchases");
    assert_eq!(error.state, SqlState::DataCorrupted);
    assert_eq!(Catalog::from_records(1, 2, relations, vec![]).expect_err("ids").state, SqlState::DataCorrupted);
}

#[test]
fn a_view_recorded_before_there_was_a_log_of_views_has_its_rows_by_key() {
    let catalog = example();
    let relation = catalog.relation("big_spenders").expect("exists");
    let mut json = serde_json::to_value(&**relation).expect("is JSON");
    json.as_object_mut().expect("an object").remove("in_log").expect("is written");
    let back: Relation = serde_json::from_value(json).expect("reads back");
    assert!(!back.in_log && back == **relation);
}
