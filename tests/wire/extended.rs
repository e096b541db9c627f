//! The extended protocol: parameters, formats, portals, pipelines.

use super::raw::{Raw, bind, execute, message, parse, sync};
use crate::server::{TestServer, run};
use tokio_postgres::types::Type;

const TABLE: &str = "CREATE TABLE items (id bigint PRIMARY KEY, name text, price double precision)";

async fn fill(server: &TestServer, rows: i64) -> tokio_postgres::Client {
    let client = server.client().await;
    run(&client, TABLE).await;
    let values: Vec<_> = (0..rows).map(|i| format!("({i}, 'n{i}', {i}.5)")).collect();
    run(&client, &format!("INSERT INTO items VALUES {}", values.join(", "))).await;
    client
}

#[tokio::test]
async fn parameters_and_results_in_binary() {
    let server = TestServer::start().await;
    let client = fill(&server, 10).await;
    let statement = client.prepare("SELECT id, name, price FROM items WHERE id = $1").await.unwrap();
    assert_eq!(statement.params(), [Type::INT8]);
    let types: Vec<_> = statement.columns().iter().map(|column| column.type_().clone()).collect();
    assert_eq!(types, [Type::INT8, Type::TEXT, Type::FLOAT8]);
    for id in 0..10_i64 {
        let row = client.query_one(&statement, &[&id]).await.unwrap();
        assert_eq!(
            (row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, f64>(2)),
            (id, format!("n{id}"), id as f64 + 0.5)
        );
    }
    assert!(client.query_opt(&statement, &[&99_i64]).await.unwrap().is_none());
    assert!(client.query_opt(&statement, &[&None::<i64>]).await.unwrap().is_none());
}

#[tokio::test]
async fn every_type_survives_a_binary_round_trip() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE round (k int PRIMARY KEY, b boolean, s smallint, l bigint, r real, d double precision, t text, x bytea)").await;
    let insert = "INSERT INTO round VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let bytes: &[u8] = &[0, 255, 1];
    client.execute(insert, &[&1_i32, &true, &-2_i16, &i64::MIN, &0.1_f32, &-1e300_f64, &"ü'\\", &bytes]).await.unwrap();
    let none = None::<i64>;
    client
        .execute(
            insert,
            &[&2_i32, &None::<bool>, &None::<i16>, &none, &None::<f32>, &None::<f64>, &None::<&str>, &None::<&[u8]>],
        )
        .await
        .unwrap();
    let row = client.query_one("SELECT * FROM round WHERE k = $1", &[&1_i32]).await.unwrap();
    assert_eq!((row.get::<_, bool>(1), row.get::<_, i16>(2), row.get::<_, i64>(3)), (true, -2, i64::MIN));
    assert_eq!((row.get::<_, f32>(4), row.get::<_, f64>(5)), (0.1, -1e300));
    assert_eq!((row.get::<_, &str>(6), row.get::<_, &[u8]>(7)), ("ü'\\", bytes));
    let row = client.query_one("SELECT * FROM round WHERE k = $1", &[&2_i32]).await.unwrap();
    assert_eq!(row.get::<_, Option<i64>>(3), None);
    assert_eq!(row.get::<_, Option<&str>>(6), None);
}

#[tokio::test]
async fn any_of_an_array() {
    let server = TestServer::start().await;
    let client = fill(&server, 10).await;
    let statement = client.prepare("SELECT id FROM items WHERE id = ANY($1)").await.unwrap();
    assert_eq!(statement.params(), [Type::INT8_ARRAY]);
    let wanted: &[i64] = &[7, 3, 3, 99];
    let mut found: Vec<i64> =
        client.query(&statement, &[&wanted]).await.unwrap().iter().map(|row| row.get(0)).collect();
    found.sort_unstable();
    assert_eq!(found, [3, 7]);
    let none: &[i64] = &[];
    assert!(client.query(&statement, &[&none]).await.unwrap().is_empty());
}

#[tokio::test]
async fn portals_give_their_rows_in_parts() {
    let server = TestServer::start().await;
    let mut client = fill(&server, 25).await;
    for text in ["SELECT id FROM items WHERE id >= $1", "SELECT id FROM items WHERE id + 0 >= $1 ORDER BY id"] {
        let transaction = client.transaction().await.unwrap();
        let portal = transaction.bind(text, &[&0_i64]).await.unwrap();
        let mut found = Vec::new();
        loop {
            let part = transaction.query_portal(&portal, 10).await.unwrap();
            assert!(part.len() <= 10);
            if part.is_empty() {
                break;
            }
            found.extend(part.iter().map(|row| row.get::<_, i64>(0)));
        }
        found.sort_unstable();
        assert_eq!(found, (0..25).collect::<Vec<_>>(), "{text}");
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order() {
    let server = TestServer::start().await;
    let client = fill(&server, 100).await;
    let statement = client.prepare("SELECT name FROM items WHERE id = $1").await.unwrap();
    let ids: Vec<i64> = (0..100).collect();
    let answers = futures::future::join_all(ids.iter().map(|id| {
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &[id]).await.unwrap().get::<_, String>(0) }
    }))
    .await;
    assert_eq!(answers, ids.iter().map(|id| format!("n{id}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_an_error_everything_is_skipped_until_sync() {
    let server = TestServer::start().await;
    fill(&server, 3).await;
    let mut raw = Raw::start(server.addr).await;
    let mut bytes = parse("", "SELECT name FROM items WHERE id = $1");
    bytes.extend(bind("", &["one"]));
    bytes.extend(execute(0));
    bytes.extend(parse("", "SELECT 1"));
    bytes.extend(sync());
    bytes.extend(bind("missing", &[]));
    bytes.extend(sync());
    bytes.extend(parse("", "SELECT name FROM items WHERE id = $1"));
    bytes.extend(bind("", &["1"]));
    bytes.extend(execute(0));
    bytes.extend(sync());
    raw.send(&bytes).await;
    let first = raw.until(b'Z').await;
    assert_eq!(first.iter().map(|m| m.tag).collect::<Vec<_>>(), b"12EZ");
    assert_eq!(first[2].field(b'C').unwrap(), "22P02");
    assert_eq!(raw.until(b'Z').await[0].field(b'C').unwrap(), "26000");
    assert_eq!(raw.tags_until(b'Z').await, "12DCZ");
}

#[tokio::test]
async fn flush_sends_what_there_is() {
    let server = TestServer::start().await;
    fill(&server, 3).await;
    let mut raw = Raw::start(server.addr).await;
    let mut bytes = parse("s", "SELECT name FROM items WHERE id = $1");
    bytes.extend(message(b'D', b"Ss\0"));
    bytes.extend(message(b'H', b""));
    raw.send(&bytes).await;
    assert_eq!(raw.tags_until(b'T').await, "1tT");
    raw.send(&sync()).await;
    assert_eq!(raw.tags_until(b'Z').await, "Z");
}

#[tokio::test]
async fn statements_follow_the_catalog() {
    let server = TestServer::start().await;
    let client = fill(&server, 3).await;
    let statement = client.prepare("SELECT name FROM items WHERE id = $1").await.unwrap();
    run(&client, "CREATE TABLE other (a int PRIMARY KEY)").await;
    assert_eq!(client.query_one(&statement, &[&1_i64]).await.unwrap().get::<_, &str>(0), "n1");
    run(&client, "DROP TABLE items").await;
    run(&client, "CREATE TABLE items (id bigint PRIMARY KEY, name int)").await;
    let error = client.query(&statement, &[&1_i64]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "0A000");
    assert_eq!(error.as_db_error().unwrap().message(), "cached plan must not change result type");
}

#[tokio::test]
async fn wrong_counts_and_names() {
    let server = TestServer::start().await;
    fill(&server, 1).await;
    let mut raw = Raw::start(server.addr).await;
    for (bytes, code) in [
        ([parse("a", "SELECT name FROM items WHERE id = $1"), bind("a", &[]), sync()].concat(), "08P01"),
        ([parse("a", "SELECT 1"), sync()].concat(), "42P05"),
        ([parse("", "SELECT 1; SELECT 2"), sync()].concat(), "42601"),
        ([execute(0), sync()].concat(), "34000"),
        ([message(b'D', b"Pnone\0"), sync()].concat(), "34000"),
        ([message(b'P', b"\0SELECT $1\0\0\x01\0\0\x0b\x86"), sync()].concat(), "42704"),
    ] {
        raw.send(&bytes).await;
        let answers = raw.until(b'Z').await;
        let error = answers.iter().find(|message| message.tag == b'E').expect("an error");
        assert_eq!(error.field(b'C').unwrap(), code);
    }
    raw.send(&[message(b'C', b"Sa\0"), message(b'C', b"Sa\0"), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "33Z");
}

#[tokio::test]
async fn too_many_prepared_statements() {
    let server = TestServer::start_with(|config| config.prepared_statements_max = 3).await;
    let mut raw = Raw::start(server.addr).await;
    for name in ["a", "b", "c"] {
        raw.send(&[parse(name, "SELECT 1"), sync()].concat()).await;
        assert_eq!(raw.tags_until(b'Z').await, "1Z");
    }
    raw.send(&[parse("d", "SELECT 1"), sync()].concat()).await;
    assert_eq!(raw.until(b'Z').await[0].field(b'C').unwrap(), "53400");
}
