//! One round: a schema in both systems, and everything that is done to it.

use super::changes;
use super::compare::Kind;
use super::expressions::Generator;
use super::extended::execute;
use super::lookups::{self, Keyed};
use super::postgres::Postgres;
use super::queries::Query;
use super::report::{Found, Report, Verdict, judge};
use super::schema::{self, Table};
use super::scope::Relation;
use super::shrink::{Court, Way};
use super::system::{Answer, Attune, Database, Outcome, Row, ask};
use super::types::{Ty, quoted};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use tokio_postgres::Client;

/// Views that are kept at once.
const VIEWS: usize = 5;
/// What one batch is followed by.
const SELECTS: usize = 25;
const LOOKUPS: usize = 10;
/// No table gets more rows: queries join up to three.
const FULL: usize = 25;

/// What all rounds share.
pub struct Setup {
    pub postgres: Postgres,
    pub report: Report,
    /// Attune is a process, and gets killed.
    pub kills: bool,
    pub batches: usize,
}

pub struct Round {
    pub(super) setup: Arc<Setup>,
    pub(super) seed: u64,
    pub(super) rng: StdRng,
    pub(super) attune: Option<Attune>,
    pub(super) ours: Vec<Client>,
    pub(super) database: Database,
    pub(super) tables: Vec<Table>,
    views: Vec<View>,
    indexes: Vec<Keyed>,
    /// All that was done, as a script.
    pub(super) history: Vec<String>,
    made: usize,
    /// The systems hold different rows: nothing is to be learned any more.
    pub(super) apart: bool,
}

struct View {
    name: String,
    query: Query,
    relation: Relation,
    /// By its key, if it has one.
    keyed: Option<Keyed>,
}

impl Round {
    pub async fn start(setup: Arc<Setup>, seed: u64) -> Round {
        let mut rng = StdRng::seed_from_u64(seed);
        let attune = Attune::start(setup.kills).await;
        let database = Database::create(&setup.postgres, format!("judge_{seed}")).await;
        let ours = attune.clients().await;
        let tables = schema::random(&mut rng);
        let mut round = Round {
            setup,
            seed,
            rng,
            attune: Some(attune),
            ours,
            database,
            tables,
            views: Vec::new(),
            indexes: Vec::new(),
            history: Vec::new(),
            made: 0,
            apart: false,
        };
        round.create_tables().await;
        round
    }

    async fn create_tables(&mut self) {
        for table in self.tables.clone() {
            let (ours, theirs) = (table.create(true), table.create(false));
            self.database.clients[0].batch_execute(&theirs).await.unwrap_or_else(|e| panic!("{theirs}: {e}"));
            let made = ask(&self.ours[0], &ours).await;
            assert!(made.code().is_none(), "seed {}: {ours}: {}", self.seed, made.show());
            self.history.push(format!("{ours};\n"));
            let rows = changes::first_rows(&mut self.rng, &table);
            self.apply(rows).await;
        }
    }

    pub async fn run(mut self) {
        for _ in 0..VIEWS {
            self.create_view().await;
        }
        for _ in 0..self.setup.batches {
            self.change().await;
            if !self.apart {
                self.check_tables().await;
            }
            if self.apart {
                self.setup.report.count("rounds given up");
                break;
            }
            self.check_views().await;
            for _ in 0..SELECTS {
                self.select().await;
            }
            self.lookups().await;
            self.replace_something().await;
        }
        self.setup.report.count("rounds");
        let Round { ours, database, attune, setup, .. } = self;
        drop(ours);
        database.remove(&setup.postgres).await;
        if let Some(attune) = attune {
            attune.stop().await;
        }
    }

    async fn change(&mut self) {
        let mut full = Vec::new();
        for table in &self.tables {
            let sql = format!("SELECT * FROM {}", table.name);
            full.push(rows_of(&ask(&self.database.clients[0], &sql).await).len() > FULL);
        }
        for _ in 0..self.rng.random_range(2..8) {
            let change = changes::random(&mut self.rng, &self.tables, &full);
            let stream_is_full =
                self.tables.iter().zip(&full).any(|(table, full)| {
                    table.stream && *full && change.script().contains(&format!(" {} ", table.name))
                });
            if !self.apart && !stream_is_full {
                self.apply(change).await;
            }
        }
    }

    fn relations(&self) -> Vec<Relation> {
        self.tables.iter().map(Table::relation).chain(self.views.iter().map(|view| view.relation.clone())).collect()
    }

    async fn check_tables(&mut self) {
        for table in self.tables.clone() {
            let sql = format!("SELECT * FROM {}", table.name);
            let (ours, theirs) = (ask(&self.ours[1], &sql).await, ask(&self.database.clients[1], &sql).await);
            let kinds: Vec<Kind> = table.relation().columns.iter().map(Kind::of).collect();
            let verdict = judge(&sql, &ours, &theirs, &kinds, false);
            self.setup.report.verdict(&verdict);
            if let Verdict::Differs(detail) = verdict {
                self.apart = true;
                self.found("a table", &detail, &sql, sql.clone(), (&ours, &theirs), self.whole_script(&sql));
            }
        }
    }

    async fn check_views(&mut self) {
        let mut wrong: Vec<String> = Vec::new();
        for view in &self.views {
            let sql = format!("SELECT * FROM {}", view.name);
            let theirs = ask(&self.database.clients[2], &sql).await;
            if theirs.code().is_some() {
                // What fails for a row is NULL in a view.
                self.setup.report.count("views not compared");
                continue;
            }
            let ours = ask(&self.ours[2], &sql).await;
            let kinds: Vec<Kind> = view.relation.columns.iter().map(Kind::of).collect();
            let verdict = judge(&sql, &ours, &theirs, &kinds, false);
            self.setup.report.verdict(&verdict);
            if let Verdict::Differs(detail) = verdict {
                let text = view.query.sql();
                let small = self.smaller(&view.query, true, &detail, (&ours, &theirs)).await;
                self.found("a view", &detail, &text, small, (&ours, &theirs), self.whole_script(&sql));
                wrong.push(view.name.clone());
            }
        }
        // Those above it differ too.
        while let Some(name) = wrong.pop() {
            let above = self.views.iter().filter(|view| view.query.sql().contains(&name)).map(|view| view.name.clone());
            wrong.extend(above.collect::<Vec<_>>());
            self.views.retain(|view| view.name != name);
            self.indexes.retain(|index| index.relation.name != name);
        }
    }

    async fn select(&mut self) {
        let mut generator = Generator::new(self.rng.random(), &self.relations());
        generator.risky = self.rng.random_bool(0.25);
        let query = generator.statement();
        let sql = query.sql();
        let (ours, theirs) = if self.rng.random_bool(0.12) {
            (execute(&self.ours[0], &sql, &[]).await, execute(&self.database.clients[0], &sql, &[]).await)
        } else {
            (ask(&self.ours[0], &sql).await, ask(&self.database.clients[0], &sql).await)
        };
        if theirs.code().is_some_and(|code| code.starts_with("42")) {
            self.setup.report.count("invalid");
        }
        self.setup.report.count("queries");
        // PostgreSQL flattens AND, and merges columns of USING, before it looks for keys of GROUP BY.
        if theirs.code() == Some("42803") && matches!(ours, Outcome::Answer(_)) {
            return;
        }
        if self.fails_in_planning(&sql, &ours, &theirs).await {
            self.setup.report.count("failed in the planning of Postgres");
            return;
        }
        let kinds = self.kinds(&query, &sql).await;
        let verdict = judge(&sql, &ours, &theirs, &kinds, query.ordered);
        self.setup.report.verdict(&verdict);
        match verdict {
            Verdict::Differs(detail) => {
                let small = self.smaller(&query, false, &detail, (&ours, &theirs)).await;
                let script = self.script(&small).await;
                self.found("a SELECT", &detail, &sql, small, (&ours, &theirs), script);
            }
            Verdict::Equal if self.rng.random_bool(0.12) => self.check_types(&sql).await,
            _ => {}
        }
    }

    /// Postgres computes what is constant beforehand, and fails although no row needs it.
    async fn fails_in_planning(&self, sql: &str, ours: &Outcome, theirs: &Outcome) -> bool {
        let value = |outcome: &Outcome| outcome.code().is_some_and(|code| code.starts_with("22"));
        ours.code().is_none()
            && value(theirs)
            && value(&ask(&self.database.clients[0], &format!("EXPLAIN {sql}")).await)
    }

    async fn kinds(&self, query: &Query, sql: &str) -> Vec<Kind> {
        if !query.columns.is_empty() {
            return query.columns.iter().map(Kind::of).collect();
        }
        let Ok(statement) = self.database.clients[0].prepare(sql).await else { return Vec::new() };
        let types = statement.columns().iter().map(|column| Ty::by_oid(column.type_().oid()).unwrap_or(Ty::Text));
        types.map(|ty| Kind { ty, exact: false }).collect()
    }

    /// The types of the columns, as drivers are told.
    async fn check_types(&mut self, sql: &str) {
        let (Ok(ours), Ok(theirs)) = (self.ours[0].prepare(sql).await, self.database.clients[0].prepare(sql).await)
        else {
            return;
        };
        let types = |statement: &tokio_postgres::Statement| {
            let name = |column: &tokio_postgres::Column| column.type_().name().replace("varchar", "text");
            statement.columns().iter().map(name).collect::<Vec<_>>()
        };
        let (ours, theirs) = (types(&ours), types(&theirs));
        let verdict = if ours == theirs {
            Verdict::Equal
        } else {
            let pairs = ours.iter().zip(&theirs).filter(|(our, their)| our != their);
            let pairs: Vec<String> = pairs.map(|(our, their)| format!("{our} instead of {their}")).collect();
            Verdict::Differs(format!("types: {}", pairs.join(", ")))
        };
        self.setup.report.verdict(&verdict);
        if let Verdict::Differs(detail) = verdict {
            let empty = Outcome::Answer(Answer::default());
            self.found("the types of a SELECT", &detail, sql, sql.to_owned(), (&empty, &empty), String::new());
        }
    }

    async fn create_view(&mut self) {
        self.made += 1;
        let name = format!("v{}", self.made);
        let query = Generator::new(self.rng.random(), &self.relations()).view_query();
        let sql = query.sql();
        if ask(&self.database.clients[0], &format!("CREATE VIEW {name} AS {sql}")).await.code().is_some() {
            self.setup.report.count("invalid");
            return;
        }
        let create = format!("CREATE MATERIALIZED VIEW {name} AS {sql}");
        let made = ask(&self.ours[0], &create).await;
        if let Outcome::Error { code, message } = &made {
            let drop = ask(&self.database.clients[0], &format!("DROP VIEW {name}")).await;
            assert!(drop.code().is_none(), "{}", drop.show());
            if code == "0A000" {
                self.setup.report.view_refused(message);
                return;
            }
            let detail = format!("only Attune fails: {}", made.show());
            let expected = Outcome::Answer(Answer::default());
            let script = self.script(&create).await;
            self.setup.report.verdict(&Verdict::Differs(String::new()));
            self.found("CREATE MATERIALIZED VIEW", &detail, &create, create.clone(), (&made, &expected), script);
            return;
        }
        self.setup.report.count("views");
        self.history.push(format!("{create};\n"));
        let mut relation = Relation { name: name.clone(), columns: query.columns.clone() };
        for col in &mut relation.columns {
            col.sql = None;
        }
        let keyed = self.key_of_view(&relation).await;
        self.views.push(View { name, query, relation, keyed });
    }

    async fn key_of_view(&self, relation: &Relation) -> Option<Keyed> {
        let sql = format!("SELECT key FROM attune_views WHERE name = '{}'", relation.name);
        let outcome = ask(&self.ours[0], &sql).await;
        let text = rows_of(&outcome).first()?.first()?.clone()?;
        let part = |part: &str| {
            let name = part.split(' ').next()?;
            let at = relation.columns.iter().position(|col| col.name == name && col.exact)?;
            (!part.contains("NULLS")).then_some((at, part.contains(" DESC")))
        };
        let key: Option<Vec<(usize, bool)>> = text.split(", ").map(part).collect();
        key.filter(|key| !key.is_empty()).map(|key| Keyed { relation: relation.clone(), key, unique: true })
    }

    /// Another view, another index, a restart.
    async fn replace_something(&mut self) {
        if self.rng.random_bool(0.6) {
            self.drop_view().await;
        }
        if self.views.len() < VIEWS {
            self.create_view().await;
        }
        if self.rng.random_bool(0.5) {
            self.create_index().await;
        }
        if self.rng.random_bool(if self.setup.kills { 0.3 } else { 0.05 }) {
            self.restart().await;
        }
        if self.setup.kills && self.rng.random_bool(0.3) {
            self.kill_in_the_midst().await;
        }
    }

    pub(super) async fn restart(&mut self) {
        self.setup.report.count(if self.setup.kills { "kills" } else { "restarts" });
        self.ours.clear();
        if let Some(attune) = self.attune.take() {
            let attune = attune.restart().await;
            self.ours = attune.clients().await;
            self.attune = Some(attune);
        }
    }

    async fn drop_view(&mut self) {
        let used = |name: &str| self.views.iter().any(|view| view.query.sql().contains(name));
        let free: Vec<String> = self.views.iter().map(|view| view.name.clone()).filter(|name| !used(name)).collect();
        if free.is_empty() {
            return;
        }
        let name = &free[self.rng.random_range(0..free.len())];
        let sql = format!("DROP MATERIALIZED VIEW {name}");
        let dropped = ask(&self.ours[0], &sql).await;
        // A view that was given up as wrong may still read it.
        if dropped.code() == Some("2BP01") {
            return;
        }
        assert!(dropped.code().is_none(), "seed {}: {sql}: {}", self.seed, dropped.show());
        let theirs = ask(&self.database.clients[0], &format!("DROP VIEW {name} CASCADE")).await;
        assert!(theirs.code().is_none(), "{}", theirs.show());
        self.history.push(format!("{sql};\n"));
        self.views.retain(|view| view.name != *name);
        self.indexes.retain(|index| index.relation.name != *name);
    }

    async fn create_index(&mut self) {
        let tables = self.tables.iter().filter(|table| !table.stream).map(Table::relation);
        let all: Vec<Relation> = tables.chain(self.views.iter().map(|view| view.relation.clone())).collect();
        let relation = all[self.rng.random_range(0..all.len())].clone();
        let mut key: Vec<(usize, bool)> = Vec::new();
        for _ in 0..self.rng.random_range(1..3) {
            let at = self.rng.random_range(0..relation.columns.len());
            if relation.columns[at].exact && key.iter().all(|(other, _)| *other != at) {
                key.push((at, self.rng.random_bool(0.3)));
            }
        }
        if key.is_empty() {
            return;
        }
        let part = |(at, descends): &(usize, bool)| {
            format!("{}{}", relation.columns[*at].name, if *descends { " DESC" } else { "" })
        };
        let parts: Vec<String> = key.iter().map(part).collect();
        let others = (0..relation.columns.len()).filter(|at| key.iter().all(|(key, _)| key != at));
        let others: Vec<&str> = others.map(|at| relation.columns[at].name.as_str()).collect();
        let include = if others.is_empty() { String::new() } else { format!(" INCLUDE ({})", others.join(", ")) };
        let sql = format!("CREATE INDEX ON {} ({}){include}", relation.name, parts.join(", "));
        let made = ask(&self.ours[0], &sql).await;
        if made.code().is_none() {
            self.setup.report.count("indexes");
            self.history.push(format!("{sql};\n"));
            self.indexes.push(Keyed { relation, key, unique: false });
        } else if made.code() != Some("0A000") {
            let expected = Outcome::Answer(Answer::default());
            let script = self.script(&sql).await;
            self.found("CREATE INDEX", &made.show(), &sql, sql.clone(), (&made, &expected), script);
        }
    }

    async fn lookups(&mut self) {
        let of_tables = self.tables.iter().filter(|table| !table.key.is_empty()).map(|table| Keyed {
            relation: table.relation(),
            key: table.key.iter().map(|at| (*at, false)).collect(),
            unique: true,
        });
        let unique: Vec<Keyed> = of_tables.chain(self.views.iter().filter_map(|view| view.keyed.clone())).collect();
        let all: Vec<Keyed> = unique.iter().chain(&self.indexes).cloned().collect();
        for _ in 0..LOOKUPS {
            let keyed = &all[self.rng.random_range(0..all.len())];
            let rows = ask(&self.database.clients[0], &format!("SELECT * FROM {}", keyed.relation.name)).await;
            let mut generator = Generator::new(self.rng.random(), &[]);
            let Some(lookup) = lookups::random(&mut generator, keyed, &unique, rows_of(&rows)) else { continue };
            self.check_lookup(&lookup).await;
        }
    }

    async fn check_lookup(&mut self, lookup: &lookups::Lookup) {
        let client = self.rng.random_range(0..self.ours.len());
        let (ours, theirs) = (&self.ours[client], &self.database.clients[client]);
        let plain = ask(ours, &lookup.plain).await;
        let expected = ask(theirs, &lookup.plain).await;
        let prepared = execute(ours, &lookup.prepared, &lookup.parameters).await;
        let expected_prepared = execute(theirs, &lookup.prepared, &lookup.parameters).await;
        let hidden = ask(ours, &lookup.hidden).await;
        let explained = ask(ours, &format!("EXPLAIN {}", lookup.plain)).await;
        let first = rows_of(&explained).first().and_then(|row| row.first().cloned().flatten()).unwrap_or_default();
        self.setup.report.count("lookups");
        if first.contains("tier 1") {
            self.setup.report.count("lookups by key");
        }
        let parameters = format!("{} with {:?}", lookup.prepared, lookup.parameters);
        let pairs = [
            ("a lookup", &lookup.plain, &plain, &expected),
            ("a prepared lookup", &parameters, &prepared, &expected_prepared),
            ("a lookup with its key hidden", &lookup.hidden, &hidden, &expected),
        ];
        for (what, sql, ours, theirs) in pairs {
            let verdict = judge(sql, ours, theirs, &lookup.kinds, lookup.ordered);
            self.setup.report.verdict(&verdict);
            if let Verdict::Differs(detail) = verdict {
                let script = self.script(sql).await;
                self.found(what, &detail, sql, sql.clone(), (ours, theirs), script);
            }
        }
    }

    /// The smallest statement that differs in the same way.
    async fn smaller(&self, query: &Query, view: bool, detail: &str, both: (&Outcome, &Outcome)) -> String {
        if !self.setup.report.is_news(detail) {
            return query.sql();
        }
        let court = Court { attune: &self.ours[0], postgres: &self.database.clients[0], view };
        court.smallest(query, &Way::of(both.0, both.1)).await
    }

    pub(super) fn found(
        &self,
        what: &'static str,
        detail: &str,
        sql: &str,
        small: String,
        (ours, theirs): (&Outcome, &Outcome),
        script: String,
    ) {
        self.setup.report.difference(&Found {
            seed: self.seed,
            what,
            detail: detail.to_owned(),
            sql: sql.to_owned(),
            small,
            attune: ours.show(),
            postgres: theirs.show(),
            script,
        });
    }

    /// All that led here.
    pub(super) fn whole_script(&self, sql: &str) -> String {
        format!("{}{sql};\n", self.history.concat())
    }

    /// The tables as they are now, the views that the statement needs, and the statement.
    async fn script(&self, sql: &str) -> String {
        let mut script = String::new();
        for table in &self.tables {
            script.push_str(&format!("{};\n", table.create(true)));
            let rows = ask(&self.database.clients[0], &format!("SELECT * FROM {}", table.name)).await;
            let cell = |cell: &Option<String>| cell.as_ref().map_or("NULL".to_owned(), |text| quoted(text));
            let row = |row: &Row| format!("({})", row.iter().map(cell).collect::<Vec<_>>().join(", "));
            let rows: Vec<String> = rows_of(&rows).iter().map(row).collect();
            if !rows.is_empty() {
                script.push_str(&format!("INSERT INTO {} VALUES {};\n", table.name, rows.join(", ")));
            }
        }
        let mut needed = sql.to_owned();
        let mut views = Vec::new();
        for view in self.views.iter().rev() {
            if needed.contains(&view.name) {
                let create = format!("CREATE MATERIALIZED VIEW {} AS {};\n", view.name, view.query.sql());
                needed.push_str(&create);
                views.push(create);
            }
        }
        views.reverse();
        script.push_str(&format!("{}{sql};\n", views.concat()));
        script
    }
}

/// The rows of an answer; none of an error.
pub(super) fn rows_of(outcome: &Outcome) -> &[Row] {
    match outcome {
        Outcome::Answer(answer) => &answer.rows,
        Outcome::Error { .. } => &[],
    }
}
