//! COPY.

use super::raw::{Raw, message, query};
use crate::server::{TestServer, rows, run};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio_postgres::Client;

const STREAM: &str =
    "CREATE STREAM purchases (household_id bigint, product text, price double precision, ts timestamp)";

async fn copy(client: &Client, statement: &str, pieces: &[&[u8]]) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in::<_, Bytes>(statement).await?;
    let mut sink = std::pin::pin!(sink);
    for piece in pieces {
        sink.as_mut().send(Bytes::copy_from_slice(piece)).await?;
    }
    sink.finish().await
}

async fn out(client: &Client, statement: &str) -> String {
    let stream = client.copy_out(statement).await.unwrap();
    let pieces: Vec<_> = stream.map(|piece| piece.unwrap()).collect().await;
    String::from_utf8(pieces.concat()).unwrap()
}

#[tokio::test]
async fn rows_in_and_out() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, STREAM).await;
    run(&client, "CREATE MATERIALIZED VIEW spend AS SELECT household_id, count(*) AS n, sum(price) AS total FROM purchases GROUP BY household_id").await;
    let csv: &[&[u8]] = &[
        b"household_id,product,price,ts\n1,\"a,",
        b"\"\"b\"\"\",1.5,2024-01-01 0",
        b"0:00:00\n1,,2.5,\n2,\"\",",
        b"4,2024-01-02",
    ];
    let copied = copy(&client, "COPY purchases FROM STDIN WITH (FORMAT csv, HEADER true)", csv).await.unwrap();
    assert_eq!(copied, 3);
    let text: &[&[u8]] = &[b"3\ttab\\", b"there\t\\N\t2024-01-03 00:00:00\n"];
    assert_eq!(copy(&client, "COPY purchases (household_id, product, price, ts) FROM STDIN", text).await.unwrap(), 1);
    // Acknowledged is visible.
    let spend = rows(&client, "SELECT household_id, n, total FROM spend ORDER BY household_id").await;
    let row = |values: [Option<&str>; 3]| values.map(|value| value.map(str::to_owned)).to_vec();
    assert_eq!(
        spend,
        [
            row([Some("1"), Some("2"), Some("4")]),
            row([Some("2"), Some("1"), Some("4")]),
            row([Some("3"), Some("1"), None])
        ]
    );
    let csv = out(&client, "COPY (SELECT household_id, product, price FROM purchases ORDER BY household_id, price) TO STDOUT WITH (FORMAT csv, HEADER true)").await;
    assert_eq!(csv, "household_id,product,price\n1,\"a,\"\"b\"\"\",1.5\n1,,2.5\n2,\"\",4\n3,tab\there,\n");
    let text =
        out(&client, "COPY (SELECT household_id, product, price FROM purchases WHERE household_id = 3) TO STDOUT")
            .await;
    assert_eq!(text, "3\ttab\\there\t\\N\n");
}

#[tokio::test]
async fn a_bad_line_leaves_nothing_and_is_named() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, STREAM).await;
    for (data, code, message, context) in [
        (
            "1,a,1,\n2,b,abc,\n",
            "22P02",
            "invalid input syntax for type double precision: \"abc\"",
            "COPY purchases, line 2, column price: \"abc\"",
        ),
        ("1,a,1,\n2,b\n", "22P04", "missing data for column \"price\"", "COPY purchases, line 2: \"2,b\""),
        ("1,a,1,,9\n", "22P04", "extra data after last expected column", "COPY purchases, line 1: \"1,a,1,,9\""),
    ] {
        let error = copy(&client, "COPY purchases FROM STDIN WITH (FORMAT csv)", &[data.as_bytes()]).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!((error.code().code(), error.message()), (code, message));
        assert_eq!(error.where_(), Some(context));
    }
    assert_eq!(rows(&client, "SELECT count(*) FROM purchases").await, [[Some("0".to_owned())]]);
    // The session goes on.
    assert_eq!(copy(&client, "COPY purchases FROM STDIN WITH (FORMAT csv)", &[b"1,a,1,\n"]).await.unwrap(), 1);
}

#[tokio::test]
async fn with_batch_rows_what_was_written_stays() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, STREAM).await;
    let statement = "COPY purchases FROM STDIN WITH (FORMAT csv, batch_rows = 2)";
    assert!(copy(&client, statement, &[b"1,a,1,\n2,a,1,\n3,a,1,\n4,a,1,\n5,a,bad,\n"]).await.is_err());
    assert_eq!(rows(&client, "SELECT count(*) FROM purchases").await, [[Some("4".to_owned())]]);
}

#[tokio::test]
async fn too_large_for_one_epoch() {
    let server = TestServer::start_with(|config| config.transaction_max_bytes = 10_000).await;
    let client = server.client().await;
    run(&client, STREAM).await;
    let data = "1,a,1,\n".repeat(5_000);
    let error = copy(&client, "COPY purchases FROM STDIN WITH (FORMAT csv)", &[data.as_bytes()]).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "54000");
    assert!(error.hint().unwrap().contains("batch_rows"));
    let statement = "COPY purchases FROM STDIN WITH (FORMAT csv, batch_rows = 500)";
    assert_eq!(copy(&client, statement, &[data.as_bytes()]).await.unwrap(), 5_000);
}

#[tokio::test]
async fn a_copy_that_the_client_fails() {
    let server = TestServer::start().await;
    run(&server.client().await, STREAM).await;
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query("COPY purchases FROM STDIN")).await;
    assert_eq!(raw.next().await.unwrap().tag, b'G');
    raw.send(&message(b'd', b"1\ta\t1\t\\N\n")).await;
    raw.send(&message(b'f', b"changed my mind\0")).await;
    let answers = raw.until(b'Z').await;
    assert_eq!(answers[0].field(b'C').unwrap(), "57014");
    assert_eq!(answers[0].field(b'M').unwrap(), "COPY from stdin failed: changed my mind");
    // Data that still comes after an error is dropped.
    raw.send(&query("COPY purchases (price) FROM STDIN")).await;
    raw.send(&[message(b'd', b"bad\n"), message(b'd', b"1\n"), message(b'c', b"")].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "GEZ");
    raw.send(&query("SELECT count(*) FROM purchases")).await;
    let answers = raw.until(b'Z').await;
    assert_eq!(answers[1].body, b"\0\x01\0\0\0\x010");
}

#[tokio::test]
async fn refused_targets() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, STREAM).await;
    run(
        &client,
        "CREATE MATERIALIZED VIEW v AS SELECT household_id, count(*) AS n FROM purchases GROUP BY household_id",
    )
    .await;
    for (statement, code) in [
        ("COPY v FROM STDIN", "42809"),
        ("COPY nowhere FROM STDIN", "42P01"),
        ("COPY purchases (nothing) FROM STDIN", "42703"),
        ("COPY purchases (price, price) FROM STDIN", "42701"),
    ] {
        // By the simple protocol: tokio-postgres sends Sync twice for a COPY that does not begin, and loses count.
        let error = client.batch_execute(statement).await.unwrap_err();
        let found = error.code().map(|found| found.code().to_owned());
        assert_eq!(found.as_deref(), Some(code), "{statement}: {error:?}");
    }
}
