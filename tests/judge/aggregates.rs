//! Aggregates and window functions.

use super::expressions::{Ex, Generator};
use super::scope::{Scope, innermost};
use super::types::Ty;
use rand::seq::SliceRandom;

/// A value computed from many rows, with its type.
pub struct Computed {
    pub ty: Ty,
    pub ex: Ex,
}

/// More rows than a group ever has.
const ROWS: f64 = 1e4;

fn computed(ty: Ty, sql: String, magnitude: f64, exact: bool) -> Computed {
    Computed { ty, ex: Ex { magnitude, special: ty.is_float(), exact, ..Ex::new(sql) } }
}

impl Generator {
    /// An aggregate over the innermost level.
    pub fn aggregate(&mut self, scope: &Scope) -> Computed {
        let scope = &innermost(scope);
        let filter = if self.chance(0.2) {
            format!(" FILTER (WHERE {})", self.expression(scope, Ty::Bool, 1).sql)
        } else {
            String::new()
        };
        let all = !self.view || self.chance(0.08);
        let found = if all && self.chance(0.4) {
            self.rare_aggregate(scope, &filter)
        } else {
            self.common_aggregate(scope, &filter)
        };
        found.unwrap_or_else(|| computed(Ty::Int8, format!("count(*){filter}"), ROWS, true))
    }

    fn common_aggregate(&mut self, scope: &Scope, filter: &str) -> Option<Computed> {
        let distinct = self.pick(&["DISTINCT ", "", "", "", ""]);
        match self.below(7) {
            0 => None,
            1 => {
                let ty = self.any_type(scope, &Ty::ALL);
                let of = self.expression(scope, ty, 1);
                Some(computed(Ty::Int8, format!("count({distinct}{}){filter}", of.sql), ROWS, true))
            }
            2 => {
                let ty = self.pick(&[Ty::Int2, Ty::Int4, Ty::Int4, Ty::Int8, Ty::Numeric]);
                let of = self.finite(scope, ty, 1);
                let sql = format!("sum({distinct}{}){filter}", of.sql);
                let size = of.magnitude * ROWS;
                match ty {
                    // Numeric in Postgres: see `differences`.
                    Ty::Int8 if size > Ty::Int8.limit() => None,
                    Ty::Int8 => Some(computed(Ty::Int8, format!("CAST({sql} AS bigint)"), size, true)),
                    Ty::Numeric => Some(computed(Ty::Numeric, sql, size, true)),
                    _ => Some(computed(Ty::Int8, sql, size, true)),
                }
            }
            // In which order floats are added is not fixed: only columns, whose sums are exact.
            3 => {
                let ty = self.pick(&[Ty::Real, Ty::Double]);
                let of = self.column(scope, ty, false, false).filter(|of| of.magnitude.is_finite())?;
                let function = self.pick(&["sum", "avg"]);
                let mut sql = format!("{function}({}){filter}", of.sql);
                if ty == Ty::Real && function == "sum" {
                    sql = format!("CAST({sql} AS double precision)");
                }
                Some(computed(Ty::Double, sql, f64::INFINITY, false))
            }
            4 => {
                let ty = self.pick(&[Ty::Int2, Ty::Int4, Ty::Int8, Ty::Numeric]);
                let of = self.finite(scope, ty, 1);
                let sql = format!("avg({distinct}{}){filter}", of.sql);
                Some(match ty {
                    Ty::Numeric => computed(Ty::Numeric, format!("trunc({sql}, 4)"), of.magnitude, false),
                    _ => computed(Ty::Double, format!("CAST({sql} AS double precision)"), of.magnitude, false),
                })
            }
            _ => {
                let ty = self.any_type(scope, &ORDERED);
                let of = self.expression(scope, ty, 1);
                let function = self.pick(&["min", "max"]);
                let sql = format!("{function}({}){filter}", of.sql);
                // Of equal intervals any may be the least.
                Some(computed(ty, sql, of.magnitude, ty != Ty::Interval))
            }
        }
    }

    /// Those that views refuse.
    fn rare_aggregate(&mut self, scope: &Scope, filter: &str) -> Option<Computed> {
        match self.below(6) {
            0 => {
                let function = self.pick(&["bool_and", "bool_or", "every"]);
                let of = self.expression(scope, Ty::Bool, 1);
                Some(computed(Ty::Bool, format!("{function}({}){filter}", of.sql), 0.0, true))
            }
            1 => {
                let of = self.expression(scope, Ty::Text, 1);
                // A literal has no type where it is ordered by, and so is another value than the argument.
                let distinct = if of.column { self.pick(&["DISTINCT ", "", ""]) } else { "" };
                let (of, direction) = (of.sql, self.direction());
                let sql = format!("string_agg({distinct}{of}, ',' ORDER BY {of}{direction}){filter}");
                Some(computed(Ty::Text, sql, 0.0, true))
            }
            2 => {
                let ty = self.pick(&[Ty::Int4, Ty::Text, Ty::Date]);
                let of = self.leaf(scope, ty, false, false);
                let distinct = if of.column { self.pick(&["DISTINCT ", "", ""]) } else { "" };
                let (of, direction) = (of.sql, self.direction());
                let sql = format!("array_to_string(array_agg({distinct}{of} ORDER BY {of}{direction}){filter}, ',')");
                Some(computed(Ty::Text, sql, 0.0, true))
            }
            3 => {
                let ty = self.pick(&[Ty::Int2, Ty::Int4, Ty::Int8, Ty::Numeric, Ty::Double]);
                let of = self.column(scope, ty, true, false)?;
                let function = self.pick(&["stddev", "stddev_pop", "var_samp", "var_pop", "variance", "stddev_samp"]);
                let mut sql = format!("{function}({}){filter}", of.sql);
                if ty != Ty::Double {
                    sql = format!("CAST({sql} AS double precision)");
                }
                Some(computed(Ty::Double, sql, f64::INFINITY, false))
            }
            4 => {
                let ty = self.pick(&Ty::INTEGERS);
                let of = self.expression(scope, ty, 1);
                let function = self.pick(&["bit_and", "bit_or"]);
                Some(computed(ty, format!("{function}({}){filter}", of.sql), f64::INFINITY, true))
            }
            _ => {
                let of = self.column(scope, Ty::Double, true, false)?;
                let sql = format!("percentile_cont(0.5) WITHIN GROUP (ORDER BY {}){filter}", of.sql);
                Some(computed(Ty::Double, sql, f64::INFINITY, false))
            }
        }
    }

    /// A window function whose result every order of equal rows gives. None: there is nothing to order by.
    pub fn window(&mut self, scope: &Scope) -> Option<Computed> {
        let mut order = self.total_order(scope);
        if order.is_empty() {
            return None;
        }
        order.shuffle(&mut self.rng);
        let scope = &innermost(scope);
        let partition =
            if self.chance(0.6) { format!("PARTITION BY {} ", self.any_column(scope)?) } else { String::new() };
        let over = |frame: &str| format!("OVER ({partition}ORDER BY {}{frame})", order.join(", "));
        if self.view && self.chance(0.92) {
            return Some(computed(Ty::Int8, format!("row_number() {}", over("")), ROWS, true));
        }
        let frame = self.pick(&[
            "",
            " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            " ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING",
        ]);
        Some(match self.below(7) {
            0 => {
                let function = self.pick(&["row_number", "rank", "dense_rank"]);
                computed(Ty::Int8, format!("{function}() {}", over("")), ROWS, true)
            }
            1 => computed(Ty::Int4, format!("ntile({}) {}", self.pick(&[1, 2, 3]), over("")), 10.0, true),
            2 => {
                let ty = self.any_type(scope, &Ty::ALL);
                let of = self.expression(scope, ty, 1);
                let (function, distance) = (self.pick(&["lag", "lead"]), self.pick(&["", ", 1", ", 2"]));
                computed(ty, format!("{function}({}{distance}) {}", of.sql, over("")), of.magnitude, true)
            }
            3 => {
                let ty = self.any_type(scope, &Ty::ALL);
                let of = self.expression(scope, ty, 1);
                let function = self.pick(&["first_value", "last_value"]);
                computed(ty, format!("{function}({}) {}", of.sql, over(frame)), of.magnitude, true)
            }
            4 => {
                let of = if self.chance(0.5) { "*".to_owned() } else { self.any_column(scope)? };
                computed(Ty::Int8, format!("count({of}) {}", over(frame)), ROWS, true)
            }
            5 => {
                let of = self.finite(scope, Ty::Int4, 1);
                computed(Ty::Int8, format!("sum({}) {}", of.sql, over(frame)), of.magnitude * ROWS, true)
            }
            _ => {
                let ty = self.any_type(scope, &ORDERED[..ORDERED.len() - 1]);
                let of = self.expression(scope, ty, 1);
                let function = self.pick(&["min", "max"]);
                computed(ty, format!("{function}({}) {}", of.sql, over(frame)), of.magnitude, true)
            }
        })
    }

    /// Every column of the innermost level, as keys of ORDER BY: rows that are equal by it are the same. Empty: there is no
    /// such order, because a column cannot be compared.
    pub fn total_order(&mut self, scope: &Scope) -> Vec<String> {
        let mut order = Vec::new();
        if scope.last().is_some_and(|level| level.iter().any(|col| !col.exact && !col.dead)) {
            return order;
        }
        for col in scope.last().into_iter().flatten().filter(|col| col.exact && !col.dead) {
            let sql = col.qualified();
            order.push(format!("{sql}{}", self.direction()));
            if col.ty == Ty::Interval {
                order.push(format!("CAST({sql} AS text)"));
            }
        }
        order
    }

    pub fn direction(&mut self) -> &'static str {
        self.pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])
    }

    /// A column of the innermost level that can be compared.
    pub fn any_column(&mut self, scope: &Scope) -> Option<String> {
        let level = scope.len() - 1;
        let usable: Vec<usize> =
            (0..scope[level].len()).filter(|at| scope[level][*at].exact && !scope[level][*at].dead).collect();
        if usable.is_empty() {
            return None;
        }
        let at = self.pick(&usable);
        Some(self.reference(scope, level, at))
    }
}

/// What min and max take; interval is the last.
const ORDERED: [Ty; 11] = [
    Ty::Int2,
    Ty::Int4,
    Ty::Int8,
    Ty::Real,
    Ty::Double,
    Ty::Numeric,
    Ty::Text,
    Ty::Date,
    Ty::Timestamp,
    Ty::TimestampTz,
    Ty::Interval,
];
