//! Changes, made to both systems in the same order.

use super::changes::{Change, random};
use super::compare::Kind;
use super::report::{Verdict, judge};
use super::round::Round;
use super::system::{CONNECTIONS, Outcome, ask, copy};
use rand::RngExt;

impl Round {
    /// Makes a change on one of the connections. Attune goes first: what it refuses, Postgres takes back.
    pub(super) async fn apply(&mut self, change: Change) {
        self.setup.report.count("changes");
        let at = self.rng.random_range(0..CONNECTIONS);
        let script = change.script();
        let done = match &change {
            Change::Statement(sql) => {
                let ours = ask(&self.ours[at], sql).await;
                let theirs = self.theirs(at, &ours, sql, None).await;
                self.check_change(sql, &ours, &theirs);
                ours.code().is_none()
            }
            Change::Copy(statement, data) => {
                let ours = copy(&self.ours[at], statement, data).await;
                let theirs = self.theirs(at, &ours, statement, Some(data)).await;
                self.check_change(&script, &ours, &theirs);
                ours.code().is_none()
            }
            Change::Transaction(statements, commit) => self.transaction(at, statements, *commit).await,
        };
        if done {
            self.history.push(script);
        }
    }

    async fn theirs(&self, at: usize, ours: &Outcome, sql: &str, data: Option<&str>) -> Outcome {
        let client = &self.database.clients[at];
        let failed = ours.code().is_some();
        if failed {
            ask(client, "BEGIN").await;
        }
        let theirs = match data {
            Some(data) => copy(client, sql, data).await,
            None => ask(client, sql).await,
        };
        if failed {
            ask(client, "ROLLBACK").await;
        }
        theirs
    }

    fn check_change(&mut self, sql: &str, ours: &Outcome, theirs: &Outcome) {
        let verdict = judge(sql, ours, theirs, &self.kinds_of_change(sql), false);
        self.setup.report.verdict(&verdict);
        // Rows that only one of them has. What timed out may have been committed.
        self.apart |= ours.code().is_none() && theirs.code().is_some() || ours.code() == Some("57014");
        if let Verdict::Differs(detail) = verdict {
            let script = self.whole_script(sql);
            self.found("a change", &detail, sql, sql.to_owned(), (ours, theirs), script);
        }
    }

    /// Of what RETURNING gives.
    fn kinds_of_change(&self, sql: &str) -> Vec<Kind> {
        let target = self.tables.iter().find(|table| {
            ["INSERT INTO", "UPDATE", "DELETE FROM"]
                .iter()
                .any(|verb| sql.starts_with(&format!("{verb} {} ", table.name)))
        });
        target.map_or_else(Vec::new, |table| table.relation().columns.iter().map(Kind::of).collect())
    }

    /// Statements between BEGIN and COMMIT or ROLLBACK, with reads in between. Gives whether it was committed.
    async fn transaction(&mut self, at: usize, statements: &[String], commit: bool) -> bool {
        self.both(at, "BEGIN").await;
        for sql in statements {
            let (ours, theirs) = (ask(&self.ours[at], sql).await, ask(&self.database.clients[at], sql).await);
            let apart = self.apart;
            self.check_change(sql, &ours, &theirs);
            // It is taken back.
            self.apart = apart;
            if ours.code().is_some() || theirs.code().is_some() {
                self.both(at, "ROLLBACK").await;
                return false;
            }
            if self.rng.random_bool(0.3) && !self.read_within(at).await {
                self.both(at, "ROLLBACK").await;
                return false;
            }
        }
        if !commit {
            self.both(at, "ROLLBACK").await;
            return false;
        }
        let ours = ask(&self.ours[at], "COMMIT").await;
        let end = if ours.code().is_none() { "COMMIT" } else { "ROLLBACK" };
        let theirs = ask(&self.database.clients[at], end).await;
        if ours.code().is_some_and(|code| code != "57014") {
            let script = self.whole_script(&format!("BEGIN;\n{};\nCOMMIT", statements.join(";\n")));
            self.setup.report.verdict(&Verdict::Differs(String::new()));
            self.found("COMMIT", &ours.show(), "COMMIT", "COMMIT".to_owned(), (&ours, &theirs), script);
        }
        self.apart |= ours.code().is_none() && theirs.code().is_some() || ours.code() == Some("57014");
        ours.code().is_none()
    }

    async fn both(&self, at: usize, sql: &str) {
        for outcome in [ask(&self.ours[at], sql).await, ask(&self.database.clients[at], sql).await] {
            assert!(outcome.code().is_none(), "seed {}: {sql}: {}", self.seed, outcome.show());
        }
    }

    /// Reads a table in the transaction, which sees its own rows, and outside, which does not. False: the block is over.
    async fn read_within(&mut self, at: usize) -> bool {
        let table = self.tables[self.rng.random_range(0..self.tables.len())].clone();
        let kinds: Vec<Kind> = table.relation().columns.iter().map(Kind::of).collect();
        let sql = format!("SELECT * FROM {}", table.name);
        for reader in [(at + 1) % CONNECTIONS, at] {
            let (ours, theirs) = (ask(&self.ours[reader], &sql).await, ask(&self.database.clients[reader], &sql).await);
            let verdict = judge(&sql, &ours, &theirs, &kinds, false);
            self.setup.report.verdict(&verdict);
            if let Verdict::Differs(detail) = verdict {
                let what = if reader == at { "a table in a transaction" } else { "a table beside a transaction" };
                let script = self.whole_script(&sql);
                self.found(what, &detail, &sql, sql.clone(), (&ours, &theirs), script);
            }
            if ours.code().is_some() {
                return false;
            }
        }
        true
    }

    /// Kills Attune while a statement runs: afterwards it is there as a whole, or not at all.
    pub(super) async fn kill_in_the_midst(&mut self) {
        let full = vec![false; self.tables.len()];
        let Change::Statement(sql) = random(&mut self.rng, &self.tables, &full) else { return };
        let client = self.ours.remove(0);
        let text = sql.clone();
        let running = tokio::spawn(async move { ask(&client, &text).await });
        for _ in 0..self.rng.random_range(0..3000) {
            tokio::task::yield_now().await;
        }
        self.restart().await;
        let told = running.await.unwrap();
        let acknowledged = told.code().is_none();
        let refused = told.code().is_some_and(|code| code != "08006" && !code.starts_with("57P"));
        let before = self.same_tables().await;
        ask(&self.database.clients[0], "BEGIN").await;
        let theirs = ask(&self.database.clients[0], &sql).await;
        let after = theirs.code().is_none() && self.same_tables().await;
        let taken = after && !refused && (acknowledged || !before);
        ask(&self.database.clients[0], if taken { "COMMIT" } else { "ROLLBACK" }).await;
        if taken {
            self.history.push(format!("{sql};\n"));
        }
        let right = if acknowledged {
            after
        } else if refused {
            before
        } else {
            before || after
        };
        self.setup.report.verdict(&if right { Verdict::Equal } else { Verdict::Differs(String::new()) });
        if !right {
            self.apart = true;
            let script = self.whole_script(&sql);
            self.found(
                "a statement that a kill ended",
                "half of it is there",
                &sql,
                sql.clone(),
                (&told, &theirs),
                script,
            );
        }
    }

    /// By the first connection of Postgres, which may have a transaction.
    async fn same_tables(&self) -> bool {
        for table in &self.tables {
            let sql = format!("SELECT * FROM {}", table.name);
            let (ours, theirs) = (ask(&self.ours[0], &sql).await, ask(&self.database.clients[0], &sql).await);
            let kinds: Vec<Kind> = table.relation().columns.iter().map(Kind::of).collect();
            if !matches!(judge(&sql, &ours, &theirs, &kinds, false), Verdict::Equal | Verdict::Documented(_)) {
                return false;
            }
        }
        true
    }
}
