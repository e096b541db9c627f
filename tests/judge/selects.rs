//! Random queries: SELECT in its kinds, set operations, CTEs, ORDER BY and LIMIT.

use super::expressions::{Ex, Generator};
use super::queries::{Item, Query, Select};
use super::scope::{Col, Relation, Scope, within};
use super::types::Ty;
use rand::seq::SliceRandom;

/// What a SELECT does with its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Group,
    /// Aggregates without GROUP BY: one row.
    Global,
    Distinct,
    DistinctOn,
    Window,
}

/// What is asked of a SELECT.
#[derive(Clone, Copy)]
struct Wish<'a> {
    types: Option<&'a [Ty]>,
    depth: u32,
    kind: Option<Kind>,
    /// The values may be compared.
    exact: bool,
    /// Every column has a name of its own.
    named: bool,
    /// `*` may be used.
    star: bool,
}

impl Generator {
    /// A query of the outermost level.
    pub fn statement(&mut self) -> Query {
        self.query(&[], None, 2, false, true)
    }

    /// A query whose columns have names, for a view.
    pub fn view_query(&mut self) -> Query {
        self.view = true;
        self.query(&[], None, 2, true, true)
    }

    /// A query that may read the columns of `outer`.
    pub fn query(&mut self, outer: &Scope, types: Option<&[Ty]>, depth: u32, named: bool, top: bool) -> Query {
        // What is not asked for outside may never be computed, so nothing but the outermost items may fail.
        let risky = self.risky;
        self.risky &= top;
        let saved = (self.relations.clone(), self.ctes.clone());
        let with = if depth > 0 && self.budget > 1 && self.chance(0.12) { self.cte() } else { None };
        let wish = Wish { types, depth, kind: None, exact: false, named, star: top && !named };
        let mut query = if self.chance(0.12) { self.set_operation(outer, wish) } else { self.single(outer, wish) };
        (self.relations, self.ctes) = saved;
        query.with = with;
        self.risky = risky;
        self.order(&mut query, if top { 0.35 } else { 0.2 });
        query
    }

    /// Sometimes called like a relation, which it then hides.
    fn cte(&mut self) -> Option<(String, String)> {
        self.budget -= 1;
        let query = self.query(&[], None, 0, true, false);
        let name = if self.chance(0.5) {
            self.fresh("w")
        } else {
            let at = self.below(self.relations.len());
            self.relations[at].name.clone()
        };
        if self.ctes.iter().any(|cte| cte.name == name) {
            return None;
        }
        let relation = Relation { name: name.clone(), columns: query.columns.clone() };
        self.relations.retain(|other| other.name != name);
        self.relations.push(relation.clone());
        self.ctes.push(relation);
        Some((name, query.sql()))
    }

    fn single(&mut self, outer: &Scope, wish: Wish<'_>) -> Query {
        let (first, columns) = self.select(outer, wish);
        Query {
            with: None,
            first,
            others: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            columns,
            ordered: false,
        }
    }

    fn set_operation(&mut self, outer: &Scope, wish: Wish<'_>) -> Query {
        let mut query = self.single(outer, Wish { exact: true, star: false, ..wish });
        let types: Vec<Ty> = query.columns.iter().map(|col| col.ty).collect();
        let mut operators = vec!["UNION", "UNION ALL", "UNION ALL", "EXCEPT", "INTERSECT"];
        if !self.view {
            operators.extend(["EXCEPT ALL", "INTERSECT ALL"]);
        }
        for _ in 0..self.pick(&[1, 1, 2]) {
            let asked = Wish { types: Some(&types), exact: true, named: false, star: false, ..wish };
            let (other, columns) = self.select(outer, asked);
            let operator = self.pick(&operators);
            query.others.push((operator, other));
            for (col, other) in query.columns.iter_mut().zip(&columns) {
                col.magnitude = col.magnitude.max(other.magnitude);
                col.special |= other.special;
                col.exact &= other.exact && (col.ty != Ty::Interval || operator == "UNION ALL");
            }
        }
        query
    }

    /// ORDER BY every column, and perhaps LIMIT.
    fn order(&mut self, query: &mut Query, chance: f64) {
        let possible = query.first.order.is_empty() || !query.others.is_empty();
        if !possible || query.columns.is_empty() || !query.columns.iter().all(|col| col.exact) || !self.chance(chance) {
            return;
        }
        query.order = (1..=query.columns.len()).map(|at| format!("{at}{}", self.direction())).collect();
        query.order.shuffle(&mut self.rng);
        // Equal intervals may look different.
        query.ordered = query.columns.iter().all(|col| col.ty != Ty::Interval);
        if query.ordered && !self.risky && self.chance(0.7) {
            query.limit = Some(self.pick(&[0, 1, 2, 3, 4, 6, 10]));
            query.offset = if self.chance(0.4) { Some(self.pick(&[0, 1, 2, 3])) } else { None };
        }
    }

    /// A subquery of one row, because it aggregates.
    pub fn one_row(&mut self, outer: &Scope, ty: Ty) -> Query {
        let types = [ty];
        let kind = Some(Kind::Global);
        let wish = Wish { types: Some(&types), depth: 1, kind, exact: true, named: false, star: false };
        self.single(outer, wish)
    }

    /// A subquery of at most one row, because of its LIMIT.
    pub fn first_row(&mut self, outer: &Scope, ty: Ty) -> Query {
        let types = [ty];
        let kind = Some(Kind::Plain);
        let wish = Wish { types: Some(&types), depth: 1, kind, exact: true, named: false, star: false };
        let mut query = self.single(outer, wish);
        query.order = vec![format!("1{}", self.direction())];
        query.limit = Some(1);
        query
    }

    fn select(&mut self, outer: &Scope, wish: Wish<'_>) -> (Select, Vec<Col>) {
        let from = self.from(outer, wish.depth);
        let scope = within(outer, from.columns);
        let mut select = Select { from: from.parts, ..Select::default() };
        for _ in 0..self.pick(&[0, 0, 0, 1, 1, 2]) {
            let condition = self.expression(&scope, Ty::Bool, 2);
            select.conditions.push(condition.sql);
        }
        let kind = wish.kind.unwrap_or_else(|| self.kind());
        if wish.star && kind == Kind::Plain && self.chance(0.08) {
            return self.star(select, &scope);
        }
        match kind {
            Kind::Group | Kind::Global => self.grouped(outer, wish, kind, select, &scope),
            Kind::Distinct => {
                select.distinct = true;
                let wish = Wish { exact: true, ..wish };
                let mut columns = self.items(wish, kind, &mut select, &scope);
                for col in columns.iter_mut().filter(|col| col.ty == Ty::Interval) {
                    col.exact = false;
                }
                (select, columns)
            }
            Kind::DistinctOn => {
                let mut keys: Vec<String> = Vec::new();
                let level = &scope[scope.len() - 1];
                let usable: Vec<&Col> = level.iter().filter(|col| col.exact && !col.dead).collect();
                let total = self.total_order(&scope);
                if !usable.is_empty() && !total.is_empty() {
                    keys = (0..self.pick(&[1, 1, 2])).map(|_| self.pick(&usable).qualified()).collect();
                    keys.dedup();
                    select.order = keys.iter().map(|key| format!("{key}{}", self.direction())).collect();
                    select.order.extend(total);
                }
                select.distinct_on = keys;
                let columns = self.items(wish, kind, &mut select, &scope);
                (select, columns)
            }
            Kind::Plain | Kind::Window => {
                let mut columns = self.items(wish, kind, &mut select, &scope);
                if wish.star && self.chance(0.1) {
                    columns.push(self.rows(&mut select, &scope));
                }
                (select, columns)
            }
        }
    }

    /// Adds an item that gives rows.
    fn rows(&mut self, select: &mut Select, scope: &Scope) -> Col {
        let (ty, magnitude, sql) = match self.below(4) {
            0 => (Ty::Int4, 4.0, format!("generate_series(1, {})", self.below(4))),
            1 => {
                let text = self.expression(scope, Ty::Text, 1).sql;
                (Ty::Text, 1.0, format!("unnest(string_to_array({text}, 'a'))"))
            }
            2 => (Ty::Int4, 9.0, "unnest(ARRAY[1, NULL, 2, 2])".to_owned()),
            _ => {
                let text = self.expression(scope, Ty::Text, 1).sql;
                (Ty::Int4, 99.0, format!("generate_series(length({text}), 2) * 3"))
            }
        };
        select.items.push(Item { sql, name: None });
        Col::new("", ty, magnitude)
    }

    fn kind(&mut self) -> Kind {
        match self.below(17) {
            0..8 => Kind::Plain,
            8..12 => Kind::Group,
            12 => Kind::Global,
            13 => Kind::Distinct,
            14 => Kind::DistinctOn,
            _ => Kind::Window,
        }
    }

    fn star(&mut self, mut select: Select, scope: &Scope) -> (Select, Vec<Col>) {
        let level = &scope[scope.len() - 1];
        let aliases: Vec<&String> = level.iter().filter_map(|col| col.alias.as_ref()).collect();
        let merged = level.iter().any(|col| col.hidden || col.alias.is_none());
        let (sql, columns) = if !aliases.is_empty() && self.chance(0.4) {
            let alias = self.pick(&aliases).clone();
            let columns: Vec<Col> = level.iter().filter(|col| col.alias.as_ref() == Some(&alias)).cloned().collect();
            (format!("{alias}.*"), columns)
        } else {
            ("*".to_owned(), if merged { Vec::new() } else { level.clone() })
        };
        select.items = vec![Item { sql, name: None }];
        (select, columns)
    }

    fn grouped(
        &mut self,
        outer: &Scope,
        wish: Wish<'_>,
        kind: Kind,
        mut select: Select,
        scope: &Scope,
    ) -> (Select, Vec<Col>) {
        let level = &scope[scope.len() - 1];
        let mut visible = if kind == Kind::Group { self.group_keys(outer, level, &mut select) } else { Vec::new() };
        // Of sets, PostgreSQL 15 takes no other keys for what they are: not a constant, nor what is folded to one, not the second
        // of two equal subqueries, not a column that USING merged.
        let unfit = |key: &String| key.contains('(') || !key.contains('.');
        let plain = !select.group.is_empty() && !select.group.iter().any(unfit);
        let sets = plain && self.chance(0.25);
        if sets {
            let mut keys = select.group.clone();
            keys.shuffle(&mut self.rng);
            let mut col = Col::new("", Ty::Int4, 3.0);
            col.sql = Some(format!("grouping({})", keys.join(", ")));
            visible.push(col);
        }
        for _ in 0..self.pick(&[1, 1, 2, 3]) {
            let found = self.aggregate(scope);
            let mut col = Col::new("", found.ty, found.ex.magnitude);
            (col.special, col.exact, col.sql) = (found.ex.special, found.ex.exact, Some(found.ex.sql));
            visible.push(col);
        }
        let calls: Vec<String> = visible.iter().filter_map(|col| col.sql.clone()).collect();
        visible.extend(level.iter().map(|col| Col { dead: true, sql: None, ..col.clone() }));
        let visible = within(outer, visible);
        if self.chance(0.2) && wish.kind.is_none() {
            select.having = Some(self.expression(&visible, Ty::Bool, 1).sql);
        }
        let mut columns = self.items(wish, kind, &mut select, &visible);
        for col in columns.iter_mut().filter(|col| col.ty == Ty::Interval) {
            col.exact = false;
        }
        // Without an aggregate it would not be one row. One in a subquery aggregates that.
        let own = |item: &&Item| !item.sql.contains("SELECT");
        let aggregates =
            select.items.iter().filter(own).any(|item| calls.iter().any(|call| item.sql.contains(call.as_str())));
        if select.group.is_empty() && select.having.is_none() && !aggregates {
            select.having = Some("count(*) >= 0".to_owned());
        }
        self.other_names_of_keys(&mut select);
        if sets {
            self.grouping_sets(&mut select);
        }
        (select, columns)
    }

    /// The keys as sets, alone or crossed with others.
    fn grouping_sets(&mut self, select: &mut Select) {
        let keys = select.group.join(", ");
        let each: Vec<String> = select.group.iter().map(|key| format!("({key})")).collect();
        let (first, last) = (&select.group[0], &select.group[select.group.len() - 1]);
        select.group = match self.below(6) {
            0 => vec![format!("ROLLUP ({keys})")],
            1 => vec![format!("CUBE ({keys})")],
            2 => vec![format!("GROUPING SETS (({keys}), {}, ())", each.join(", "))],
            3 => vec![format!("GROUPING SETS ({}, ())", each.join(", "))],
            4 => vec![format!("ROLLUP ({first})"), format!("CUBE ({last})")],
            _ => vec![first.clone(), format!("ROLLUP ({last})")],
        };
    }

    /// GROUP BY one or two columns or expressions, and those as columns.
    fn group_keys(&mut self, outer: &Scope, level: &[Col], select: &mut Select) -> Vec<Col> {
        let mut keys: Vec<Col> = Vec::new();
        let usable: Vec<&Col> = level.iter().filter(|col| col.exact && !col.dead).collect();
        for _ in 0..self.pick(&[1, 1, 2]) {
            let key = if !usable.is_empty() && self.chance(0.75) {
                self.pick(&usable).clone()
            } else {
                let mut scope: Vec<Vec<Col>> = outer.iter().map(|_| Vec::new()).collect();
                scope.push(level.to_vec());
                let ty = self.any_type(&scope, &Ty::ALL);
                let found = self.expression(&scope, ty, 1);
                // A literal would be a position.
                if !found.column || !found.sql.starts_with('(') {
                    continue;
                }
                let mut col = Col::new("", ty, found.magnitude);
                (col.special, col.sql) = (found.special, Some(found.sql));
                col
            };
            let sql = key.qualified();
            if !select.group.contains(&sql) {
                select.group.push(sql);
                // Of equal intervals any may stand for the group.
                keys.push(Col { exact: key.ty != Ty::Interval, hidden: true, ..key });
            }
        }
        keys
    }

    /// GROUP BY by position or by the name of the item, too.
    fn other_names_of_keys(&mut self, select: &mut Select) {
        if !self.chance(0.4) {
            return;
        }
        for at in 0..select.group.len() {
            let Some(item) = select.items.iter().position(|item| item.sql == select.group[at]) else { continue };
            select.group[at] = match &select.items[item].name {
                Some(name) if self.chance(0.5) => name.clone(),
                _ => (item + 1).to_string(),
            };
        }
    }

    /// Fills the select list; gives the columns of the result.
    fn items(&mut self, wish: Wish<'_>, kind: Kind, select: &mut Select, scope: &Scope) -> Vec<Col> {
        let count = wish.types.map_or_else(|| self.pick(&[1, 2, 2, 3, 4]), <[Ty]>::len);
        let mut columns = Vec::new();
        for at in 0..count {
            let wanted = wish.types.map(|types| types[at]);
            // Two windows may number equal rows in different orders: how their numbers pair is not fixed.
            let kind = if kind == Kind::Window && select.items.iter().any(|item| item.sql.contains(" OVER (")) {
                Kind::Plain
            } else {
                kind
            };
            let (ty, ex) = self.one_item(wish, kind, scope, wanted);
            let own = scope.iter().flatten().find(|col| col.sql.is_none() && col.qualified() == ex.sql);
            let own = own.map(|col| col.name.clone()).filter(|own| columns.iter().all(|col: &Col| col.name != *own));
            let keeps_name = own.is_some() && self.chance(0.5);
            let name = if keeps_name || !wish.named && self.chance(0.6) { None } else { Some(self.fresh("e")) };
            let called = if keeps_name { own } else { name.clone() };
            let mut col = Col::new(&called.unwrap_or_default(), ty, ex.magnitude);
            (col.special, col.exact) = (ex.special, ex.exact);
            columns.push(col);
            select.items.push(Item { sql: ex.sql, name });
        }
        columns
    }

    fn one_item(&mut self, wish: Wish<'_>, kind: Kind, scope: &Scope, wanted: Option<Ty>) -> (Ty, Ex) {
        let grouped = kind == Kind::Group || kind == Kind::Global;
        if grouped && self.chance(0.7) {
            let level = &scope[scope.len() - 1];
            let fits = |col: &&Col| !col.dead && wanted.is_none_or(|ty| col.ty == ty) && (col.exact || !wish.exact);
            let usable: Vec<&Col> = level.iter().filter(fits).collect();
            if !usable.is_empty() {
                let col = self.pick(&usable);
                let known =
                    Ex { magnitude: col.magnitude, special: col.special, exact: col.exact, ..Ex::new(col.qualified()) };
                return (col.ty, known);
            }
        }
        if kind == Kind::Window
            && self.chance(0.6)
            && let Some(found) = self.window(scope)
            && wanted.is_none_or(|ty| ty == found.ty)
        {
            return (found.ty, found.ex);
        }
        let ty = wanted.unwrap_or_else(|| self.any_type(scope, &Ty::ALL));
        let ex = if wish.exact { self.expression(scope, ty, 2) } else { self.item(scope, ty, 2) };
        (ty, ex)
    }
}
