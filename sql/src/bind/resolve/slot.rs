//! What a candidate takes at one place: a type, or one of Postgres' pseudo types.

use super::casts::is_implicit;
use super::common::common_kind;
use crate::algebra::{Category, Type};
use crate::types::SqlType;

/// The declared type of an argument or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Of any precision and scale.
    Numeric,
    Text,
    Bytea,
    Date,
    Timestamp,
    TimestampTz,
    Interval,
    TextArray,
    Int4Array,
    Float8Array,
    IntervalArray,
    /// `"any"`: each argument for itself.
    Any,
    /// `anyelement`: all of one type.
    AnyElement,
    /// `anynonarray`
    AnyNonArray,
    /// `anyarray`: an array of that type.
    AnyArray,
    /// `anycompatible`: all of a common type.
    AnyCompatible,
    /// `anycompatiblearray`
    AnyCompatibleArray,
}

impl Slot {
    /// The type it names; `None` for pseudo types.
    pub(super) fn ty(self) -> Option<Type> {
        Some(match self {
            Slot::Bool => Type::BOOLEAN,
            Slot::Int2 => Type::Sql(SqlType::SmallInt),
            Slot::Int4 => Type::INTEGER,
            Slot::Int8 => Type::BIGINT,
            Slot::Float4 => Type::Sql(SqlType::Real),
            Slot::Float8 => Type::DOUBLE,
            Slot::Numeric => Type::NUMERIC,
            Slot::Text => Type::TEXT,
            Slot::Bytea => Type::Sql(SqlType::Bytea),
            Slot::Date => Type::Sql(SqlType::Date),
            Slot::Timestamp => Type::Sql(SqlType::Timestamp),
            Slot::TimestampTz => Type::Sql(SqlType::TimestampTz),
            Slot::Interval => Type::INTERVAL,
            Slot::TextArray => Type::Array(SqlType::Text),
            Slot::Int4Array => Type::Array(SqlType::Integer),
            Slot::IntervalArray => Type::Array(SqlType::Interval),
            Slot::Float8Array => Type::Array(SqlType::Double),
            Slot::Any
            | Slot::AnyElement
            | Slot::AnyNonArray
            | Slot::AnyArray
            | Slot::AnyCompatible
            | Slot::AnyCompatibleArray => return None,
        })
    }

    /// The category; `None` is that of the pseudo types.
    pub(super) fn category(self) -> Option<Category> {
        self.ty().map(Type::category)
    }

    /// Whether it stands for a common type of several arguments.
    pub(super) fn is_compatible(self) -> bool {
        matches!(self, Slot::AnyCompatible | Slot::AnyCompatibleArray)
    }

    /// Whether it names exactly this type.
    pub(super) fn is(self, ty: Type) -> bool {
        self.ty().is_some_and(|own| own.is_same_kind(ty))
    }

    /// Whether a value of the type may stand there without a cast being written.
    fn accepts(self, from: Type) -> bool {
        if from == Type::Unknown {
            return true;
        }
        match self {
            Slot::Any | Slot::AnyElement | Slot::AnyCompatible => true,
            Slot::AnyNonArray => !matches!(from, Type::Array(_)),
            Slot::AnyArray | Slot::AnyCompatibleArray => matches!(from, Type::Array(_)),
            named => named.ty().is_some_and(|to| is_implicit(from, to)),
        }
    }
}

/// What the pseudo types of a candidate stand for.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Stands {
    /// `anyelement` and its like.
    element: Option<Type>,
    /// `anycompatible` and its like.
    compatible: Option<Type>,
}

impl Stands {
    /// What they stand for with these arguments; `None` if the arguments contradict each other.
    pub(super) fn of(slots: &[Slot], types: &[Type]) -> Option<Stands> {
        let mut stands = Stands::default();
        let mut compatible = Vec::new();
        for (slot, ty) in slots.iter().zip(types) {
            match (slot, ty) {
                (_, Type::Unknown) => {}
                (Slot::AnyElement | Slot::AnyNonArray, ty) => stands.same_element(*ty)?,
                (Slot::AnyArray, Type::Array(element)) => stands.same_element(Type::Sql(*element))?,
                (Slot::AnyCompatible, ty) => compatible.push(*ty),
                (Slot::AnyCompatibleArray, Type::Array(element)) => compatible.push(Type::Sql(*element)),
                _ => {}
            }
        }
        if !compatible.is_empty() {
            stands.compatible = Some(common_kind(&compatible)?);
        }
        Some(stands)
    }

    fn same_element(&mut self, ty: Type) -> Option<()> {
        match self.element {
            Some(known) if !known.is_same_kind(ty) => None,
            _ => {
                self.element = Some(ty);
                Some(())
            }
        }
    }

    /// The type of a place; `None` where nothing tells what it stands for, and for `"any"`.
    pub(super) fn ty(self, slot: Slot) -> Option<Type> {
        let array = |ty: Type| ty.sql().map(Type::Array);
        match slot {
            Slot::AnyElement | Slot::AnyNonArray => self.element,
            Slot::AnyArray => self.element.and_then(array),
            Slot::AnyCompatible => Some(self.compatible.unwrap_or(Type::TEXT)),
            Slot::AnyCompatibleArray => self.compatible.and_then(array),
            named => named.ty(),
        }
    }
}

/// Whether a candidate can be called with these arguments.
pub(super) fn fits(slots: &[Slot], types: &[Type]) -> bool {
    slots.len() == types.len()
        && slots.iter().zip(types).all(|(slot, ty)| slot.accepts(*ty))
        && Stands::of(slots, types).is_some()
}
