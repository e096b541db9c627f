//! Random typed expressions. Unless rows may fail, none of them does in Postgres: how often an expression is computed, and
//! for which rows, is no one's promise.

use super::grammar::{How, Kind, Magnitude, Piece, Template, templates};
use super::scope::{Col, Relation, Scope, for_subqueries};
use super::types::{Domain, TEXTS, Ty, literal, loose_literal, pick, quoted};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Makes queries and expressions over relations.
pub struct Generator {
    pub rng: StdRng,
    pub relations: Vec<Relation>,
    pub ctes: Vec<Relation>,
    /// The query is for a view: little of what views refuse.
    pub view: bool,
    /// Select items of the outermost query may fail for some rows.
    pub risky: bool,
    /// Subqueries that may still be made.
    pub budget: u32,
    names: u32,
}

/// An expression and what is known of its values; see [`Col`].
#[derive(Clone, Debug)]
pub struct Ex {
    pub sql: String,
    pub magnitude: f64,
    pub special: bool,
    pub exact: bool,
    /// A column occurs in it.
    pub column: bool,
}

impl Ex {
    pub fn new(sql: String) -> Ex {
        Ex { sql, magnitude: 0.0, special: false, exact: true, column: true }
    }
}

impl Generator {
    pub fn new(seed: u64, relations: &[Relation]) -> Generator {
        Generator {
            rng: StdRng::seed_from_u64(seed),
            relations: relations.to_vec(),
            ctes: Vec::new(),
            view: false,
            risky: false,
            budget: 5,
            // Names of views' columns, which other generators made, are other names.
            names: u32::try_from(seed % 100_000).unwrap_or(0),
        }
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        pick(&mut self.rng, of)
    }

    /// A name that occurs nowhere else in the query.
    pub fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A type, mostly one that the innermost columns have.
    pub fn any_type(&mut self, scope: &Scope, of: &[Ty]) -> Ty {
        let there: Vec<Ty> = scope.last().map_or_else(Vec::new, |level| {
            level.iter().filter(|col| !col.dead && of.contains(&col.ty)).map(|col| col.ty).collect()
        });
        if !there.is_empty() && self.chance(0.85) { self.pick(&there) } else { self.pick(of) }
    }

    /// The column as text: sometimes without its relation, where that is not ambiguous.
    pub fn reference(&mut self, scope: &Scope, level: usize, at: usize) -> String {
        let col = &scope[level][at];
        let bare = col.sql.is_none()
            && col.alias.is_some()
            && !col.hidden
            && scope[level].iter().filter(|c| c.sql.is_none() && !c.hidden && c.name == col.name).count() == 1
            && !scope[level + 1..].iter().flatten().any(|c| c.name == col.name);
        let (name, qualified) = (col.name.clone(), col.qualified());
        if bare && self.chance(0.3) { name } else { qualified }
    }

    /// A column of this type, mostly of the innermost query.
    pub fn column(&mut self, scope: &Scope, ty: Ty, finite: bool, inexact: bool) -> Option<Ex> {
        let fits = |col: &Col| col.ty == ty && !col.dead && (col.exact || inexact) && (!finite || col.is_finite());
        let all: Vec<(usize, usize)> = scope
            .iter()
            .enumerate()
            .flat_map(|(level, cols)| cols.iter().enumerate().map(move |(at, col)| (level, at, col)))
            .filter(|(_, _, col)| fits(col))
            .map(|(level, at, _)| (level, at))
            .collect();
        let inner: Vec<(usize, usize)> = all.iter().copied().filter(|(level, _)| level + 1 == scope.len()).collect();
        if all.is_empty() {
            return None;
        }
        let (level, at) = if !inner.is_empty() && self.chance(0.7) { self.pick(&inner) } else { self.pick(&all) };
        let sql = self.reference(scope, level, at);
        let col = &scope[level][at];
        Some(Ex { sql, magnitude: col.magnitude, special: col.special, exact: col.exact, column: true })
    }

    /// A column or a literal.
    pub fn leaf(&mut self, scope: &Scope, ty: Ty, finite: bool, inexact: bool) -> Ex {
        if self.chance(0.8)
            && let Some(column) = self.column(scope, ty, finite, inexact)
        {
            return column;
        }
        Ex { magnitude: 100.0, column: false, ..Ex::new(literal(&mut self.rng, ty)) }
    }

    /// An expression that never fails, of values that may be compared.
    pub fn expression(&mut self, scope: &Scope, ty: Ty, depth: u32) -> Ex {
        self.choose(scope, ty, depth, false, false)
    }

    /// As [`Generator::expression`], with neither NaN nor infinities nor extremes.
    pub fn finite(&mut self, scope: &Scope, ty: Ty, depth: u32) -> Ex {
        self.choose(scope, ty, depth, false, true)
    }

    /// A select item: its last digits may differ, and it may fail if rows may.
    pub fn item(&mut self, scope: &Scope, ty: Ty, depth: u32) -> Ex {
        self.choose(scope, ty, depth, true, false)
    }

    fn choose(&mut self, scope: &Scope, ty: Ty, depth: u32, root: bool, finite: bool) -> Ex {
        for attempt in 0..4 {
            let Some(found) = self.attempt(scope, ty, depth, root, finite) else { continue };
            let is_finite = found.magnitude.is_finite() && !found.special;
            let interesting = found.column || attempt == 3 || depth == 0 || self.chance(0.1);
            if interesting && (is_finite || !finite) {
                return found;
            }
        }
        self.leaf(scope, ty, finite, root)
    }

    fn attempt(&mut self, scope: &Scope, ty: Ty, depth: u32, root: bool, finite: bool) -> Option<Ex> {
        if depth == 0 || self.chance(0.25) {
            return Some(self.leaf(scope, ty, finite, root));
        }
        if self.budget > 0 && self.chance(0.12) {
            return self.subquery(scope, ty);
        }
        let all = templates(ty);
        let template = &all[self.below(all.len())];
        if template.risky && !(root && self.risky)
            || template.inexact && !root
            || template.select && self.view && self.chance(0.9)
        {
            return None;
        }
        self.fill(scope, ty, template, depth)
    }

    fn fill(&mut self, scope: &Scope, ty: Ty, template: &Template, depth: u32) -> Option<Ex> {
        let same = if template.any { ty } else { self.any_type(scope, &Ty::ALL) };
        let mut sql = String::new();
        let mut operands: Vec<Ex> = Vec::new();
        for piece in &template.body {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Place { kind, how } => {
                    let of = match kind {
                        Kind::Of(ty) => *ty,
                        Kind::Any => same,
                        Kind::Integer => self.any_type(scope, &Ty::INTEGERS),
                        Kind::Number => self.any_type(scope, &Ty::NUMBERS),
                        other => {
                            sql.push_str(&self.word(*other));
                            continue;
                        }
                    };
                    let operand = self.operand(scope, of, *how, depth - 1);
                    sql.push_str(&operand.sql);
                    operands.push(operand);
                }
            }
        }
        let magnitude = if ty.is_number() || ty == Ty::Interval { magnitude(ty, template, &operands)? } else { 0.0 };
        Some(Ex {
            sql: format!("({sql})"),
            magnitude,
            special: ty.is_float() && operands.iter().any(|operand| operand.special),
            exact: !template.inexact,
            column: operands.iter().any(|operand| operand.column),
        })
    }

    fn operand(&mut self, scope: &Scope, ty: Ty, how: How, depth: u32) -> Ex {
        match how {
            How::Expression => self.expression(scope, ty, depth),
            How::Finite => self.finite(scope, ty, depth),
            How::Leaf => self.leaf(scope, ty, false, false),
            How::Untyped => {
                let value = quoted(ty.value(&mut self.rng, Domain::Tame));
                Ex { magnitude: 100.0, column: false, ..Ex::new(value) }
            }
            How::List => {
                let mut leaf = self.leaf(scope, ty, false, false);
                let others: String =
                    (0..self.rng.random_range(1..3)).map(|_| loose_literal(&mut self.rng, ty) + ", ").collect();
                leaf.sql.insert_str(0, &others);
                leaf.magnitude = leaf.magnitude.max(100.0);
                leaf
            }
        }
    }

    fn word(&mut self, kind: Kind) -> String {
        let rng = &mut self.rng;
        match kind {
            Kind::Digit => rng.random_range(1..10).to_string(),
            Kind::Short => quoted(pick(rng, TEXTS)),
            Kind::Pattern => pick(rng, &["'a%'", "'%b'", "'_'", "'%'", "''", "'a\\%'", "'%ä%'"]).to_owned(),
            Kind::Regex => pick(rng, &["'a'", "'^a'", "'.*'", "'[ab]+'", "'b$'"]).to_owned(),
            Kind::Unit => pick(rng, &["'day'", "'month'", "'year'", "'hour'", "'week'", "'quarter'"]).to_owned(),
            Kind::Of(_) | Kind::Any | Kind::Integer | Kind::Number => unreachable!("it has a type"),
        }
    }

    /// EXISTS, IN, a comparison with ANY or ALL, or a subquery as a value.
    fn subquery(&mut self, scope: &Scope, ty: Ty) -> Option<Ex> {
        let outer = for_subqueries(scope);
        self.budget = self.budget.saturating_sub(1);
        if ty == Ty::Bool && self.chance(0.8) {
            return Some(self.membership(scope, &outer));
        }
        if ty == Ty::Interval {
            return None;
        }
        let query = if self.chance(0.6) { self.one_row(&outer, ty) } else { self.first_row(&outer, ty) };
        let value = &query.columns[0];
        let sql = format!("({})", query.sql());
        Some(Ex { magnitude: value.magnitude, special: value.special, ..Ex::new(sql) })
    }

    fn membership(&mut self, scope: &Scope, outer: &Scope) -> Ex {
        let sql = match self.below(5) {
            0 | 1 => {
                let not = self.pick(&["", "NOT "]);
                format!("({not}EXISTS ({}))", self.query(outer, None, 1, false, false).sql())
            }
            2 => {
                let ty = self.any_type(scope, &Ty::ALL);
                let (left, second) = (self.expression(scope, ty, 1), self.expression(scope, Ty::Int4, 1));
                let query = self.query(outer, Some(&[ty, Ty::Int4]), 1, false, false);
                let operator = self.pick(&["IN", "NOT IN"]);
                format!("(({}, {}) {operator} ({}))", left.sql, second.sql, query.sql())
            }
            form => {
                let ty = self.any_type(scope, &Ty::ALL);
                let left = self.expression(scope, ty, 1);
                let query = self.query(outer, Some(&[ty]), 1, false, false);
                let operator = if form == 3 {
                    self.pick(&["IN", "NOT IN"])
                } else {
                    self.pick(&["= ANY", "<> ALL", "< ANY", ">= ALL", "<> ANY", "= ALL", "> ANY"])
                };
                format!("({} {operator} ({}))", left.sql, query.sql())
            }
        };
        Ex::new(sql)
    }
}

/// None if the result might overflow.
fn magnitude(ty: Ty, template: &Template, operands: &[Ex]) -> Option<f64> {
    if template.risky {
        return Some(f64::INFINITY);
    }
    let sizes = || operands.iter().map(|operand| operand.magnitude);
    let largest = sizes().fold(0.0, f64::max);
    let size = match template.magnitude {
        Magnitude::Largest => largest,
        Magnitude::Fixed(size) => size,
        Magnitude::Unbounded => return Some(f64::INFINITY),
        Magnitude::Sum(more) => sizes().sum::<f64>() + more,
        // A single operand is one that is multiplied with itself, or with a digit.
        Magnitude::Product(by) if operands.len() == 1 && by == 1.0 => largest * largest,
        Magnitude::Product(by) => sizes().map(|size| size.max(1.0)).product::<f64>() * by,
    };
    let computed = template.magnitude != Magnitude::Largest;
    let fits = (!computed || size <= ty.limit()) && (!template.fits || largest <= ty.limit());
    fits.then_some(size)
}
