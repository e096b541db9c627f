//! psql itself.

use crate::server::TestServer;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// Runs psql over `input`; standard output, then error.
async fn psql(addr: SocketAddr, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("psql");
    command
        .args(["-X", "-h", &addr.ip().to_string(), "-p", &addr.port().to_string(), "-U", "someone", "-d", "anything"])
        .args(arguments)
        .env("PGCONNECT_TIMEOUT", "10")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    // The server runs on this test's own thread.
    let run = move || {
        let mut child = command.spawn().expect("psql is installed (package postgresql-client)");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_session() {
    let server = TestServer::start().await;
    let script = "
CREATE STREAM purchases (household_id bigint, product text, price double precision);
CREATE MATERIALIZED VIEW spend AS SELECT household_id, count(*) AS n, sum(price) AS total FROM purchases GROUP BY household_id;
COPY purchases FROM STDIN WITH (FORMAT csv);
1,apple,1.5
1,bread,2.5
2,cheese,4
\\.
SELECT * FROM spend WHERE household_id = 1;
BEGIN;
INSERT INTO purchases VALUES (2, 'dates', 1);
COMMIT;
SELECT household_id, n FROM spend ORDER BY household_id;
COPY (SELECT household_id, n FROM spend WHERE household_id = 2) TO STDOUT;
";
    let printed = psql(server.addr, &["-At", "-v", "ON_ERROR_STOP=1"], script).await;
    let printed: Vec<_> =
        printed.lines().filter(|line| !line.starts_with("NOTICE") && !line.trim().is_empty()).collect();
    assert_eq!(
        printed,
        [
            "CREATE STREAM",
            "CREATE MATERIALIZED VIEW",
            "COPY 3",
            "1|2|4",
            "BEGIN",
            "INSERT 0 1",
            "COMMIT",
            "1|2",
            "2|2",
            "2\t2"
        ],
    );
}

#[tokio::test]
async fn tables_are_drawn_and_errors_have_their_place() {
    let server = TestServer::start().await;
    let printed = psql(server.addr, &[], "SELECT 1 AS one, 'x' AS word;\nSELECT * FROM nowhere;\n").await;
    assert!(printed.contains(" one | word \n-----+------\n   1 | x\n(1 row)\n"), "{printed}");
    assert!(printed.contains("ERROR:  relation \"nowhere\" does not exist"), "{printed}");
}

#[tokio::test]
async fn backslash_commands() {
    let server = TestServer::start().await;
    let script = "
CREATE TABLE products (product_id bigint PRIMARY KEY, name text);
CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n FROM products GROUP BY name;
CREATE INDEX by_n ON names (n DESC);
\\dt
\\dm
\\di
\\dT
\\d products
";
    let printed = psql(server.addr, &["-v", "ON_ERROR_STOP=1"], script).await;
    for expected in ["products", "names", "by_n", "product_id"] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    assert!(!printed.contains("ERROR"), "{printed}");
}

#[tokio::test]
async fn the_version_is_accepted() {
    let server = TestServer::start().await;
    let printed = psql(server.addr, &["-At"], "\\echo :SERVER_VERSION_NUM\nSHOW server_version;\n").await;
    assert!(printed.starts_with("150000\n15.0"), "{printed}");
}
