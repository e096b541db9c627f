//! Which of several functions or operators of one name is meant: `func_select_candidate` of Postgres' `parse_func.c`,
//! as chapter 10 of its manual describes it.

use super::slot::{Slot, fits};
use crate::algebra::{Category, Type};
use std::borrow::Cow;

/// What a choice among candidates came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// This one.
    One(usize),
    /// None can be called with these arguments.
    None,
    /// Several can, and none is better than the others.
    Many,
}

/// The argument lists of candidates, all as long as the call's.
pub(super) type Candidates = [Cow<'static, [Slot]>];

/// The candidate that takes exactly these types.
pub(super) fn exact(candidates: &Candidates, types: &[Type]) -> Option<usize> {
    candidates
        .iter()
        .position(|slots| slots.len() == types.len() && slots.iter().zip(types).all(|(slot, ty)| slot.is(*ty)))
}

/// The candidate that is meant.
pub(super) fn choose(candidates: &Candidates, types: &[Type]) -> Choice {
    if let Some(found) = exact(candidates, types) {
        return Choice::One(found);
    }
    let mut left: Vec<usize> = (0..candidates.len()).filter(|&c| fits(&candidates[c], types)).collect();
    if let Some(choice) = decided(&left) {
        return choice;
    }
    keep_best(&mut left, |c| count(&candidates[c], types, |slot, ty| slot.is(ty)));
    if let [one] = left.as_slice() {
        return Choice::One(*one);
    }
    keep_best(&mut left, |c| count(&candidates[c], types, |slot, ty| slot.is(ty) || is_preferred(slot, ty.category())));
    if let [one] = left.as_slice() {
        return Choice::One(*one);
    }
    if !types.contains(&Type::Unknown) {
        return Choice::Many;
    }
    if let Some(narrower) = by_category(candidates, &left, types)
        && !narrower.is_empty()
    {
        left = narrower;
        if let [one] = left.as_slice() {
            return Choice::One(*one);
        }
    }
    by_the_known(candidates, &left, types)
}

fn decided(left: &[usize]) -> Option<Choice> {
    match left {
        [] => Some(Choice::None),
        [one] => Some(Choice::One(*one)),
        _ => None,
    }
}

/// Keeps the candidates with the most points, if any has some.
fn keep_best(left: &mut Vec<usize>, points: impl Fn(usize) -> usize) {
    let scored: Vec<(usize, usize)> = left.iter().map(|&c| (c, points(c))).collect();
    let best = scored.iter().map(|(_, points)| *points).max().unwrap_or(0);
    *left = scored.into_iter().filter(|(_, points)| *points == best).map(|(c, _)| c).collect();
}

/// At how many places with a known type a condition holds.
fn count(slots: &[Slot], types: &[Type], holds: impl Fn(Slot, Type) -> bool) -> usize {
    slots.iter().zip(types).filter(|(slot, ty)| **ty != Type::Unknown && holds(**slot, **ty)).count()
}

fn is_preferred(slot: Slot, category: Category) -> bool {
    slot.ty().is_some_and(|ty| ty.category() == category && ty.is_preferred())
}

/// At each unknown place the category is text if any candidate takes a text there, else the one that all agree on.
/// Those of another category are dropped, and those whose type is not preferred where another's is. `None` if they do
/// not agree.
fn by_category(candidates: &Candidates, left: &[usize], types: &[Type]) -> Option<Vec<usize>> {
    let mut wanted: Vec<Option<(Option<Category>, bool)>> = vec![None; types.len()];
    for (place, wanted) in wanted.iter_mut().enumerate() {
        if types[place] != Type::Unknown {
            continue;
        }
        let slots = left.iter().map(|&c| candidates[c][place]);
        let mut categories = slots.clone().map(Slot::category);
        let first = categories.next()?;
        let category = if slots.clone().any(|slot| slot.category() == Some(Category::String)) {
            Some(Category::String)
        } else if categories.all(|category| category == first) {
            first
        } else {
            return None;
        };
        let preferred = slots.clone().any(|slot| category.is_some_and(|category| is_preferred(slot, category)));
        *wanted = Some((category, preferred));
    }
    let agrees = |&c: &usize| {
        wanted.iter().enumerate().all(|(place, wanted)| match wanted {
            None => true,
            Some((category, preferred)) => {
                let slot = candidates[c][place];
                slot.category() == *category
                    && (!preferred || category.is_some_and(|category| is_preferred(slot, category)))
            }
        })
    };
    Some(left.iter().copied().filter(agrees).collect())
}

/// If all known arguments have one type, the unknown ones are taken for that type too.
fn by_the_known(candidates: &Candidates, left: &[usize], types: &[Type]) -> Choice {
    let mut known = types.iter().copied().filter(|ty| *ty != Type::Unknown);
    let Some(first) = known.next() else { return Choice::Many };
    if known.any(|ty| !ty.is_same_kind(first)) {
        return Choice::Many;
    }
    let assumed = vec![first; types.len()];
    let mut fitting = left.iter().copied().filter(|&c| fits(&candidates[c], &assumed));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Choice::One(one),
        _ => Choice::Many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SqlType;

    fn chosen(candidates: &[&'static [Slot]], types: &[Type]) -> Choice {
        let candidates: Vec<Cow<'static, [Slot]>> = candidates.iter().map(|slots| Cow::Borrowed(*slots)).collect();
        choose(&candidates, types)
    }

    /// Types of the results in PostgreSQL 15: `round(2)` double precision, `round(2.5)` numeric, `abs('-1')` double
    /// precision, `date_trunc('day', date '2024-01-01')` timestamptz, `sum('1')` is not unique.
    #[test]
    fn as_postgres_chooses() {
        use Slot::{Float8, Int2, Int4, Int8, Interval, Numeric, Text, Timestamp, TimestampTz};
        let round: &[&'static [Slot]] = &[&[Float8], &[Numeric]];
        assert_eq!(chosen(round, &[Type::INTEGER]), Choice::One(0));
        assert_eq!(chosen(round, &[Type::Sql(SqlType::Numeric { precision: 2, scale: 1 })]), Choice::One(1));
        assert_eq!(chosen(round, &[Type::TEXT]), Choice::None);
        let abs: &[&'static [Slot]] = &[&[Int2], &[Int4], &[Int8], &[Float8], &[Numeric]];
        assert_eq!(chosen(abs, &[Type::Unknown]), Choice::One(3));
        let trunc: &[&'static [Slot]] = &[&[Text, Timestamp], &[Text, TimestampTz], &[Text, Interval]];
        assert_eq!(chosen(trunc, &[Type::Unknown, Type::Sql(SqlType::Date)]), Choice::One(1));
        assert_eq!(chosen(trunc, &[Type::Unknown, Type::Unknown]), Choice::Many);
        let sum: &[&'static [Slot]] = &[&[Int8], &[Float8], &[Interval]];
        assert_eq!(chosen(sum, &[Type::Unknown]), Choice::Many);
    }

    #[test]
    fn texts_and_arrays_are_concatenated() {
        use Slot::{AnyCompatible, AnyCompatibleArray, AnyNonArray, Text};
        let concat: &[&'static [Slot]] = &[
            &[Text, Text],
            &[Text, AnyNonArray],
            &[AnyNonArray, Text],
            &[AnyCompatible, AnyCompatibleArray],
            &[AnyCompatibleArray, AnyCompatible],
            &[AnyCompatibleArray, AnyCompatibleArray],
        ];
        let varchar = Type::Sql(SqlType::Varchar { limit: None });
        let integers = Type::Array(SqlType::Integer);
        assert_eq!(chosen(concat, &[varchar, varchar]), Choice::One(0));
        assert_eq!(chosen(concat, &[Type::Unknown, Type::INTEGER]), Choice::One(1));
        assert_eq!(chosen(concat, &[Type::Unknown, Type::Unknown]), Choice::One(0));
        assert_eq!(chosen(concat, &[Type::INTEGER, Type::INTEGER]), Choice::None);
        assert_eq!(chosen(concat, &[integers, Type::Unknown]), Choice::One(5));
        assert_eq!(chosen(concat, &[integers, Type::INTEGER]), Choice::One(4));
        assert_eq!(chosen(concat, &[Type::INTEGER, integers]), Choice::One(3));
    }
}
