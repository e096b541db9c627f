//! FROM: relations, subqueries, VALUES and joins of all kinds.

use super::expressions::Generator;
use super::scope::{Col, Scope, aliases, for_subqueries, within};
use super::types::{Domain, Ty, quoted};
use rand::seq::SliceRandom;

/// What FROM gives.
pub struct From {
    /// Separated by commas.
    pub parts: Vec<String>,
    pub columns: Vec<Col>,
}

/// One relation of FROM.
struct Part {
    sql: String,
    columns: Vec<Col>,
    lateral: bool,
}

impl Generator {
    pub fn from(&mut self, outer: &Scope, depth: u32) -> From {
        let count = if self.budget > 0 { self.pick(&[1, 1, 1, 2, 2, 3]) } else { 1 };
        let mut parts: Vec<String> = Vec::new();
        // Columns of the parts before the last comma, and of those that are joined since.
        let (mut done, mut tree): (Vec<Col>, Vec<Col>) = (Vec::new(), Vec::new());
        for at in 0..count {
            let level: Vec<Col> = done.iter().chain(&tree).cloned().collect();
            let part = self.part(&within(outer, level), depth, at > 0);
            if at > 0 && self.chance(0.8) {
                let last = parts.len() - 1;
                let join = self.join(outer, &mut tree, part);
                parts[last].push_str(&join);
            } else {
                parts.push(part.sql);
                done.append(&mut tree);
                tree = part.columns;
            }
        }
        done.append(&mut tree);
        forget_ambiguous(&mut done);
        From { parts, columns: done }
    }

    fn alias(&mut self, scope: &Scope) -> String {
        let used = aliases(scope);
        // Some are called like columns.
        let free: Vec<&str> =
            ["t", "u", "x", "y", "k", "v"].into_iter().filter(|name| !used.iter().any(|used| used == name)).collect();
        if !free.is_empty() && self.chance(0.5) { self.pick(&free).to_owned() } else { self.fresh("t") }
    }

    /// `scope`: with the parts before it, which only LATERAL may read.
    fn part(&mut self, scope: &Scope, depth: u32, may_be_lateral: bool) -> Part {
        let kind = self.below(100);
        if depth > 0 && self.budget > 0 && kind < 25 {
            self.budget -= 1;
            return self.derived(scope, depth, may_be_lateral);
        }
        if kind < 32 { self.values(scope) } else { self.relation(scope) }
    }

    fn derived(&mut self, scope: &Scope, depth: u32, may_be_lateral: bool) -> Part {
        let lateral = may_be_lateral && self.chance(0.4);
        let visible = if lateral { scope } else { &scope[..scope.len() - 1] };
        let query = self.query(&for_subqueries(visible), None, depth - 1, true, false);
        let alias = self.alias(scope);
        let keyword = if lateral { "LATERAL " } else { "" };
        let (names, columns) = if self.chance(0.2) {
            let columns: Vec<Col> =
                query.columns.iter().map(|col| Col { name: self.fresh("r"), ..col.of(&alias) }).collect();
            let names: Vec<&str> = columns.iter().map(|col| col.name.as_str()).collect();
            (format!("({})", names.join(", ")), columns)
        } else {
            (String::new(), query.columns.iter().map(|col| col.of(&alias)).collect())
        };
        Part { sql: format!("{keyword}({}) AS {alias}{names}", query.sql()), columns, lateral }
    }

    fn values(&mut self, scope: &Scope) -> Part {
        let types: Vec<Ty> = (0..self.pick(&[1, 2])).map(|_| self.pick(&Ty::ALL)).collect();
        let alias = self.alias(scope);
        let rows: Vec<String> = (0..self.pick(&[1, 2, 3]))
            .map(|row| {
                let values: Vec<String> = types.iter().map(|ty| self.value_in_list(*ty, row == 0)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let columns: Vec<Col> = types
            .iter()
            .enumerate()
            .map(|(at, ty)| {
                let name =
                    if types.len() == 1 { self.pick(&["k", "a", "b", "z"]).to_owned() } else { format!("z{at}") };
                Col::new(&name, *ty, 100.0).of(&alias)
            })
            .collect();
        let names: Vec<&str> = columns.iter().map(|col| col.name.as_str()).collect();
        let sql = format!("(VALUES {}) AS {alias}({})", rows.join(", "), names.join(", "));
        Part { sql, columns, lateral: false }
    }

    /// The first row decides the types.
    fn value_in_list(&mut self, ty: Ty, typed: bool) -> String {
        let value = quoted(ty.value(&mut self.rng, Domain::Tame));
        if typed {
            format!("CAST({value} AS {})", ty.name())
        } else if self.chance(0.4) {
            "NULL".to_owned()
        } else {
            value
        }
    }

    fn relation(&mut self, scope: &Scope) -> Part {
        let from_cte = !self.ctes.is_empty() && self.chance(0.5);
        let count = if from_cte { self.ctes.len() } else { self.relations.len() };
        let at = self.below(count);
        let relation = if from_cte { self.ctes[at].clone() } else { self.relations[at].clone() };
        let free = !aliases(scope).contains(&relation.name);
        let (alias, sql) = if free && self.chance(0.3) {
            (relation.name.clone(), relation.name.clone())
        } else {
            let alias = self.alias(scope);
            let keyword = self.pick(&["AS ", ""]);
            (alias.clone(), format!("{} {keyword}{alias}", relation.name))
        };
        Part { sql, columns: relation.columns.iter().map(|col| col.of(&alias)).collect(), lateral: false }
    }

    /// Joins `part` to the columns in `tree`, which become those of the join.
    fn join(&mut self, outer: &Scope, tree: &mut Vec<Col>, part: Part) -> String {
        let mut kinds = vec!["JOIN", "LEFT JOIN", "INNER JOIN", "LEFT JOIN", "CROSS JOIN"];
        if !part.lateral {
            kinds.push("RIGHT JOIN");
            if !self.view || self.chance(0.2) {
                kinds.push("FULL JOIN");
            }
        }
        let kind = self.pick(&kinds);
        let Part { sql, mut columns, .. } = part;
        if kind != "CROSS JOIN"
            && self.chance(0.35)
            && let Some((natural, names)) = self.shared(tree, &columns)
        {
            let merged = merge(tree, &mut columns, &names);
            tree.append(&mut columns);
            tree.extend(merged);
            return if natural {
                format!(" NATURAL {kind} {sql}")
            } else {
                format!(" {kind} {sql} USING ({})", names.join(", "))
            };
        }
        let on = if kind == "CROSS JOIN" { None } else { self.on(outer, tree, &columns, kind == "FULL JOIN") };
        tree.append(&mut columns);
        match on {
            Some(on) => format!(" {kind} {sql} ON {on}"),
            None => format!(" CROSS JOIN {sql}"),
        }
    }

    /// Names for USING, or all names for NATURAL.
    fn shared(&mut self, tree: &[Col], columns: &[Col]) -> Option<(bool, Vec<String>)> {
        let left: Vec<&Col> = tree.iter().filter(|col| !col.hidden).collect();
        let alone = |cols: &[&Col], name: &str| cols.iter().filter(|col| col.name == name).count() == 1;
        let right: Vec<&Col> = columns.iter().collect();
        let mut usable: Vec<String> = Vec::new();
        let mut all = 0;
        for l in &left {
            for r in right.iter().filter(|r| r.name == l.name) {
                all += 1;
                if l.ty == r.ty && l.exact && r.exact && alone(&left, &l.name) && alone(&right, &l.name) {
                    usable.push(l.name.clone());
                }
            }
        }
        if usable.is_empty() {
            return None;
        }
        if usable.len() == all && self.chance(0.4) {
            return Some((true, usable));
        }
        usable.shuffle(&mut self.rng);
        usable.truncate(self.pick(&[1, 1, 2]));
        Some((false, usable))
    }

    /// None: there is no condition that such a join could have.
    fn on(&mut self, outer: &Scope, tree: &[Col], columns: &[Col], full: bool) -> Option<String> {
        let named = |col: &&Col| col.alias.is_some() && col.exact;
        let pairs: Vec<(&Col, &Col)> = tree
            .iter()
            .filter(named)
            .flat_map(|l| columns.iter().filter(named).map(move |r| (l, r)))
            .filter(|(l, r)| l.ty == r.ty)
            .collect();
        let mut conditions = Vec::new();
        if !pairs.is_empty() && (full || self.chance(0.85)) {
            let (l, r) = self.pick(&pairs);
            let operator = if full || self.chance(0.85) { "=" } else { "IS NOT DISTINCT FROM" };
            conditions.push(format!("{} {operator} {}", l.qualified(), r.qualified()));
        }
        if full {
            return conditions.pop();
        }
        if conditions.is_empty() || self.chance(0.2) {
            let mut level: Vec<Col> = tree.iter().chain(columns).cloned().collect();
            forget_ambiguous(&mut level);
            let scope = within(outer, level);
            conditions.push(self.expression(&scope, Ty::Bool, 1).sql);
        }
        Some(conditions.join(" AND "))
    }
}

/// A merged column whose name another relation has too cannot be named.
fn forget_ambiguous(columns: &mut [Col]) {
    let names: Vec<String> = columns.iter().filter(|col| !col.hidden).map(|col| col.name.clone()).collect();
    for col in columns.iter_mut().filter(|col| col.alias.is_none()) {
        col.dead = names.iter().filter(|name| **name == col.name).count() != 1;
    }
}

/// Hides the columns that USING merges, and gives those that they become. One that was merged before is there no more.
fn merge(tree: &mut Vec<Col>, columns: &mut [Col], names: &[String]) -> Vec<Col> {
    let mut merged = Vec::new();
    for name in names {
        let Some(left) = tree.iter().position(|col| !col.hidden && col.name == *name) else { continue };
        let Some(right) = columns.iter_mut().find(|col| col.name == *name) else { continue };
        right.hidden = true;
        let mut col = Col::new(name, right.ty, right.magnitude.max(tree[left].magnitude));
        col.special = right.special || tree[left].special;
        merged.push(col);
        if tree[left].alias.is_none() {
            tree.remove(left);
        } else {
            tree[left].hidden = true;
        }
    }
    merged
}
