//! Lookups and rankings: reads by key in every form, each with the same read whose key is hidden in an expression.

use super::compare::Kind;
use super::expressions::Generator;
use super::scope::{Col, Relation};
use super::system::Row;
use super::types::{Ty, quoted};
use rand::RngExt;

/// A relation and one of its orders by key.
#[derive(Clone, Debug)]
pub struct Keyed {
    pub relation: Relation,
    /// Places in the columns, and whether they descend.
    pub key: Vec<(usize, bool)>,
    /// There is one row at most by the whole key.
    pub unique: bool,
}

/// A read in its three ways.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub plain: String,
    pub prepared: String,
    pub parameters: Vec<String>,
    pub hidden: String,
    pub kinds: Vec<Kind>,
    pub ordered: bool,
}

/// The three texts of a read, as far as they are written.
#[derive(Default)]
struct Texts {
    plain: String,
    prepared: String,
    parameters: Vec<String>,
    hidden: String,
}

impl Texts {
    fn all(&mut self, text: &str) {
        for one in [&mut self.plain, &mut self.prepared, &mut self.hidden] {
            one.push_str(text);
        }
    }

    /// A column of the key.
    fn column(&mut self, sql: &str, ty: Ty) {
        self.plain.push_str(sql);
        self.prepared.push_str(sql);
        self.hidden.push_str(&hidden(sql, ty));
    }

    fn value(&mut self, value: &str, ty: Ty) {
        let literal = as_literal(value, ty);
        self.plain.push_str(&literal);
        self.hidden.push_str(&literal);
        self.parameter(value.to_owned());
    }

    fn array(&mut self, values: &[String]) {
        let escaped = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let array = format!("{{{}}}", values.iter().map(escaped).collect::<Vec<_>>().join(","));
        self.plain.push_str(&quoted(&array));
        self.hidden.push_str(&quoted(&array));
        self.parameter(array);
    }

    fn parameter(&mut self, value: String) {
        self.parameters.push(value);
        self.prepared.push_str(&format!("${}", self.parameters.len()));
    }
}

/// The column in an expression that leaves it as it is.
fn hidden(sql: &str, ty: Ty) -> String {
    match ty {
        Ty::Bool => format!("({sql} AND true)"),
        Ty::Text => format!("({sql} || '')"),
        Ty::Bytea => format!("({sql} || ''::bytea)"),
        Ty::Date => format!("({sql} + 0)"),
        Ty::Timestamp | Ty::TimestampTz | Ty::Interval => format!("({sql} + interval '0 seconds')"),
        Ty::Numeric => format!("({sql} + 0)"),
        _ => format!("({sql} + 0::{})", ty.name()),
    }
}

/// A value as Postgres shows it, as a literal.
fn as_literal(value: &str, ty: Ty) -> String {
    match ty {
        Ty::Int2 | Ty::Int4 | Ty::Int8 | Ty::Numeric => value.to_owned(),
        Ty::Bool => if value == "t" || value == "true" { "true" } else { "false" }.to_owned(),
        _ => quoted(value),
    }
}

impl Keyed {
    fn column(&self, at: usize) -> &Col {
        &self.relation.columns[self.key[at].0]
    }

    /// A key that exists, mostly.
    fn some_key(&self, generator: &mut Generator, rows: &[Row]) -> Option<Vec<String>> {
        if rows.is_empty() || generator.chance(0.15) {
            return Some((0..self.key.len()).map(|at| self.column(at).ty.key_value(&mut generator.rng)).collect());
        }
        let row = &rows[generator.below(rows.len())];
        self.key.iter().map(|(column, _)| row.get(*column).cloned().flatten()).collect()
    }

    fn kinds(&self) -> Vec<Kind> {
        self.relation.columns.iter().map(Kind::of).collect()
    }
}

/// `rows` are all rows of the relation. None: nothing to look for.
pub fn random(generator: &mut Generator, keyed: &Keyed, others: &[Keyed], rows: &[Row]) -> Option<Lookup> {
    let key = keyed.some_key(generator, rows)?;
    if keyed.unique
        && generator.chance(0.35)
        && let Some(ranking) = ranking(generator, keyed, others, &key)
    {
        return Some(ranking);
    }
    let mut texts = Texts::default();
    let kinds = select_list(generator, keyed, &mut texts);
    texts.all(&format!(" FROM {} WHERE ", keyed.relation.name));
    let length = keyed.key.len();
    let form = generator.below(4);
    if form == 0 && length == 1 && keyed.unique {
        many(generator, keyed, &key, rows, &mut texts);
        return Some(done(texts, kinds, false));
    }
    let equal = if form == 1 || length == 1 { length } else { generator.rng.random_range(1..length + 1) };
    equalities(keyed, &key[..equal], "", &mut texts);
    if equal < length && generator.chance(0.5) {
        range(generator, keyed, equal, &key[equal], &mut texts);
    }
    let ordered = equal < length && order(generator, keyed, equal, &mut texts);
    Some(done(texts, kinds, ordered))
}

fn done(texts: Texts, kinds: Vec<Kind>, ordered: bool) -> Lookup {
    let Texts { plain, prepared, parameters, hidden } = texts;
    Lookup { plain, prepared, parameters, hidden, kinds, ordered }
}

fn select_list(generator: &mut Generator, keyed: &Keyed, texts: &mut Texts) -> Vec<Kind> {
    texts.all("SELECT ");
    let columns = &keyed.relation.columns;
    if generator.chance(0.5) {
        texts.all("*");
        return keyed.kinds();
    }
    let mut kinds = Vec::new();
    for at in 0..generator.pick(&[1, 2, 3]) {
        let col = &columns[generator.below(columns.len())];
        texts.all(if at == 0 { "" } else { ", " });
        texts.all(&col.name);
        kinds.push(Kind::of(col));
    }
    kinds
}

/// `k = ANY (...)`, `k IN (...)` or `k = 1 OR k = 2`.
fn many(generator: &mut Generator, keyed: &Keyed, key: &[String], rows: &[Row], texts: &mut Texts) {
    let mut values = vec![key[0].clone()];
    for _ in 0..generator.pick(&[0, 1, 2, 3]) {
        values.extend(keyed.some_key(generator, rows).and_then(|key| key.into_iter().next()));
    }
    let Col { name, ty, .. } = keyed.column(0).clone();
    match generator.below(3) {
        0 => {
            texts.column(&name, ty);
            texts.all(" = ANY (");
            texts.array(&values);
            texts.all(")");
        }
        1 => {
            texts.column(&name, ty);
            for (at, value) in values.iter().enumerate() {
                texts.all(if at == 0 { " IN (" } else { ", " });
                texts.value(value, ty);
            }
            texts.all(")");
        }
        _ => {
            for (at, value) in values.iter().enumerate() {
                texts.all(if at == 0 { "" } else { " OR " });
                texts.column(&name, ty);
                texts.all(" = ");
                texts.value(value, ty);
            }
        }
    }
}

fn equalities(keyed: &Keyed, values: &[String], alias: &str, texts: &mut Texts) {
    for (at, value) in values.iter().enumerate() {
        let col = keyed.column(at);
        texts.all(if at == 0 { "" } else { " AND " });
        texts.column(&format!("{alias}{}", col.name), col.ty);
        texts.all(" = ");
        texts.value(value, col.ty);
    }
}

fn range(generator: &mut Generator, keyed: &Keyed, at: usize, value: &str, texts: &mut Texts) {
    let Col { name, ty, .. } = keyed.column(at).clone();
    let other = ty.key_value(&mut generator.rng);
    texts.all(" AND ");
    texts.column(&name, ty);
    if generator.chance(0.4) {
        texts.all(" BETWEEN ");
        texts.value(&other, ty);
        texts.all(" AND ");
        texts.value(value, ty);
        return;
    }
    let lower = generator.pick(&[" >= ", " > ", " <= ", " < "]);
    texts.all(lower);
    texts.value(value, ty);
    if generator.chance(0.6) {
        texts.all(" AND ");
        texts.column(&name, ty);
        texts.all(if lower.contains('>') { " <= " } else { " >= " });
        texts.value(&other, ty);
    }
}

/// ORDER BY what is left of the key, and perhaps LIMIT. Gives whether that order leaves nothing open.
fn order(generator: &mut Generator, keyed: &Keyed, from: usize, texts: &mut Texts) -> bool {
    if generator.chance(0.3) {
        return false;
    }
    let reversed = generator.chance(0.5);
    let columns = &keyed.relation.columns;
    let mut keys: Vec<String> = keyed.key[from..]
        .iter()
        .map(|(at, descends)| format!("{}{}", columns[*at].name, if *descends == reversed { "" } else { " DESC" }))
        .collect();
    let total = keyed.unique || columns.iter().all(|col| col.exact && col.ty != Ty::Interval);
    if !keyed.unique && total {
        let others = columns.iter().enumerate().filter(|(at, _)| !keyed.key.iter().any(|(key, _)| key == at));
        keys.extend(others.map(|(_, col)| col.name.clone()));
    }
    texts.all(&format!(" ORDER BY {}", keys.join(", ")));
    if total && generator.chance(0.7) {
        texts.all(&format!(" LIMIT {}", generator.pick(&[1, 2, 3, 5])));
        if generator.chance(0.3) {
            texts.all(" OFFSET 1");
        }
    }
    total
}

/// A lookup, joins by key, an expression, an order.
fn ranking(generator: &mut Generator, keyed: &Keyed, others: &[Keyed], key: &[String]) -> Option<Lookup> {
    let base: Vec<Col> = keyed.relation.columns.iter().map(|col| col.of("c")).collect();
    let mut level = base.clone();
    let mut joins: Vec<(String, Vec<(Col, String)>)> = Vec::new();
    for alias in ["f", "h"] {
        if others.is_empty() || (!joins.is_empty() && generator.chance(0.6)) {
            break;
        }
        let other = &others[generator.below(others.len())];
        let mut pairs = Vec::new();
        for at in 0..other.key.len() {
            let by: Vec<&Col> = base.iter().filter(|col| col.ty == other.column(at).ty && col.exact).collect();
            if by.is_empty() {
                break;
            }
            pairs.push((other.column(at).of(alias), generator.pick(&by).qualified()));
        }
        if !other.unique || pairs.len() < other.key.len() {
            continue;
        }
        level.extend(other.relation.columns.iter().map(|col| col.of(alias)));
        let kind = generator.pick(&["JOIN", "LEFT JOIN"]);
        joins.push((format!(" {kind} {} AS {alias} ON ", other.relation.name), pairs));
    }
    let scope = vec![level];
    generator.budget = 0;
    let ty = generator.any_type(&scope, &[Ty::Int4, Ty::Int8, Ty::Double, Ty::Numeric, Ty::Text, Ty::Bool]);
    let score = generator.expression(&scope, ty, 2).sql;
    let mut texts = Texts::default();
    let keys: Vec<String> = (0..key.len()).map(|at| keyed.column(at).of("c").qualified()).collect();
    texts.all(&format!("SELECT {}, {score} AS score FROM {} AS c", keys.join(", "), keyed.relation.name));
    for (join, pairs) in &joins {
        texts.all(join);
        for (at, (col, by)) in pairs.iter().enumerate() {
            texts.all(if at == 0 { "" } else { " AND " });
            texts.column(&col.qualified(), col.ty);
            texts.all(&format!(" = {by}"));
        }
    }
    texts.all(" WHERE ");
    let equal = generator.rng.random_range(1..key.len() + 1);
    equalities(keyed, &key[..equal], "c.", &mut texts);
    if generator.chance(0.3) {
        let condition = generator.expression(&scope, Ty::Bool, 1).sql;
        texts.all(&format!(" AND {condition}"));
    }
    let direction = generator.direction();
    texts.all(&format!(" ORDER BY score{direction}, {}", keys.join(", ")));
    if generator.chance(0.7) {
        texts.all(&format!(" LIMIT {}", generator.pick(&[1, 2, 3, 10])));
    }
    let mut kinds: Vec<Kind> = (0..key.len()).map(|at| Kind::of(keyed.column(at))).collect();
    kinds.push(Kind { ty, exact: true });
    Some(done(texts, kinds, true))
}
