//! All queries at a small scale, so that the benchmark never rots.

use super::queries::QUERIES;
use super::{ATTUNE, Args, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_view_is_its_query() {
    let dir = tempfile::tempdir().unwrap();
    let args = Args {
        events: 2_000,
        batch: 300,
        queries: Vec::new(),
        peers: Vec::new(),
        rounds: 1,
        core: "all".to_owned(),
        check: true,
        dir: Some(dir.path().to_owned()),
        set: Vec::new(),
    };
    let report = run(&args).await.unwrap();
    let table = report.table("nexmark").unwrap();
    for query in QUERIES {
        let rows = table.row(query.name, ATTUNE).and_then(|row| row.value("result"));
        assert_eq!(rows.is_some(), query.sql.is_ok(), "{}", query.name);
        assert!(rows.is_none_or(|rows| rows > 0.0), "{} has no rows", query.name);
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "data directories are removed");
}
