//! Walking and rewriting expression trees.

use super::Expr;

/// How deeply the JSON form of an expression may be nested. serde_json reads at most 128 levels; the rest is for the plan
/// and the record around it.
pub(crate) const MAX_JSON_DEPTH: usize = 100;

impl Expr {
    /// The direct operands.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(_) | Expr::Literal(_) | Expr::Parameter { .. } => vec![],
            Expr::Binary { left, right, .. } | Expr::Operator { left, right, .. } => vec![left, right],
            Expr::Not(e) | Expr::Negative(e) | Expr::IsNull(e) | Expr::IsNotNull(e) => vec![e],
            Expr::IsTrue(e) | Expr::IsFalse(e) => vec![e],
            Expr::Cast { expr, .. } | Expr::TryCast { expr, .. } => vec![expr],
            Expr::Case { operand, branches, otherwise } => {
                let pairs = branches.iter().flat_map(|(when, then)| [when, then]);
                operand.as_deref().into_iter().chain(pairs).chain(otherwise.as_deref()).collect()
            }
            Expr::Like { expr, pattern, .. } => vec![expr, pattern],
            Expr::InList { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            Expr::Function { args, .. } => args.iter().collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Expr::Column(_) | Expr::Literal(_) | Expr::Parameter { .. } => vec![],
            Expr::Binary { left, right, .. } | Expr::Operator { left, right, .. } => vec![left, right],
            Expr::Not(e) | Expr::Negative(e) | Expr::IsNull(e) | Expr::IsNotNull(e) => vec![e],
            Expr::IsTrue(e) | Expr::IsFalse(e) => vec![e],
            Expr::Cast { expr, .. } | Expr::TryCast { expr, .. } => vec![expr],
            Expr::Case { operand, branches, otherwise } => {
                let pairs = branches.iter_mut().flat_map(|(when, then)| [when, then]);
                operand.as_deref_mut().into_iter().chain(pairs).chain(otherwise.as_deref_mut()).collect()
            }
            Expr::Like { expr, pattern, .. } => vec![expr, pattern],
            Expr::InList { expr, list, .. } => std::iter::once(&mut **expr).chain(list).collect(),
            Expr::Function { args, .. } => args.iter_mut().collect(),
        }
    }

    /// Calls `f` with every column the expression reads, as often as it reads it.
    pub fn visit_columns(&self, f: &mut impl FnMut(usize)) {
        if let Expr::Column(column) = self {
            f(*column);
        }
        for child in self.children() {
            child.visit_columns(f);
        }
    }

    /// The expression with each column replaced by `f(column)`.
    #[must_use]
    pub fn map_columns(self, f: &mut impl FnMut(usize) -> Expr) -> Expr {
        self.rewrite(&mut |expr| match expr {
            Expr::Column(column) => f(column),
            other => other,
        })
    }

    /// The expression with `f` applied to each node, operands first.
    pub(crate) fn rewrite(mut self, f: &mut impl FnMut(Expr) -> Expr) -> Expr {
        for child in self.children_mut() {
            let old = std::mem::replace(child, Expr::Column(0));
            *child = old.rewrite(f);
        }
        f(self)
    }

    /// A column or a constant: costs nothing to compute twice.
    pub(crate) fn is_trivial(&self) -> bool {
        matches!(self, Expr::Column(_) | Expr::Literal(_))
    }

    /// JSON levels that this node adds above its deepest operand.
    pub(crate) fn json_levels(&self) -> usize {
        match self {
            Expr::Case { .. } => 4,
            Expr::Function { .. } | Expr::InList { .. } => 3,
            Expr::Not(_) | Expr::Negative(_) | Expr::IsNull(_) | Expr::IsNotNull(_) => 1,
            Expr::IsTrue(_) | Expr::IsFalse(_) => 1,
            _ => 2,
        }
    }

    /// How deeply the JSON form is nested.
    pub(crate) fn json_depth(&self) -> usize {
        self.json_levels() + self.children().into_iter().map(Expr::json_depth).max().unwrap_or(0)
    }

    /// The operands of a chain of AND, from left to right.
    pub(crate) fn conjuncts(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            match expr {
                Expr::Binary { op, left, right } if op == "and" => open.extend([&**right, &**left]),
                other => found.push(other),
            }
        }
        found
    }

    /// Joins operands with an associative operator as a balanced tree, so that long chains stay shallow. `None` for none.
    pub(crate) fn chain(op: &str, mut operands: Vec<Expr>) -> Option<Expr> {
        while operands.len() > 1 {
            let mut next = Vec::with_capacity(operands.len().div_ceil(2));
            let mut rest = operands.into_iter();
            while let Some(left) = rest.next() {
                next.push(match rest.next() {
                    Some(right) => Expr::binary(op, left, right),
                    None => left,
                });
            }
            operands = next;
        }
        operands.pop()
    }

    /// A binary operator.
    pub(crate) fn binary(op: &str, left: Expr, right: Expr) -> Expr {
        Expr::Binary { op: op.to_owned(), left: Box::new(left), right: Box::new(right) }
    }
}
